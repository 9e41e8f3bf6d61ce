using System.Text.RegularExpressions;
using ZfsArchive.Model;

namespace ZfsArchive.Manifests;

/// <summary>The only place that knows the names of objects in a repository (FORMAT.md, "Names").</summary>
public static partial class Layout
{
    public const string Descriptor = "zfsarchive.json";
    public const string Manifests = "manifests/";
    public const string Archives = "archives/";
    public const string Features = "features/";
    public const string Records = "records/";
    public const string Removed = "removed/";
    public const string Leases = "leases/";

    const string Json = ".json";
    const string PackagePrefix = "package-";
    const string DatasetPrefix = "dataset-";
    const string LeaseEndMark = "end";

    public static string Manifest(DatasetFolder folder, ArchiveName archive) => $"{Manifests}{folder}/{archive}{Json}";

    public static string Dataset(DatasetFolder folder, int number) => $"{Manifests}{folder}/{DatasetPrefix}{number}{Json}";

    public static string ArchiveFolder(DatasetFolder folder, ArchiveName archive) => $"{Archives}{folder}/{archive}/";

    public static string Chunk(DatasetFolder folder, ArchiveName archive, string chunkName) => ArchiveFolder(folder, archive) + chunkName;

    public static string Package(DatasetFolder folder, ArchiveName archive, string sha256) => $"{ArchiveFolder(folder, archive)}{PackagePrefix}{sha256}.zst";

    /// <summary>Bytes that the stored header of a package has at most: it may have 64 MiB, and a stored frame adds little.</summary>
    public const int LargestPackage = 65 << 20;

    /// <summary>The SHA-256 that the name of a package's header tells.</summary>
    public static string PackageSha256(string key) => Path.GetFileNameWithoutExtension(key)[PackagePrefix.Length..];

    /// <param name="id">16 hexadecimal digits.</param>
    /// <param name="number">From 1.</param>
    public static string Lease(string id, int number) => $"{Leases}{id}-{number}{Json}";

    /// <summary>What closes a series of leases.</summary>
    public static string LeaseEnd(string id) => $"{Leases}{id}-{LeaseEndMark}{Json}";

    /// <summary>The series that a lease belongs to, and its number, which is null for the one that closes it; or null.</summary>
    public static (string Id, int? Number)? ParseLease(string key)
    {
        var match = LeaseName().Match(key);
        if (!match.Success) return null;
        return (match.Groups[1].Value, match.Groups[2].Value == LeaseEndMark ? null : int.Parse(match.Groups[2].ValueSpan, System.Globalization.NumberStyles.None, null));
    }

    [GeneratedRegex("\\Aleases/([0-9a-f]{16})-([1-9][0-9]{0,8}|end)\\.json\\z")]
    private static partial Regex LeaseName();

    /// <summary>What a prune is about to remove, or found unclaimed, at a time.</summary>
    /// <param name="id">16 hexadecimal digits.</param>
    public static string RemovalRecord(DateTimeOffset at, string id) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Removed}{at.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{id}{Json}");

    public static bool IsRemovalRecord(string key) => RemovalName().IsMatch(key);

    [GeneratedRegex("\\Aremoved/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}\\.json\\z")]
    private static partial Regex RemovalName();

    /// <summary>What a doctor found, at a time.</summary>
    public static string DoctorRecord(DateTimeOffset at, string id) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Records}doctor-{at.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{id}{Json}");

    /// <summary>What is known of verifications, at a time.</summary>
    public static string VerifyRecord(DateTimeOffset at, string id) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Records}verify-{at.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{id}{Json}");

    public static bool IsVerifyRecord(string key) => VerifyRecordName().IsMatch(key);

    /// <summary>The time in the name of such a record; null when it is none.</summary>
    public static DateTimeOffset? VerifyRecordTime(string key) =>
        IsVerifyRecord(key) && DateTimeOffset.TryParseExact(
            key.AsSpan((Records + "verify-").Length, 16), "yyyyMMdd'T'HHmmss'Z'", System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var time)
            ? time : null;

    [GeneratedRegex("\\Arecords/verify-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}\\.json\\z")]
    private static partial Regex VerifyRecordName();

    /// <summary>The archive that a manifest's name is of, or null.</summary>
    public static (DatasetFolder Folder, ArchiveName Name)? ParseManifest(string key) =>
        Split(key, Manifests, out var folder, out var rest) && rest.EndsWith(Json, StringComparison.Ordinal) && ArchiveName.TryParse(rest[..^Json.Length]) is { } name
            ? (folder, name)
            : null;

    /// <summary>The number of a dataset's record, or null.</summary>
    public static (DatasetFolder Folder, int Number)? ParseDataset(string key) =>
        Split(key, Manifests, out var folder, out var rest) && rest.StartsWith(DatasetPrefix, StringComparison.Ordinal) && rest.EndsWith(Json, StringComparison.Ordinal)
        && int.TryParse(rest[DatasetPrefix.Length..^Json.Length], System.Globalization.NumberStyles.None, null, out var number) && Dataset(folder, number) == key
            ? (folder, number)
            : null;

    /// <summary>The archive and the last part of the name of an object under <c>archives/</c>, or null.</summary>
    public static (DatasetFolder Folder, ArchiveName Name, string Last)? ParseArchived(string key)
    {
        if (!Split(key, Archives, out var folder, out var rest)) return null;
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && ArchiveName.TryParse(rest[..slash]) is { } name && LastPart().IsMatch(rest.AsSpan(slash + 1)) ? (folder, name, rest[(slash + 1)..]) : null;
    }

    [GeneratedRegex("\\A(?:[0-9]{6,10}-[0-9a-f]{64}|package-[0-9a-f]{64})\\.zst\\z")]
    private static partial Regex LastPart();

    static bool Split(string key, string top, out DatasetFolder folder, out string rest)
    {
        (folder, rest) = (null!, "");
        if (!key.StartsWith(top, StringComparison.Ordinal)) return false;
        var slash = key.IndexOf('/', top.Length);
        if (slash < 0 || DatasetFolder.TryParse(key[top.Length..slash]) is not { } parsed) return false;
        (folder, rest) = (parsed, key[(slash + 1)..]);
        return true;
    }
}
