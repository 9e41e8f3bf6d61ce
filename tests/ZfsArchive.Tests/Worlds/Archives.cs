using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Worlds;

/// <summary>Archives, sources and targets made from a few numbers, for planners. Snapshot n has GUID n and createtxg n.</summary>
static class Archives
{
    public const ulong Dataset = 0xda;
    public const ulong Key = 0x4e;

    public static ArchiveEntry Of(
        ulong to, ulong from = 0, ulong dataset = Dataset, bool raw = true, ulong key = Key, ulong? ivset = null, ulong? fromIvset = null, long stored = 100,
        int ordinal = 1, bool clone = false, bool largeBlocks = false, string name = "tank/a", string[]? conditions = null, string[]? poolFeatures = null)
    {
        var features = largeBlocks ? ImmutableArray.Create("LARGE_BLOCKS") : [];
        var head = new ManifestHead(
            1, new(name, dataset, 1, "filesystem"), new($"s{to}", to, to, 1000 + to), from == 0 ? ManifestHead.Full : ManifestHead.Incremental, null,
            new(stored, $"{name}@s{to}", from, "0/0/0/0", false, features, clone ? 1u : 0u, null, [.. conditions ?? []], ImmutableSortedDictionary<string, long>.Empty, new("0.8.0", [.. poolFeatures ?? []]), []),
            new(raw, null, raw ? key : 0, null, null, 0, raw ? ivset ?? to : 0, raw ? fromIvset ?? from : 0, null),
            null, new(null, 3, "1.5.4"), new("r"), new(1, stored, 0), new(default, "1", "h", null, null), null, ManifestReplaced.None);
        return new(DatasetFolder.Of(name, dataset), ArchiveName.Of(1000 + to, to, from) with { Ordinal = ordinal }, head, $"{to:x64}", 1);
    }

    public static Catalog Catalog(params ArchiveEntry[] archives) => new(
        new(archives), archives.DistinctBy(a => a.Folder).ToImmutableDictionary(a => a.Folder, a => (1, new DatasetRecord(a.Head.Dataset.Name, a.Head.Dataset.Guid, 1, "h"))), [], [], []);

    public static ZfsSnapshot Snapshot(ulong n, string dataset = "tank/a", string? name = null, ulong? ivset = null) => new($"{dataset}@{name ?? $"s{n}"}", n, n, 1000 + (long)n, ivset ?? n, 0);

    public static ZfsBookmark Bookmark(ulong n, ulong? ivset = null) => new($"tank/a#b{n}", n, n, 1000 + (long)n, ivset ?? n);

    public static ZfsDataset Source(string name = "tank/a", ulong guid = Dataset, string encryption = "aes-256-gcm", ulong key = Key, string origin = "") =>
        new(name, DatasetKind.Filesystem, guid, encryption, encryption == "off" ? 0 : key, "passphrase", encryption == "off" ? "" : name, "available", origin, false, "", 0);
}
