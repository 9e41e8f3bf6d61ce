using System.Collections.Immutable;
using System.Globalization;

namespace ZfsArchive.Stores;

/// <summary>What a key's value is.</summary>
public enum StoreKeyKind
{
    Text,
    Path,
    Flag,
    Address,
    Connections,
    Seconds,
    Rate,
}

/// <summary>One thing that can be said about the way to a store, by <c>-o KEY=VALUE</c>, the environment or the configuration.</summary>
/// <param name="Variables">What else in the environment is known to say it.</param>
public sealed record StoreKey(string Name, StoreKeyKind Kind, ImmutableArray<string> Variables)
{
    public const string RateWanted = "bytes a second, at least 1K, such as 500K or 10M";

    public static ImmutableArray<StoreKey> All { get; } =
    [
        new("s3.endpoint", StoreKeyKind.Address, ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]), new("s3.region", StoreKeyKind.Text, ["AWS_REGION", "AWS_DEFAULT_REGION"]),
        new("s3.profile", StoreKeyKind.Text, ["AWS_PROFILE"]), new("s3.path-style", StoreKeyKind.Flag, []), new("s3.storage-class", StoreKeyKind.Text, []),
        new("s3.md5", StoreKeyKind.Flag, []), new("s3.ca", StoreKeyKind.Path, ["AWS_CA_BUNDLE"]),
        new("sftp.config", StoreKeyKind.Path, ["ZFSARCHIVE_SSH_CONFIG"]), new("sftp.identity", StoreKeyKind.Path, []), new("sftp.known-hosts", StoreKeyKind.Path, []),
        new("sftp.connections", StoreKeyKind.Connections, []), new("sftp.ciphers", StoreKeyKind.Text, []),
        new("store.stall-limit", StoreKeyKind.Seconds, []), new("store.retry-limit", StoreKeyKind.Seconds, []), new("store.upload-limit", StoreKeyKind.Rate, []), new("store.download-limit", StoreKeyKind.Rate, []),
    ];

    public static StoreKey? Find(string name) => All.FirstOrDefault(k => k.Name == name);

    /// <summary>Its own variable (ZFSARCHIVE_S3_ENDPOINT for s3.endpoint) before those of others.</summary>
    public IEnumerable<string> AllVariables => Variables.Prepend(OwnVariable);

    public string OwnVariable => "ZFSARCHIVE_" + Name.ToUpperInvariant().Replace('.', '_').Replace('-', '_');

    /// <summary>Null when the value is one for this key, else what would be.</summary>
    public string? WantedInsteadOf(string value) => Kind switch
    {
        StoreKeyKind.Flag when ReadFlag(value) is null => "true or false",
        StoreKeyKind.Address when ReadAddress(value) is null => "an address such as https://s3.example.net",
        StoreKeyKind.Connections when ReadNumber(value, 1, 32) is null => "a number from 1 to 32",
        StoreKeyKind.Seconds when ReadNumber(value, 1, 86400) is null => "a number from 1 to 86400",
        StoreKeyKind.Rate when ReadRate(value) is null => RateWanted,
        _ => null,
    };

    public static bool? ReadFlag(string text) => text switch
    {
        "true" or "yes" or "1" => true,
        "false" or "no" or "0" => false,
        _ => null,
    };

    public static int? ReadNumber(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number : null;

    /// <summary><c>500K</c>, <c>10M</c>, <c>1G</c>: bytes a second.</summary>
    public static long? ReadRate(string text)
    {
        var factor = text.Length == 0 ? 1L : char.ToUpperInvariant(text[^1]) switch { 'K' => 1L << 10, 'M' => 1L << 20, 'G' => 1L << 30, _ => 1L };
        return long.TryParse(factor == 1 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 1L << 33 && number * factor >= 1024
            ? number * factor
            : null;
    }

    /// <summary>An address of the web without a user and password in it.</summary>
    public static Uri? ReadAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 ? uri : null;
}
