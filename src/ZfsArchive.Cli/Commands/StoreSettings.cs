using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Model;
using ZfsArchive.S3;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;

namespace ZfsArchive.Cli.Commands;

/// <summary>A repository as it was named on the command line: its place, and what <c>-o KEY=VALUE</c> says about the way there.</summary>
public sealed record RepositoryPlace(string? Text, ImmutableArray<string> Settings);

/// <summary>What can be said about the way to a store: by <c>-o KEY=VALUE</c>, else by the environment (ZFSARCHIVE_S3_ENDPOINT for s3.endpoint).</summary>
sealed class StoreSettings
{
    // The key, and what else in the environment is known to say it.
    static readonly (string Key, string[] Variables)[] s_keys =
    [
        ("s3.endpoint", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]), ("s3.region", ["AWS_REGION", "AWS_DEFAULT_REGION"]), ("s3.profile", ["AWS_PROFILE"]),
        ("s3.path-style", []), ("s3.storage-class", []), ("s3.md5", []), ("s3.ca", ["AWS_CA_BUNDLE"]),
        ("sftp.config", ["ZFSARCHIVE_SSH_CONFIG"]), ("sftp.identity", []), ("sftp.known-hosts", []), ("sftp.connections", []), ("sftp.ciphers", []),
        ("store.stall-limit", []), ("store.retry-limit", []), ("store.upload-limit", []), ("store.download-limit", []),
    ];

    readonly Dictionary<string, string> _said = [];
    readonly IHost _host;

    /// <exception cref="ArchiveException">Usage: an unknown key, or no value.</exception>
    public StoreSettings(IHost host, IEnumerable<string> settings)
    {
        _host = host;
        foreach (var setting in settings)
        {
            var parts = setting.Split('=', 2);
            if (parts.Length < 2 || !s_keys.Any(k => k.Key == parts[0]))
                throw new ArchiveException(FailureKind.Usage, $"-o takes KEY=VALUE, not '{parts[0]}'; keys are {string.Join(", ", s_keys.Select(k => k.Key))}");
            _said[parts[0]] = parts[1];
        }
    }

    public S3Options S3 => new()
    {
        Endpoint = Value("s3.endpoint") is { } endpoint ? UriOf(endpoint) : null,
        Region = Value("s3.region"),
        Profile = Value("s3.profile"),
        PathStyle = Flag("s3.path-style"),
        StorageClass = Value("s3.storage-class"),
        Md5 = Flag("s3.md5") switch { true => Md5Use.Always, false => Md5Use.Never, null => Md5Use.WhereNeeded },
        CaBundle = Value("s3.ca"),
        // a profile that was named for this wins over keys that may be meant for something else
        Keys = _said.ContainsKey("s3.profile") || _host.Environment("ZFSARCHIVE_S3_PROFILE") is not null ? null : KeysOfEnvironment(),
        StallLimit = StallLimit,
        ConnectLimit = Shorter(new S3Options().ConnectLimit, StallLimit),
    };

    (string, string, string?)? KeysOfEnvironment() =>
        _host.Environment("AWS_ACCESS_KEY_ID") is { } access && _host.Environment("AWS_SECRET_ACCESS_KEY") is { } secret ? (access, secret, _host.Environment("AWS_SESSION_TOKEN")) : null;

    public SftpOptions Sftp => new()
    {
        SshConfiguration = Value("sftp.config"),
        Identity = Value("sftp.identity"),
        KnownHosts = Value("sftp.known-hosts"),
        Connections = Number("sftp.connections", 1, 32) ?? new SftpOptions().Connections,
        Ciphers = Value("sftp.ciphers"),
        StallLimit = StallLimit,
        ConnectLimit = Shorter(new SftpOptions().ConnectLimit, StallLimit),
    };

    public RetryPolicy Retry => Seconds("store.retry-limit") is { } limit
        ? RetryPolicy.Standard with { Patience = limit, FirstContact = limit < RetryPolicy.Standard.FirstContact ? limit : RetryPolicy.Standard.FirstContact }
        : RetryPolicy.Standard;

    public TimeSpan StallLimit => Seconds("store.stall-limit") ?? TimeSpan.FromSeconds(60);

    public long? UploadLimit => Rate("store.upload-limit");

    public long? DownloadLimit => Rate("store.download-limit");

    string? Value(string key) =>
        _said.TryGetValue(key, out var said) ? said
        : s_keys.Single(k => k.Key == key).Variables.Prepend("ZFSARCHIVE_" + key.ToUpperInvariant().Replace('.', '_').Replace('-', '_')).Select(_host.Environment).FirstOrDefault(v => v is not null);

    bool? Flag(string key) => Value(key) switch
    {
        null => null,
        "true" or "yes" or "1" => true,
        "false" or "no" or "0" => false,
        var other => throw Wrong(key, "true or false", other),
    };

    int? Number(string key, int least, int most) => Value(key) is not { } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number : throw Wrong(key, $"a number from {least} to {most}", text);

    // silence while a connection is made is silence
    static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    TimeSpan? Seconds(string key) => Number(key, 1, 86400) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    // 500K, 10M, 1G: bytes a second
    long? Rate(string key)
    {
        if (Value(key) is not { } text) return null;
        var factor = text.Length == 0 ? 1L : char.ToUpperInvariant(text[^1]) switch { 'K' => 1L << 10, 'M' => 1L << 20, 'G' => 1L << 30, _ => 1L };
        return long.TryParse(factor == 1 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 1L << 33 && number * factor >= 1024
            ? number * factor
            : throw Wrong(key, "bytes a second, at least 1K, such as 500K or 10M", text);
    }

    static Uri UriOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
            ? uri
            : throw Wrong("s3.endpoint", "an address such as https://s3.example.net", "what it says");

    static ArchiveException Wrong(string key, string wanted, string found) => new(FailureKind.Usage, $"{key} takes {wanted}, not '{found}'");
}
