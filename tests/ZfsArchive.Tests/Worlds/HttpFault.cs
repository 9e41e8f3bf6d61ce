using System.Globalization;
using System.Text;

namespace ZfsArchive.Tests.Worlds;

/// <summary>What goes wrong with some requests: by default with the next one, once.</summary>
sealed record HttpFault
{
    HttpFault()
    {
    }

    public static HttpFault SlowDown { get; } = Error(503, "SlowDown");

    public static HttpFault InternalError { get; } = Error(500, "InternalError");

    public static HttpFault ExpiredToken { get; } = Error(400, "ExpiredToken");

    public static HttpFault TimeTooSkewed { get; } = Error(403, "RequestTimeTooSkewed");

    /// <summary>The connection breaks instead of an answer.</summary>
    public static HttpFault Reset { get; } = new();

    public static HttpFault Error(int status, string code) => new() { Status = status, Code = code };

    /// <summary>The server's answer ends after so many bytes of its body.</summary>
    public static HttpFault Truncated(long bytes) => new() { BodyBytes = bytes, Lost = true };

    /// <summary>Only requests of this method count.</summary>
    public string? Method { get; init; }

    /// <summary>Only requests with this in their path and query count.</summary>
    public string? Path { get; init; }

    /// <summary>The first that goes wrong, of those that count.</summary>
    public int Nth { get; init; } = 1;

    /// <summary>So many in a row go wrong.</summary>
    public int Times { get; init; } = 1;

    /// <summary>The server got the request and did it; only its answer does not arrive.</summary>
    public bool Lost { get; init; }

    public int Status { get; private init; }

    public string Code { get; private init; } = "";

    public long? BodyBytes { get; private init; }

    public bool Concerns(HttpHead request) =>
        (Method is null || request.Method == Method) && (Path is null || request.Target.Contains(Path, StringComparison.Ordinal));

    /// <summary>As S3 says it; null when nothing is said.</summary>
    public byte[]? Answer(HttpHead request)
    {
        if (Status == 0) return null;
        var body = request.Method == "HEAD" ? "" : $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{Code}</Code><Message>made by a test</Message><RequestId>test</RequestId></Error>";
        var date = TimeProvider.System.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
        return Encoding.ASCII.GetBytes($"HTTP/1.1 {Status} {Code}\r\nDate: {date}\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}");
    }
}
