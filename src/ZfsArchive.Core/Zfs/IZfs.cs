namespace ZfsArchive.Zfs;

/// <summary>
/// The <c>zfs</c> and <c>zpool</c> commands of one machine, here or over ssh. All methods throw <see cref="ZfsException"/>
/// when the command could not be started, did not end well, took too long or printed what can't be read; and
/// <see cref="OperationCanceledException"/> after killing it when they are cancelled.
/// </summary>
public interface IZfs
{
    /// <summary>The versions of the userland and of the kernel module.</summary>
    Task<ZfsVersionText> VersionAsync(CancellationToken cancel);

    /// <summary>The file systems and volumes at <paramref name="root"/>, alone or with all below it, by name.</summary>
    Task<IReadOnlyList<ZfsDataset>> DatasetsAsync(string root, bool recursive, CancellationToken cancel);

    /// <summary>A file system or volume; null when it does not exist, which is also said of a pool that is not imported.</summary>
    Task<ZfsDataset?> TryDatasetAsync(string name, CancellationToken cancel);

    /// <summary>The snapshots of this dataset alone, oldest first (by createtxg).</summary>
    Task<IReadOnlyList<ZfsSnapshot>> SnapshotsAsync(string dataset, CancellationToken cancel);

    /// <summary>The bookmarks of this dataset alone, oldest snapshot first (by createtxg).</summary>
    Task<IReadOnlyList<ZfsBookmark>> BookmarksAsync(string dataset, CancellationToken cancel);

    /// <summary>Both in one listing, each oldest first (by createtxg).</summary>
    Task<(IReadOnlyList<ZfsSnapshot> Snapshots, IReadOnlyList<ZfsBookmark> Bookmarks)> SnapshotsAndBookmarksAsync(string dataset, CancellationToken cancel);

    /// <summary>The datasets of all pools that have this user property of their own or from a parent, not from a receive; with its value.</summary>
    Task<IReadOnlyList<(string Dataset, string Value)>> HavingAsync(string property, CancellationToken cancel);

    /// <summary>The snapshots of a pool, or of a dataset and all below it, in one listing; those of one dataset together and oldest first.</summary>
    Task<IReadOnlyList<ZfsSnapshot>> AllSnapshotsAsync(string pool, CancellationToken cancel);

    /// <summary>What <c>zfs get all</c> shows of a dataset, in its order: native properties, then those of users.</summary>
    Task<IReadOnlyList<ZfsProperty>> PropertiesAsync(string dataset, CancellationToken cancel);

    /// <summary>A pool, its free space and its features.</summary>
    Task<ZfsPool> PoolAsync(string pool, CancellationToken cancel);

    /// <summary>The estimated length of a stream in bytes, which may be off either way; null when ZFS gives none.</summary>
    Task<long?> EstimateAsync(SendRequest request, CancellationToken cancel);

    /// <summary>Starts a <c>zfs send</c>.</summary>
    IZfsSend StartSend(SendRequest request);

    /// <summary>Starts a <c>zfs receive</c>.</summary>
    IZfsReceive StartReceive(ReceiveRequest request);

    /// <summary>Holds a snapshot. A hold of this tag that is there already is fine.</summary>
    Task HoldAsync(string tag, string snapshot, CancellationToken cancel);

    /// <summary>Releases a hold. One that is not there is fine; a snapshot that is not there is an error, for its hold may live on under another name.</summary>
    Task ReleaseAsync(string tag, string snapshot, CancellationToken cancel);

    /// <summary>The holds of one snapshot.</summary>
    Task<IReadOnlyList<ZfsHold>> HoldsAsync(string snapshot, CancellationToken cancel);

    /// <summary>Makes a bookmark. One of this name is fine if it has the snapshot's GUID, and an error if it has another.</summary>
    Task BookmarkAsync(string snapshot, string bookmark, CancellationToken cancel);

    /// <summary>Destroys a bookmark, never anything else. One that is not there is fine.</summary>
    Task DestroyBookmarkAsync(string bookmark, CancellationToken cancel);

    /// <summary>Makes snapshots (full names, of one pool), all at one moment or none.</summary>
    Task SnapshotAsync(IReadOnlyList<string> names, CancellationToken cancel);

    /// <summary>Destroys one snapshot, alone and at once. One that is held, or has clones, is an error; one that is not there is fine.</summary>
    Task DestroySnapshotAsync(string snapshot, CancellationToken cancel);

    /// <summary>Sets properties in one command.</summary>
    Task SetAsync(string dataset, IReadOnlyDictionary<string, string> properties, CancellationToken cancel);

    /// <summary>Gives a property back to its parent or default.</summary>
    Task InheritAsync(string dataset, string property, CancellationToken cancel);

    /// <summary>Throws away what an interrupted resumable receive has kept.</summary>
    Task AbortReceiveAsync(string dataset, CancellationToken cancel);

    /// <summary>Puts an encryption root back under that of its parent. Both keys must be loaded; only after the last link of a chain.</summary>
    Task ChangeKeyInheritAsync(string dataset, CancellationToken cancel);
}

/// <summary>A running <c>zfs send</c>. Its stream may be believed only after <see cref="FinishAsync"/>. Dispose kills it.</summary>
public interface IZfsSend : IAsyncDisposable
{
    /// <summary>
    /// The stream: one pipe, made for large synchronous reads. Its end proves nothing. A read that waits while the send is
    /// disposed ends, or fails with <see cref="IOException"/>.
    /// </summary>
    Stream Output { get; }

    /// <summary>
    /// To be called when <see cref="Output"/> has been read to its end: waits for the process, and throws <see cref="ZfsException"/>
    /// unless it ended with status 0 and has nothing more to say. Cancelling kills it.
    /// </summary>
    Task FinishAsync(CancellationToken cancel);
}

/// <summary>
/// A running <c>zfs receive</c>. Dispose without <see cref="FinishAsync"/> kills it before its input ends. Where that is not
/// allowed (sudo) or not near (ssh) it sees its input end: so never write the last bytes of a stream that is not trusted.
/// </summary>
public interface IZfsReceive : IAsyncDisposable
{
    /// <summary>Takes the stream. Writing fails with <see cref="IOException"/> when the process is gone; <see cref="FailureAsync"/> then says why.</summary>
    Stream Input { get; }

    /// <summary>Ends the input and waits; throws <see cref="ZfsException"/> unless the process ended with status 0. Cancelling kills it.</summary>
    Task FinishAsync(CancellationToken cancel);

    /// <summary>
    /// Why a write failed: waits for the process to end (not long; then it is killed) and gives its real reason. Status 0 is a
    /// failure here too: the process did not want the rest of the stream.
    /// </summary>
    Task<ZfsException> FailureAsync(CancellationToken cancel);
}
