using System.Collections.Immutable;

namespace ZfsArchive.Manifests;

/// <summary>
/// All archives of a repository as edges between nodes. A path leads from a full to an archive; the cheapest one reads the
/// fewest stored bytes. Hostile manifests may form cycles: no path leads through one.
/// </summary>
public sealed class ArchiveGraph
{
    static readonly Comparer<(long Cost, string Id)> s_cheapestFirst =
        Comparer<(long Cost, string Id)>.Create((a, b) => a.Cost != b.Cost ? a.Cost.CompareTo(b.Cost) : string.CompareOrdinal(a.Id, b.Id));

    readonly GuidIndex _byBaseGuid;
    readonly GuidIndex _byGuid;
    ArchivePaths? _paths;
    Dictionary<string, ArchiveEntry>? _byId;

    public ArchiveGraph(IEnumerable<ArchiveEntry> archives)
    {
        Archives = [.. archives];
        _byBaseGuid = new(Archives, a => a.Head.IsFull ? null : a.Head.Stream.FromGuid);
        _byGuid = new(Archives, a => a.Head.Snapshot.Guid);
    }

    ArchiveGraph(ImmutableArray<ArchiveEntry> archives, GuidIndex byBaseGuid, GuidIndex byGuid) => (Archives, _byBaseGuid, _byGuid) = (archives, byBaseGuid, byGuid);

    public ImmutableArray<ArchiveEntry> Archives { get; }

    /// <summary>By <c>folder/archive</c>; null when there is none of this name.</summary>
    public ArchiveEntry? Find(string id) => (_byId ??= Archives.ToDictionary(a => a.Id)).GetValueOrDefault(id);

    /// <summary>The archives of a snapshot, whatever their node.</summary>
    public IEnumerable<ArchiveEntry> OfSnapshot(ulong guid) => _byGuid[guid];

    /// <summary>Archives that need what this one leaves.</summary>
    public IEnumerable<ArchiveEntry> BasedOn(ArchiveEntry archive) => _byBaseGuid[archive.Head.Snapshot.Guid].Where(next => Fits(archive, next));

    /// <summary>Archives that leave what this one needs.</summary>
    public IEnumerable<ArchiveEntry> BasesOf(ArchiveEntry archive) => archive.Head.IsFull ? [] : OfSnapshot(archive.Head.Stream.FromGuid).Where(from => Fits(from, archive));

    /// <summary>The same with one archive more, in the place of one of its id. Where it is new, and the end of its chain, what is known of the others is kept: a night adds many.</summary>
    public ArchiveGraph With(ArchiveEntry archive)
    {
        if (OfSnapshot(archive.Head.Snapshot.Guid).Any(a => a.Id == archive.Id)) return new(Archives.Where(a => a.Id != archive.Id).Append(archive));
        var byGuid = _byGuid.With(archive.Head.Snapshot.Guid, archive);
        var byBaseGuid = archive.Head.IsFull ? _byBaseGuid : _byBaseGuid.With(archive.Head.Stream.FromGuid, archive);
        return new(Archives.Add(archive), byBaseGuid, byGuid) { _paths = BasedOn(archive).Any() ? null : _paths?.With(archive, LastWay(archive), byGuid) };
    }

    /// <summary>The cheapest paths to everything that can be reached through archives that pass <paramref name="healthy"/>.</summary>
    public ArchivePaths Paths(Func<ArchiveEntry, bool>? healthy = null) => healthy is null ? _paths ??= Find(_ => true) : Find(healthy);

    // The way to an archive that nothing is based on; null when there is none.
    Way? LastWay(ArchiveEntry archive)
    {
        if (!archive.Counts) return null;
        if (archive.Head.IsFull) return new(null, archive, 1, archive.Head.Totals.StoredLength);
        var paths = Paths();
        return BasesOf(archive).Where(paths.Reaches).MinBy(b => (paths.Cost(b), b.Id), s_cheapestFirst) is { } before
            ? After(before, paths.Way(before), archive) : null;
    }

    ArchivePaths Find(Func<ArchiveEntry, bool> healthy)
    {
        var ways = new Dictionary<ArchiveEntry, Way>(Archives.Length);
        var reach = new PriorityQueue<(ArchiveEntry Archive, Way Way), (long Cost, string Id)>(s_cheapestFirst);
        foreach (var full in Archives.Where(a => a.Head.IsFull && a.Counts && healthy(a))) reach.Enqueue((full, new(null, full, 1, full.Head.Totals.StoredLength)), (full.Head.Totals.StoredLength, full.Id));

        while (reach.TryDequeue(out var step, out _))
        {
            if (!ways.TryAdd(step.Archive, step.Way)) continue;
            foreach (var next in _byBaseGuid[step.Archive.Head.Snapshot.Guid])
            {
                if (!Fits(step.Archive, next) || ways.ContainsKey(next) || !next.Counts || !healthy(next)) continue;
                var way = After(step.Archive, step.Way, next);
                reach.Enqueue((next, way), (way.Cost, next.Id));
            }
        }
        return new(ways, _byGuid);
    }

    static Way After(ArchiveEntry before, Way way, ArchiveEntry next) => new(before, way.Full, way.Length + 1, way.Cost + next.Head.Totals.StoredLength);

    // Receivers refuse a stream without large blocks once the dataset has had one with them.
    static bool Fits(ArchiveEntry archive, ArchiveEntry next) =>
        next.Wants is { } wanted && archive.Node.Serves(wanted) && (next.LargeBlocks || !archive.LargeBlocks);
}
