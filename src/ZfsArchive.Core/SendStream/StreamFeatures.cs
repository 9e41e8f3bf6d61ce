using System.Collections.Immutable;

namespace ZfsArchive.SendStream;

/// <summary>
/// The feature flags of a stream: bits 2 to 57 of drr_versioninfo in BEGIN (offset 16), here shifted down to bit 0.
/// </summary>
public readonly record struct StreamFeatures(ulong Bits)
{
    sealed record Known(int Bit, string Name, Version ZfsVersion, string PoolFeature);

    static readonly ImmutableArray<Known> s_known =
    [
        new(0, "DEDUP", new(0, 6, 0), ""),
        new(1, "DEDUPPROPS", new(0, 6, 0), ""),
        new(2, "SA_SPILL", new(0, 6, 0), ""),
        new(16, "EMBED_DATA", new(0, 6, 5), "embedded_data"),
        new(17, "LZ4", new(0, 6, 5), "lz4_compress"),
        new(19, "LARGE_BLOCKS", new(0, 6, 5), "large_blocks"),
        new(20, "RESUMING", new(0, 7, 0), "extensible_dataset"),
        new(21, "REDACTED", new(2, 0, 0), "redacted_datasets"),
        new(22, "COMPRESSED", new(0, 7, 0), ""),
        new(23, "LARGE_DNODE", new(0, 7, 0), "large_dnode"),
        new(24, "RAW", new(0, 8, 0), "encryption"),
        new(25, "ZSTD", new(2, 0, 0), "zstd_compress"),
        new(26, "HOLDS", new(0, 8, 0), ""),
        new(27, "SWITCH_TO_LARGE_BLOCKS", new(2, 0, 0), ""),
        new(28, "LONGNAME", new(2, 3, 0), "longname"),
        new(29, "LARGE_MICROZAP", new(2, 3, 0), "large_microzap"),
    ];

    static readonly ulong s_knownBits = s_known.Aggregate(0UL, (bits, known) => bits | 1UL << known.Bit);

    public static StreamFeatures OfVersionInfo(ulong versionInfo) => new(versionInfo >> 2 & (1UL << 56) - 1);

    public bool Dedup => Has(0) || Has(1);
    public bool Embedded => Has(16);
    public bool LargeBlocks => Has(19);
    public bool Resuming => Has(20);
    public bool Redacted => Has(21);
    public bool Compressed => Has(22);
    public bool LargeDnode => Has(23);
    public bool Raw => Has(24);

    /// <summary>Bits that no released OpenZFS that we know of gives a meaning.</summary>
    public ulong Unknown => Bits & ~s_knownBits;

    /// <summary>Names in the order of their bits; an unknown one is <c>BIT_n</c>.</summary>
    public ImmutableArray<string> Names => [.. BitsSet().Select(bit => s_known.FirstOrDefault(k => k.Bit == bit)?.Name ?? $"BIT_{bit}")];

    /// <summary>The pool features (without <c>feature@</c>) that must be enabled where the stream is received.</summary>
    public ImmutableArray<string> PoolFeatures => [.. InUse().Select(k => k.PoolFeature).Where(f => f.Length > 0).Distinct()];

    /// <summary>The oldest OpenZFS that receives such a stream; DEDUP streams were refused again from 2.0 on.</summary>
    public Version OldestZfs => InUse().Select(k => k.ZfsVersion).DefaultIfEmpty(new(0, 6, 0)).Max()!;

    bool Has(int bit) => (Bits >> bit & 1) != 0;

    IEnumerable<Known> InUse()
    {
        var self = this;
        return s_known.Where(k => self.Has(k.Bit));
    }

    IEnumerable<int> BitsSet()
    {
        var self = this;
        return Enumerable.Range(0, 56).Where(self.Has);
    }
}
