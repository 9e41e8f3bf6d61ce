using System.Globalization;
using System.Text.RegularExpressions;
using ZfsArchive.Model;

namespace ZfsArchive.Stores;

/// <summary>Where a repository is, as a person writes it.</summary>
public abstract partial record StoreAddress
{
    StoreAddress()
    {
    }

    /// <summary>A path on this machine, or <c>file:///path</c>.</summary>
    public sealed record Folder(string Path) : StoreAddress;

    /// <summary><c>s3://bucket/prefix</c>, or with the service's own address <c>s3:https://host[:port]/bucket/prefix</c>.</summary>
    /// <param name="Prefix">Without slashes around it; empty for the bucket's root.</param>
    /// <param name="Endpoint">The service, when the address names it.</param>
    public sealed record Bucket(string Name, string Prefix, Uri? Endpoint) : StoreAddress;

    /// <summary><c>sftp://[user@]host[:port]/path</c>, below the login folder; with two slashes, <c>//path</c>, from the root.</summary>
    /// <param name="Path">As the far side takes it: absolute when it begins with a slash, else from the login folder.</param>
    public sealed record Remote(string? User, string Host, int? Port, string Path) : StoreAddress;

    /// <exception cref="ArchiveException">Usage: says what is wrong with it.</exception>
    public static StoreAddress Parse(string text)
    {
        if (text.StartsWith("file:///", StringComparison.Ordinal)) text = Uri.UnescapeDataString(text["file://".Length..]);
        if (text.Length == 0 || text.Any(char.IsControl)) throw Wrong("the repository's place is empty, or has control characters in it");
        if (text.StartsWith("sftp://", StringComparison.Ordinal)) return ParseSftp(text);
        if (text.StartsWith("s3:", StringComparison.Ordinal)) return ParseS3(text);
        return text.Contains("://", StringComparison.Ordinal)
            ? throw Wrong($"'{text[..text.IndexOf("://", StringComparison.Ordinal)]}://…' is no place that this zfsarchive knows: write a path, s3://bucket/prefix or sftp://user@host:port/path")
            : new Folder(text);
    }

    static Bucket ParseS3(string text)
    {
        var rest = text["s3:".Length..];
        Uri? endpoint = null;
        if (rest.StartsWith("http://", StringComparison.Ordinal) || rest.StartsWith("https://", StringComparison.Ordinal))
        {
            if (!Uri.TryCreate(rest, UriKind.Absolute, out var whole) || whole.UserInfo.Length > 0 || whole.Query.Length > 0)
                throw Wrong("the address of the S3 service is not understood: write s3:https://host[:port]/bucket/prefix, and keys in the environment");
            (endpoint, rest) = (new(whole.GetLeftPart(UriPartial.Authority)), "//" + whole.AbsolutePath.TrimStart('/'));
        }
        if (!rest.StartsWith("//", StringComparison.Ordinal)) throw Wrong("this is no place in S3: write s3://bucket/prefix");
        var parts = rest[2..].Split('/', 2);
        if (!BucketName().IsMatch(parts[0])) throw Wrong("what follows s3:// is no name of a bucket: write s3://bucket/prefix, and keys in the environment");
        var prefix = parts.Length > 1 ? parts[1].Trim('/') : "";
        if (prefix.Length > 0 && !ObjectKey.IsValid(prefix)) throw Wrong($"the prefix '{prefix}' has characters that some services change: use letters, digits and . _ - between slashes");
        return new(parts[0], prefix, endpoint);
    }

    static Remote ParseSftp(string text)
    {
        var match = SftpAddress().Match(text);
        if (!match.Success) throw Wrong("the SFTP address is not understood: write sftp://[user@]host[:port]/path, without a password (ssh takes keys)");
        int? port = match.Groups["port"].Success ? int.Parse(match.Groups["port"].Value, CultureInfo.InvariantCulture) : null;
        if (port is 0 or > 65535) throw Wrong($"the port {port} of the SFTP address is not from 1 to 65535");
        var path = match.Groups["path"].Value.TrimEnd('/');
        if (path.Length == 0) throw Wrong($"'{text}' names no folder: write sftp://host/folder for one below the login folder, sftp://host//folder for one below the root");
        if (path.Split('/').Contains("..")) throw Wrong($"'{text}' has .. in its path: write the folder itself");
        var user = match.Groups["user"];
        return new(user.Success ? user.Value : null, match.Groups["host"].Value, port, path);
    }

    static ArchiveException Wrong(string message) => new(FailureKind.Usage, message);

    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}\z")]
    private static partial Regex BucketName();

    [GeneratedRegex(@"\Asftp://(?:(?<user>[A-Za-z0-9._][A-Za-z0-9._-]*)@)?(?<host>[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.%]+\])(?::(?<port>[0-9]{1,5}))?/(?<path>.*)\z", RegexOptions.ExplicitCapture)]
    private static partial Regex SftpAddress();
}
