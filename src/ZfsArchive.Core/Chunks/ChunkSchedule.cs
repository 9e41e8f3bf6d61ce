namespace ZfsArchive.Chunks;

/// <summary>
/// How large the chunks of an archive are, by index alone, so that the same stream is cut the same way by every run.
/// A chunk ends at the first record boundary at or past its target.
/// </summary>
/// <param name="Target">Bytes, for the chunks below <paramref name="LargeFrom"/>.</param>
/// <param name="LargeTarget">Bytes, from there on.</param>
/// <param name="LargeFrom">The first index with the large target.</param>
public sealed record ChunkSchedule(int Target, int LargeTarget, int LargeFrom)
{
    const int MiB = 1 << 20;

    /// <summary>Bytes of memory that all chunks of a run may use, packed or not.</summary>
    const int Memory = 256 * MiB;

    /// <summary>No chunk holds more bytes of the stream than this; a reader refuses larger ones before it allocates.</summary>
    public const int LongestChunk = 96 * MiB;

    /// <summary>32 MiB below index 8,192 (256 GiB), then 64 MiB.</summary>
    public static ChunkSchedule Standard { get; } = new(32 * MiB, 64 * MiB, 8192);

    /// <summary>One target for all chunks of the archive.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not 1 MiB to 64 MiB.</exception>
    public static ChunkSchedule Fixed(int target) => target is >= MiB and <= 64 * MiB
        ? new(target, target, int.MaxValue)
        : throw new ArgumentOutOfRangeException(nameof(target), target, "a chunk's target is 1 MiB to 64 MiB");

    /// <summary>How many shares of memory a chunk of this index takes: two for a large one.</summary>
    public int WeightOf(int index) => TargetOf(index) > Target ? 2 : 1;

    /// <summary>Shares of memory that a run may use for chunks as they are read: until they are stored, when they are not compressed.</summary>
    public int Shares => int.Clamp((Memory / Target) - Rooms, 2, 16);

    /// <summary>Shares for the packed form of those that are compressed.</summary>
    public int Rooms => int.Clamp(Memory / Target / 4, 2, 8);

    public int TargetOf(int index) => index < LargeFrom ? Target : LargeTarget;
}
