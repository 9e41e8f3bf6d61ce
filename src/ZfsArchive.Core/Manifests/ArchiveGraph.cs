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

    readonly ILookup<ulong, ArchiveEntry> _byBaseGuid;
    readonly ILookup<ulong, ArchiveEntry> _byGuid;
    ArchivePaths? _paths;

    public ArchiveGraph(IEnumerable<ArchiveEntry> archives)
    {
        Archives = [.. archives];
        _byBaseGuid = Archives.Where(a => !a.Head.IsFull).ToLookup(a => a.Head.Stream.FromGuid);
        _byGuid = Archives.ToLookup(a => a.Head.Snapshot.Guid);
    }

    public ImmutableArray<ArchiveEntry> Archives { get; }

    /// <summary>The archives of a snapshot, whatever their node.</summary>
    public IEnumerable<ArchiveEntry> OfSnapshot(ulong guid) => _byGuid[guid];

    /// <summary>Archives that need what this one leaves.</summary>
    public IEnumerable<ArchiveEntry> BasedOn(ArchiveEntry archive) => _byBaseGuid[archive.Head.Snapshot.Guid].Where(next => Fits(archive, next));

    /// <summary>The cheapest paths to everything that can be reached through archives that pass <paramref name="healthy"/>.</summary>
    public ArchivePaths Paths(Func<ArchiveEntry, bool>? healthy = null) => healthy is null ? _paths ??= Find(null) : Find(healthy);

    ArchivePaths Find(Func<ArchiveEntry, bool>? healthy)
    {
        var usable = Archives.Where(a => a.Counts && (healthy?.Invoke(a) ?? true)).ToHashSet();
        var ways = new Dictionary<ArchiveEntry, Way>();
        var reach = new PriorityQueue<(ArchiveEntry Archive, ArchiveEntry? Before), (long Cost, string Id)>(s_cheapestFirst);
        foreach (var full in usable.Where(a => a.Head.IsFull)) reach.Enqueue((full, null), (full.Head.Totals.StoredLength, full.Id));

        while (reach.TryDequeue(out var step, out var priority))
        {
            var way = step.Before is null ? new Way(null, step.Archive, 1, priority.Cost) : new(step.Before, ways[step.Before].Full, ways[step.Before].Length + 1, priority.Cost);
            if (!ways.TryAdd(step.Archive, way)) continue;
            foreach (var next in BasedOn(step.Archive).Where(n => usable.Contains(n) && !ways.ContainsKey(n)))
                reach.Enqueue((next, step.Archive), (priority.Cost + next.Head.Totals.StoredLength, next.Id));
        }
        return new(ways, _byGuid);
    }

    // Receivers refuse a stream without large blocks once the dataset has had one with them.
    static bool Fits(ArchiveEntry archive, ArchiveEntry next) =>
        next.Wants is { } wanted && archive.Node.Serves(wanted) && (next.LargeBlocks || !archive.LargeBlocks);
}

/// <summary>The cheapest way to an archive.</summary>
/// <param name="Before">The archive before it; null for a full.</param>
/// <param name="Full">Where it begins.</param>
/// <param name="Length">Archives, the full and the last one included.</param>
/// <param name="Cost">Stored bytes to read.</param>
public readonly record struct Way(ArchiveEntry? Before, ArchiveEntry Full, int Length, long Cost);

/// <summary>What can be restored, and how.</summary>
public sealed class ArchivePaths(Dictionary<ArchiveEntry, Way> ways, ILookup<ulong, ArchiveEntry> byGuid)
{
    public bool Reaches(ArchiveEntry archive) => ways.ContainsKey(archive);

    /// <summary>The way to an archive that can be reached.</summary>
    public Way Way(ArchiveEntry archive) => ways[archive];

    /// <summary>Stored bytes to read for it.</summary>
    public long Cost(ArchiveEntry archive) => ways[archive].Cost;

    /// <summary>From the full to the archive; null when it cannot be reached.</summary>
    public ImmutableArray<ArchiveEntry>? To(ArchiveEntry archive)
    {
        if (!Reaches(archive)) return null;
        var path = new Stack<ArchiveEntry>();
        for (var at = archive; at is not null; at = ways[at].Before) path.Push(at);
        return [.. path];
    }

    /// <summary>The cheapest archive that leaves this node, or null when none can be restored.</summary>
    public ArchiveEntry? Cheapest(NodeKey wanted) =>
        byGuid[wanted.Guid].Where(a => Reaches(a) && a.Node.Serves(wanted)).OrderBy(Cost).ThenBy(a => a.Id, StringComparer.Ordinal).FirstOrDefault();

    /// <summary>The cheapest archive of this snapshot, whatever its node, or null when none can be restored.</summary>
    public ArchiveEntry? Cheapest(ulong snapshotGuid) =>
        byGuid[snapshotGuid].Where(Reaches).OrderBy(Cost).ThenBy(a => a.Id, StringComparer.Ordinal).FirstOrDefault();
}
