using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Worlds;

/// <summary>A zfs that knows none of the datasets that it is asked for.</summary>
class ZfsWithoutDatasets : IZfs
{
    static ZfsException Nothing(string name) => new($"cannot open '{name}': dataset does not exist");

    public Task<ZfsVersionText> VersionAsync(CancellationToken cancel) => Task.FromResult(new ZfsVersionText("zfs-2.3.9-1", "zfs-kmod-2.3.9-1"));
    public Task<IReadOnlyList<ZfsDataset>> DatasetsAsync(string root, bool recursive, CancellationToken cancel) => throw Nothing(root);
    public Task<ZfsDataset?> TryDatasetAsync(string name, CancellationToken cancel) => Task.FromResult<ZfsDataset?>(null);
    public Task<IReadOnlyList<ZfsSnapshot>> SnapshotsAsync(string dataset, CancellationToken cancel) => throw Nothing(dataset);
    public Task<IReadOnlyList<ZfsBookmark>> BookmarksAsync(string dataset, CancellationToken cancel) => throw Nothing(dataset);
    public Task<(IReadOnlyList<ZfsSnapshot> Snapshots, IReadOnlyList<ZfsBookmark> Bookmarks)> SnapshotsAndBookmarksAsync(string dataset, CancellationToken cancel) => throw Nothing(dataset);
    public Task<IReadOnlyList<(string Dataset, string Value)>> HavingAsync(string property, CancellationToken cancel) => Task.FromResult<IReadOnlyList<(string, string)>>([]);
    public Task<IReadOnlyList<ZfsSnapshot>> AllSnapshotsAsync(string pool, CancellationToken cancel) => throw Nothing(pool);
    public Task<IReadOnlyList<ZfsProperty>> PropertiesAsync(string dataset, CancellationToken cancel) => throw Nothing(dataset);
    public Task<ZfsPool> PoolAsync(string pool, CancellationToken cancel) => throw Nothing(pool);
    public Task<long?> EstimateAsync(SendRequest request, CancellationToken cancel) => throw Nothing(request.Snapshot);
    public IZfsSend StartSend(SendRequest request) => throw Nothing(request.Snapshot);
    public IZfsReceive StartReceive(ReceiveRequest request) => throw Nothing(request.Dataset);
    public Task HoldAsync(string tag, string snapshot, CancellationToken cancel) => throw Nothing(snapshot);
    public Task ReleaseAsync(string tag, string snapshot, CancellationToken cancel) => throw Nothing(snapshot);
    public Task<IReadOnlyList<ZfsHold>> HoldsAsync(string snapshot, CancellationToken cancel) => throw Nothing(snapshot);
    public Task BookmarkAsync(string snapshot, string bookmark, CancellationToken cancel) => throw Nothing(snapshot);
    public Task DestroyBookmarkAsync(string bookmark, CancellationToken cancel) => throw Nothing(bookmark);
    public Task DestroySnapshotAsync(string snapshot, CancellationToken cancel) => throw Nothing(snapshot);
    public Task SnapshotAsync(IReadOnlyList<string> names, CancellationToken cancel) => throw Nothing(names[0]);
    public Task SetAsync(string dataset, IReadOnlyDictionary<string, string> properties, CancellationToken cancel) => throw Nothing(dataset);
    public Task InheritAsync(string dataset, string property, CancellationToken cancel) => throw Nothing(dataset);
    public Task AbortReceiveAsync(string dataset, CancellationToken cancel) => throw Nothing(dataset);
    public Task ChangeKeyInheritAsync(string dataset, CancellationToken cancel) => throw Nothing(dataset);
}
