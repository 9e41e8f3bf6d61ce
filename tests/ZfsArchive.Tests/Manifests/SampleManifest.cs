using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Tests.Manifests;

/// <summary>A manifest's parts with every member set.</summary>
static class SampleManifest
{
    public const string Folder = "tank-home_0123456789abcdef";

    public static ArchiveName Name { get; } = ArchiveName.Of(1_790_000_000, ulong.MaxValue, ulong.MaxValue - 1);

    public static ManifestHead Head(long chunks, long length, long storedLength) => new(
        1, new("tank/home ü", ulong.MaxValue, 1UL << 63, "filesystem"), new("s\"1\u2028", ulong.MaxValue, 77, 1_790_000_000), ManifestHead.Incremental,
        new(ulong.MaxValue - 1, "tank/home#mark", $"{Folder}/x", new('b', 64)),
        new(length, "tank/home@s", ulong.MaxValue - 1, "1/2/3/4", false, ["RAW", "LARGE_BLOCKS"], 12, null, ["redacted"], ImmutableSortedDictionary<string, long>.Empty.Add("END", 1).Add("WRITE", long.MaxValue),
            new("0.8.0", ["encryption"]), ["-w"]),
        new(true, "aes-256-gcm", ulong.MaxValue, "passphrase", new('c', 64), ulong.MaxValue, 5, 6, new("tank", 9, false)),
        ImmutableSortedDictionary<string, string>.Empty.Add("recordsize", "131072"), new(1 << 20, 3, "1.5.7"), new(new('d', 32)), new(chunks, storedLength, 0),
        new(new(2026, 11, 20, 2, 0, 0, TimeSpan.Zero), "0.1.0", "host", "zfs-2.3.9", "zfs-kmod-2.3.9"), null, ManifestReplaced.None);

    public static ChunkLine Line(int index, long length = 1000, long storedLength = 900) =>
        new(new ChunkName(index, $"{index:x64}").Text, storedLength, length, $"{index:x}/2/3/4", new("WRITE", ulong.MaxValue, (ulong)index));
}
