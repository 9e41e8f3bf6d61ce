using System.Globalization;
using System.Text;

namespace ZfsArchive.Tests.Worlds;

/// <summary>The first line and the headers of a request or an answer, as they came.</summary>
sealed class HttpHead
{
    readonly string[] _lines;

    public HttpHead(byte[] raw)
    {
        Raw = raw;
        _lines = Encoding.Latin1.GetString(raw).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }

    public byte[] Raw { get; }

    public string Method => Word(0);

    /// <summary>Path and query of a request.</summary>
    public string Target => Word(1);

    /// <summary>Of an answer.</summary>
    public int Status => int.Parse(Word(1), CultureInfo.InvariantCulture);

    public long? Length => Header("Content-Length") is { } length ? long.Parse(length, CultureInfo.InvariantCulture) : null;

    public bool IsChunked => Has("Transfer-Encoding", "chunked");

    public bool Has(string name, string value) => Header(name)?.Contains(value, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>A header's value, or null.</summary>
    public string? Header(string name) =>
        _lines.Skip(1).Select(l => l.Split(':', 2)).FirstOrDefault(p => p[0].Equals(name, StringComparison.OrdinalIgnoreCase))?[1].Trim();

    string Word(int number) => _lines[0].Split(' ')[number];
}
