namespace ZfsArchive.Zfs;

/// <summary>ZFS through its command line.</summary>
/// <param name="prefix">Where and how the commands run.</param>
/// <param name="clock">For time limits.</param>
public sealed class ZfsCli(ZfsPrefix prefix, TimeProvider clock) : IZfs
{
    /// <summary>How long a command may take that is neither a send nor a receive. A listing of a busy, large pool takes minutes.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Folders to look for programs in before PATH, joined by colons.</summary>
    internal string? SearchPath { get; init; }

    ZfsCommand Command => field ??= new(prefix, clock, TimeLimit, SearchPath);

    /// <inheritdoc/>
    public async Task<ZfsVersionText> VersionAsync(CancellationToken cancel) =>
        ZfsListing.Version(await LinesAsync(ZfsArguments.Version, cancel));

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ZfsDataset>> DatasetsAsync(string root, bool recursive, CancellationToken cancel) =>
        await Command.ListAsync(ZfsArguments.Datasets(root, recursive), ZfsListing.Dataset, cancel);

    /// <inheritdoc/>
    public async Task<ZfsDataset?> TryDatasetAsync(string name, CancellationToken cancel)
    {
        try
        {
            return await DatasetsAsync(name, recursive: false, cancel) is [var dataset] ? dataset : null;
        }
        catch (ZfsException e) when (e.Says("dataset does not exist"))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ZfsSnapshot>> SnapshotsAsync(string dataset, CancellationToken cancel) =>
        [.. (await Command.ListAsync(ZfsArguments.Snapshots(dataset), ZfsListing.Snapshot, cancel)).OrderBy(s => s.CreateTxg)];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ZfsBookmark>> BookmarksAsync(string dataset, CancellationToken cancel) =>
        [.. (await Command.ListAsync(ZfsArguments.Bookmarks(dataset), ZfsListing.Bookmark, cancel)).OrderBy(b => b.CreateTxg)];

    /// <inheritdoc/>
    public async Task<(IReadOnlyList<ZfsSnapshot> Snapshots, IReadOnlyList<ZfsBookmark> Bookmarks)> SnapshotsAndBookmarksAsync(string dataset, CancellationToken cancel)
    {
        var both = (await Command.ListAsync(ZfsArguments.SnapshotsAndBookmarks(dataset), ZfsListing.Snapshot, cancel)).OrderBy(s => s.CreateTxg).ToLookup(s => s.Name.Contains('#', StringComparison.Ordinal));
        return ([.. both[false]], [.. both[true].Select(b => new ZfsBookmark(b.Name, b.Guid, b.CreateTxg, b.Creation, b.IvsetGuid))]);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<(string Dataset, string Value)>> HavingAsync(string property, CancellationToken cancel) =>
        [.. (await Command.ListAsync(ZfsArguments.EverywhereSet(property), ZfsListing.PropertyOf, cancel))
            .Where(p => p.Source is "local" || p.Source.StartsWith("inherited from ", StringComparison.Ordinal)).Select(p => (p.Dataset, p.Value))];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ZfsSnapshot>> AllSnapshotsAsync(string pool, CancellationToken cancel) =>
        await Command.ListAsync(ZfsArguments.AllSnapshots(pool), ZfsListing.Snapshot, cancel);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ZfsProperty>> PropertiesAsync(string dataset, CancellationToken cancel) =>
        ZfsListing.Properties(await LinesAsync(ZfsArguments.Properties(dataset), cancel));

    /// <inheritdoc/>
    public async Task<ZfsPool> PoolAsync(string pool, CancellationToken cancel) =>
        ZfsListing.Pool(pool, await LinesAsync(ZfsArguments.Pool(pool), cancel));

    /// <inheritdoc/>
    public async Task<long?> EstimateAsync(SendRequest request, CancellationToken cancel) =>
        ZfsListing.Estimate(await LinesAsync(ZfsArguments.Estimate(request), cancel));

    /// <inheritdoc/>
    public IZfsSend StartSend(SendRequest request) => new ZfsSend(Command.Start(ZfsArguments.Send(request), isSender: true));

    /// <inheritdoc/>
    public IZfsReceive StartReceive(ReceiveRequest request) => new ZfsReceive(Command.Start(ZfsArguments.Receive(request), isSender: false), clock);

    /// <inheritdoc/>
    public Task HoldAsync(string tag, string snapshot, CancellationToken cancel) =>
        RunUnlessAsync("tag already exists on this dataset", ZfsArguments.Hold(tag, snapshot), cancel);

    /// <inheritdoc/>
    public Task ReleaseAsync(string tag, string snapshot, CancellationToken cancel) =>
        RunUnlessAsync("no such tag on this dataset", ZfsArguments.Release(tag, snapshot), cancel);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ZfsHold>> HoldsAsync(string snapshot, CancellationToken cancel) =>
        await Command.ListAsync(ZfsArguments.Holds(snapshot), ZfsListing.Hold, cancel);

    /// <inheritdoc/>
    public async Task BookmarkAsync(string snapshot, string bookmark, CancellationToken cancel)
    {
        try
        {
            await Command.RunAsync(ZfsArguments.Bookmark(snapshot, bookmark), cancel);
        }
        catch (ZfsException e) when (e.Says("bookmark exists"))
        {
            var guids = await Command.ListAsync(ZfsArguments.Guids(snapshot, bookmark), ZfsListing.Guid, cancel);
            if (guids is not [var wanted, var found] || wanted != found) throw ZfsException.OtherBookmark(snapshot, bookmark, e);
        }
    }

    /// <inheritdoc/>
    public Task DestroyBookmarkAsync(string bookmark, CancellationToken cancel) =>
        RunUnlessAsync("does not exist", ZfsArguments.DestroyBookmark(bookmark), cancel);

    /// <inheritdoc/>
    public Task DestroySnapshotAsync(string snapshot, CancellationToken cancel) =>
        RunUnlessAsync("could not find any snapshots to destroy", ZfsArguments.DestroySnapshot(snapshot), cancel);

    /// <inheritdoc/>
    public Task SnapshotAsync(IReadOnlyList<string> names, CancellationToken cancel) =>
        Command.RunAsync(ZfsArguments.Snapshot(names), cancel);

    /// <inheritdoc/>
    public Task SetAsync(string dataset, IReadOnlyDictionary<string, string> properties, CancellationToken cancel) =>
        properties.Count == 0 ? Task.CompletedTask : Command.RunAsync(ZfsArguments.Set(dataset, properties), cancel);

    /// <inheritdoc/>
    public Task InheritAsync(string dataset, string property, CancellationToken cancel) =>
        Command.RunAsync(ZfsArguments.Inherit(dataset, property), cancel);

    /// <inheritdoc/>
    public Task AbortReceiveAsync(string dataset, CancellationToken cancel) =>
        Command.RunAsync(ZfsArguments.AbortReceive(dataset), cancel);

    /// <inheritdoc/>
    public Task ChangeKeyInheritAsync(string dataset, CancellationToken cancel) =>
        Command.RunAsync(ZfsArguments.ChangeKeyInherit(dataset), cancel);

    Task<List<string>> LinesAsync(string[] arguments, CancellationToken cancel) =>
        Command.ListAsync(arguments, static line => line, cancel);

    async Task RunUnlessAsync(string fine, string[] arguments, CancellationToken cancel)
    {
        try
        {
            await Command.RunAsync(arguments, cancel);
        }
        catch (ZfsException e) when (e.Says(fine))
        {
            // It is already as it should be.
        }
    }
}
