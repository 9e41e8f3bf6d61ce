using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.S3;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;

namespace ZfsArchive.Cli.Commands;

/// <summary>A repository as it was named on the command line: its place or name, what <c>-o KEY=VALUE</c> says about the way there, and the configuration to look in.</summary>
public sealed record RepositoryPlace(string? Text, ImmutableArray<string> Settings, string? ConfigurationFile = null);

/// <summary>
/// What can be said about the way to a store: by <c>-o KEY=VALUE</c>, else by the environment (ZFSARCHIVE_S3_ENDPOINT for
/// s3.endpoint), else by the configuration.
/// </summary>
sealed class StoreSettings
{
    readonly Dictionary<string, string> _said = [];
    readonly IHost _host;
    readonly RepositoryRule? _rule;

    /// <param name="rule">What the configuration has on this repository.</param>
    /// <exception cref="ArchiveException">Usage: an unknown key, or no value.</exception>
    public StoreSettings(IHost host, IEnumerable<string> settings, RepositoryRule? rule)
    {
        (_host, _rule) = (host, rule);
        foreach (var setting in settings)
        {
            var parts = setting.Split('=', 2);
            if (parts.Length < 2 || StoreKey.Find(parts[0]) is null)
                throw new ArchiveException(FailureKind.Usage, $"-o takes KEY=VALUE, not '{parts[0]}'; keys are {string.Join(", ", StoreKey.All.Select(k => k.Name))}");
            _said[parts[0]] = parts[1];
        }
    }

    public S3Options S3 => new()
    {
        Endpoint = Checked("s3.endpoint") is { } endpoint ? StoreKey.ReadAddress(endpoint) : null,
        Region = Value("s3.region"),
        Profile = Value("s3.profile"),
        PathStyle = Flag("s3.path-style"),
        StorageClass = Value("s3.storage-class"),
        Md5 = Flag("s3.md5") switch { true => Md5Use.Always, false => Md5Use.Never, null => Md5Use.WhereNeeded },
        CaBundle = Value("s3.ca"),
        Keys = Keys(),
        StallLimit = StallLimit,
        ConnectLimit = Shorter(new S3Options().ConnectLimit, StallLimit),
    };

    /// <summary>What is said on a key, and who says it: <c>-o</c>, a variable, or null for the configuration; null when nobody does.</summary>
    public (string Value, string? By)? Find(StoreKey key)
    {
        if (_said.TryGetValue(key.Name, out var said)) return (said, "-o");
        foreach (var variable in key.AllVariables)
            if (_host.Environment(variable) is { } value) return (value, variable);
        return _rule?.Options.TryGetValue(key.Name, out var configured) == true ? (configured, null) : null;
    }

    /// <summary>Who says the S3 keys instead of the configuration: a profile or keys in the environment; null when nobody does.</summary>
    public string? KeysBy =>
        _said.ContainsKey(Profile.Name) ? "-o"
        // a profile that was named for this wins over keys that may be meant for something else
        : _host.Environment(Profile.OwnVariable) is not null ? Profile.OwnVariable
        : KeysOfEnvironment() is not null ? "AWS_ACCESS_KEY_ID"
        : Find(Profile) is { By: { } variable } ? variable
        : null;

    static StoreKey Profile { get; } = StoreKey.Find("s3.profile")!;

    (string, string, string?)? Keys()
    {
        if (KeysBy is { } by) return by == "AWS_ACCESS_KEY_ID" ? KeysOfEnvironment() : null;
        var secrets = new Secrets(_host.Environment);
        return _rule?.Keys is { } keys ? (secrets.Read(keys.AccessKey), secrets.Read(keys.SecretKey), null) : null;
    }

    (string, string, string?)? KeysOfEnvironment() =>
        _host.Environment("AWS_ACCESS_KEY_ID") is { } access && _host.Environment("AWS_SECRET_ACCESS_KEY") is { } secret ? (access, secret, _host.Environment("AWS_SESSION_TOKEN")) : null;

    public SftpOptions Sftp => new()
    {
        SshConfiguration = Value("sftp.config"),
        Identity = Value("sftp.identity"),
        KnownHosts = Value("sftp.known-hosts"),
        Connections = Number("sftp.connections") ?? new SftpOptions().Connections,
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

    string? Value(string key) => Find(StoreKey.Find(key)!)?.Value;

    // The value of a key, which has to be one of its kind.
    string? Checked(string key)
    {
        if (Value(key) is not { } value) return null;
        if (StoreKey.Find(key)! is var known && known.WantedInsteadOf(value) is not { } wanted) return value;
        throw new ArchiveException(FailureKind.Usage, $"{key} takes {wanted}, not {(known.Kind is StoreKeyKind.Address ? "what it says" : $"'{value}'")}");
    }

    bool? Flag(string key) => Checked(key) is { } text ? StoreKey.ReadFlag(text) : null;

    int? Number(string key) => Checked(key) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    // silence while a connection is made is silence
    static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    TimeSpan? Seconds(string key) => Number(key) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    long? Rate(string key) => Checked(key) is { } text ? StoreKey.ReadRate(text) : null;
}
