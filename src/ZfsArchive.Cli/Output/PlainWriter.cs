using System.Text;

namespace ZfsArchive.Cli.Output;

/// <summary>
/// Names and properties come from stores that may be hostile: a control character in them must not command the terminal.
/// </summary>
/// <param name="isAscii">What this program has of other letters is written in plain ones: the locale knows no others. A name keeps its own.</param>
sealed class PlainWriter(TextWriter inner, bool isAscii = false) : TextWriter
{
    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Write([value], 0, 1);

    public override void Write(char[] buffer, int index, int count)
    {
        var text = string.Create(count, (buffer, index), static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = Plain(source.buffer[source.index + i]);
        });
        inner.Write(isAscii ? text.Replace("…", "...", StringComparison.Ordinal) : text);
    }

    public override void Write(string? value)
    {
        if (value is not null) Write(value.ToCharArray(), 0, value.Length);
    }

    public override void Flush() => inner.Flush();

    /// <summary>Whether the locale knows no letters but those of ASCII, or has others not as UTF-8. The runtime writes UTF-8 even where there is none.</summary>
    public static bool IsAscii(Func<string, string?> environment)
    {
        var locale = environment("LC_ALL") ?? environment("LC_CTYPE") ?? environment("LANG") ?? "C";
        return !locale.Replace("-", "", StringComparison.Ordinal).Contains("utf8", StringComparison.OrdinalIgnoreCase);
    }

    static char Plain(char c) => char.IsControl(c) && c is not ('\n' or '\r' or '\t') ? '?' : c;
}
