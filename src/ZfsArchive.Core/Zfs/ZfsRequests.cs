namespace ZfsArchive.Zfs;

/// <summary>What to send.</summary>
/// <param name="Snapshot">The full name, <c>pool/fs@snap</c>.</param>
/// <param name="Base">A snapshot or bookmark by its full name; null for a full stream.</param>
/// <param name="Raw">As it lies on disk, encrypted blocks encrypted. The two others mean nothing then: raw includes them.</param>
/// <param name="LargeBlocks">Blocks over 128 KiB stay whole. Never to be turned off inside a chain.</param>
/// <param name="Compressed">Blocks stay compressed as they are on disk.</param>
public sealed record SendRequest(string Snapshot, string? Base, bool Raw, bool LargeBlocks, bool Compressed);

/// <summary>Where a stream goes. It is never mounted.</summary>
/// <param name="Dataset">The dataset to make or to continue.</param>
/// <param name="Properties">Set with the receive (<c>-o name=value</c>).</param>
/// <param name="Resumable">What has arrived is kept when the stream breaks off (<c>-s</c>).</param>
/// <param name="Origin">The snapshot to build on, where ZFS can't find it by itself (<c>-o origin=</c>).</param>
/// <param name="Force">Roll the target back to the base first (<c>-F</c>).</param>
public sealed record ReceiveRequest(
    string Dataset, IReadOnlyDictionary<string, string> Properties, bool Resumable, string? Origin, bool Force);
