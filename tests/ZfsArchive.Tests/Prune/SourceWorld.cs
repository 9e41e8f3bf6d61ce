using System.Collections.Immutable;
using ZfsArchive.Backup;
using ZfsArchive.Manifests;
using ZfsArchive.Night;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Prune;

/// <summary>A dataset whose snapshots come and go, and nights that archive them as the planner says; what is sent is made up.</summary>
/// <param name="store">What the archives are written to; null for the world's own.</param>
sealed class SourceWorld(PruneWorld world, RetentionPolicy retention, ChainRule chain, IObjectStore? store = null)
{
    readonly List<ZfsSnapshot> _snapshots = [];
    readonly List<ZfsBookmark> _bookmarks = [];
    readonly List<(ulong Guid, DateTimeOffset Taken)> _archived = [];
    ulong _last;

    /// <summary>Every snapshot that was ever archived, in its true order.</summary>
    public IReadOnlyList<(ulong Guid, DateTimeOffset Taken)> Archived => _archived;

    public int Fulls { get; private set; }

    public IReadOnlyList<ZfsBookmark> Bookmarks => _bookmarks;

    public void Take(DateTimeOffset at)
    {
        var n = ++_last;
        _snapshots.Add(new($"tank/a@s{n}", n, n, at.ToUnixTimeSeconds(), n, 0));
    }

    /// <summary>Destroys all but the newest so many snapshots.</summary>
    public void Destroy(int left) => _snapshots.RemoveRange(0, int.Max(0, _snapshots.Count - left));

    public void DestroyAt(int index)
    {
        if (index < _snapshots.Count) _snapshots.RemoveAt(index);
    }

    public void DestroyBookmarks() => _bookmarks.Clear();

    /// <summary>The archive that the next snapshot would become, as a full.</summary>
    public ArchiveEntry NextFull(DateTimeOffset at) => PruneWorld.Entry(_last + 1, at, null, chunks: 5);

    /// <summary>Archives what the planner says, and removes the marks that it does not need any more.</summary>
    public async Task NightAsync(bool allowFull = true)
    {
        var repository = await world.OpenAsync(store);
        var catalog = await repository.KnownCatalogAsync(default);
        var plan = BackupPlanner.Plan(Facts(), catalog, new(FirstArchive.Oldest, AllowPlaintext: false, allowFull, Adopt: false) { Chain = chain, Retention = retention });
        var paths = catalog.Graph.Paths();
        var made = new Dictionary<NodeKey, ArchiveEntry>();
        foreach (var step in plan.Steps)
        {
            var from = step.Base is not { } planned ? null : made.GetValueOrDefault(planned.Node) ?? paths.Cheapest(planned.Node);
            Assert.Equal(step.Base is null, from is null);
            var entry = PruneWorld.Entry(step.Snapshot.Guid, DateTimeOffset.FromUnixTimeSeconds(step.Snapshot.Creation), from, chunks: from is null ? 5 : 1);
            var committed = made[entry.Node] = await world.CommitAsync(entry, store, remember: false);
            if (from is null) Fulls++;
            if (_archived.TrueForAll(a => a.Guid != step.Snapshot.Guid)) _archived.Add((step.Snapshot.Guid, DateTimeOffset.FromUnixTimeSeconds(step.Snapshot.Creation)));
            _bookmarks.Add(new($"tank/a#zfsarchive:{repository.ShortId}:{step.Snapshot.Guid:x16}", step.Snapshot.Guid, step.Snapshot.CreateTxg, step.Snapshot.Creation, step.Snapshot.IvsetGuid));
            Assert.Equal(entry.Id, committed.Id);
        }
        _archived.Sort((a, b) => a.Guid.CompareTo(b.Guid));
        var after = new Catalog(new([.. catalog.Graph.Archives, .. made.Values]), catalog.Datasets, catalog.Faults, catalog.Strangers, catalog.MissingRecords);
        foreach (var name in OwnMarks.Superfluous(Facts(), repository.ShortId, after, chain.Kind)) _bookmarks.RemoveAll(b => b.Name == name);
    }

    SourceFacts Facts() => new(Worlds.Archives.Source(), 1, [.. _snapshots], [.. _bookmarks], null, null);
}
