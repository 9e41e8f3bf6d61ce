using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ZfsArchive.Manifests;

/// <summary>
/// A manifest without its chunks: what list, plan and status read. Every member is described, with its unit, in
/// manifests-schema.json. GUIDs are decimal strings in JSON, since they pass 2^53.
/// </summary>
public sealed record ManifestHead(
    int Format, ManifestDataset Dataset, ManifestSnapshot Snapshot, string Kind, ManifestBase? Base, ManifestStream Stream,
    ManifestEncryption Encryption, ImmutableSortedDictionary<string, string>? Properties, ManifestChunking Chunking, ManifestOrigin Origin,
    ManifestTotals Totals, ManifestCreated Created, string? Package, ManifestReplaced Replaced)
{
    /// <summary>The only major version of the format that this program knows.</summary>
    public const int CurrentFormat = 1;

    public const string Full = "full", Incremental = "incremental";

    [JsonIgnore]
    public bool IsFull => Kind == Full;
}

public sealed record ManifestDataset(
    string Name, [property: JsonNumberHandling(Numbers.AsText)] ulong? Guid, [property: JsonNumberHandling(Numbers.AsText)] ulong? PoolGuid, string Type);

public sealed record ManifestSnapshot(
    string Name, [property: JsonNumberHandling(Numbers.AsText)] ulong Guid, [property: JsonNumberHandling(Numbers.AsText)] ulong? Createtxg, ulong Creation);

public sealed record ManifestBase(
    [property: JsonNumberHandling(Numbers.AsText)] ulong Guid, string? Name, string Archive, string ManifestSha256);

public sealed record ManifestStream(
    long Length, string ToName, [property: JsonNumberHandling(Numbers.AsText)] ulong FromGuid, string? EndChecksum, bool BigEndian, ImmutableArray<string> Features, uint Flags, long? OpaqueFrom,
    ImmutableArray<string> Conditions, ImmutableSortedDictionary<string, long> Records, ManifestRequires Requires, ImmutableArray<string> SendFlags);

public sealed record ManifestRequires(string OpenZfs, ImmutableArray<string> PoolFeatures);

public sealed record ManifestEncryption(
    bool Raw, string? Suite, [property: JsonNumberHandling(Numbers.AsText)] ulong KeyGuid, string? KeyFormat, string? WrappingId,
    [property: JsonNumberHandling(Numbers.AsText)] ulong Pbkdf2Salt, [property: JsonNumberHandling(Numbers.AsText)] ulong ToIvsetGuid,
    [property: JsonNumberHandling(Numbers.AsText)] ulong FromIvsetGuid, ManifestEncryptionRoot? EncryptionRoot);

public sealed record ManifestEncryptionRoot(string Name, [property: JsonNumberHandling(Numbers.AsText)] ulong? Guid, bool IsRoot);

public sealed record ManifestChunking(int? Target, int Level, string Zstd);

public sealed record ManifestOrigin(string Repository);

public sealed record ManifestTotals(long Chunks, long StoredLength, long CompressedChunks);

public sealed record ManifestCreated(DateTimeOffset At, string Version, string Host, string? OpenZfsUserland, string? OpenZfsModule);

public sealed record ManifestReplaced(long Count, string Sha256)
{
    /// <summary>Nothing replaced: the SHA-256 of no bytes.</summary>
    public static ManifestReplaced None { get; } = new(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/// <summary>One line of a manifest's chunks.</summary>
/// <param name="Name">The chunk's name in the archive's folder.</param>
/// <param name="StoredLength">Bytes of the stored frame.</param>
/// <param name="Length">Bytes of the stream in it.</param>
/// <param name="Checksum">Running fletcher-4 of the stream before it, or null in an opaque part.</param>
/// <param name="FirstRecord">The first record that begins in it; null when none does.</param>
public sealed record ChunkLine(
    string Name, long StoredLength, long Length, string? Checksum, ChunkFirstRecord? FirstRecord,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Md5 = null);

/// <summary>A record by its type's name, its object (or first of a range) and its byte offset in the object; in JSON an array of these three.</summary>
[JsonConverter(typeof(ChunkFirstRecordJson))]
public sealed record ChunkFirstRecord(string Type, ulong Object, ulong Offset);

/// <summary>An archive that a fold stands for.</summary>
public sealed record ReplacedLine(string Archive, string ManifestSha256);

static class Numbers
{
    public const JsonNumberHandling AsText = JsonNumberHandling.WriteAsString | JsonNumberHandling.AllowReadingFromString;
}
