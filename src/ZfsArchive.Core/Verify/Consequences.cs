using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Repository;

namespace ZfsArchive.Verify;

/// <summary>What faults cost: the snapshots that no healthy path leads to any more. Pure.</summary>
public sealed class Consequences(Catalog catalog)
{
    readonly ArchivePaths _all = catalog.Graph.Paths();
    readonly Dictionary<string, ImmutableArray<string>> _costs = [];

    /// <summary>The finding, and not what it costs by itself.</summary>
    public static Finding Without(Fault fault) => new(fault.Severity, fault.ArchiveId, fault.Object, fault.Reason, [], fault.Mend);

    public Finding Of(Fault fault) => new(fault.Severity, fault.ArchiveId, fault.Object, fault.Reason, fault.LosesArchive ? CostsOnce(fault) : [], fault.Mend);

    /// <summary>Everything that cannot be restored while all these archives are unusable.</summary>
    public ImmutableArray<string> Lost(IReadOnlyCollection<Fault> faults)
    {
        if (faults.Count == 0) return [];
        var unusable = faults.Where(f => f.LosesArchive && f.ArchiveId is not null).Select(f => f.ArchiveId!).ToHashSet();
        var outside = faults.Where(f => f.LosesArchive && f.ArchiveId is not null && (catalog.Graph.Find(f.ArchiveId) is not { } archive || !_all.Reaches(archive)));
        return [.. LostWithout(unusable).Concat(outside.SelectMany(f => CostsOnce(f))).Distinct().Order(StringComparer.Ordinal)];
    }

    // An archive that lost thousands of chunks is weighed once.
    ImmutableArray<string> CostsOnce(Fault fault)
    {
        var id = fault.ArchiveId ?? "";
        return _costs.TryGetValue(id, out var known) ? known : _costs[id] = Costs(fault);
    }

    ImmutableArray<string> Costs(Fault fault)
    {
        if (fault.ArchiveId is not { } id) return [];
        if (catalog.Graph.Find(id) is { } archive)
            return [.. LostWithout(archive).Concat(_all.Reaches(archive) ? [] : [archive.SnapshotName]).Distinct().Order(StringComparer.Ordinal)];

        // The manifest cannot be read or is gone: its snapshot, unless another archive has it, and what nothing leads to any more.
        var name = Layout.ParseManifest($"{Layout.Manifests}{id}.json");
        if (name is null) return [];
        var own = _all.Cheapest(name.Value.Name.ToGuid) is null ? [fault.Snapshot ?? $"{catalog.NameOf(name.Value.Folder)}@(guid {name.Value.Name.ToGuid})"] : Array.Empty<string>();
        return [.. own.Concat(StrandedAfter(name.Value.Name.ToGuid)).Distinct().Order(StringComparer.Ordinal)];
    }

    IEnumerable<string> LostWithout(HashSet<string> unusable)
    {
        var left = catalog.Graph.Paths(a => !unusable.Contains(a.Id));
        return catalog.Graph.Archives.Where(a => _all.Cheapest(a.Head.Snapshot.Guid) is not null && left.Cheapest(a.Head.Snapshot.Guid) is null).Select(a => a.SnapshotName);
    }

    // The same for one. Only what comes after it can be lost, and of that only what no way around it leads to: where a disk dies there
    // are thousands to weigh.
    IEnumerable<string> LostWithout(ArchiveEntry unusable)
    {
        var graph = catalog.Graph;
        var after = Reached([unusable], graph.BasedOn);
        var around = Reached(after.Where(a => a != unusable && a.Counts && graph.BasesOf(a).Any(b => !after.Contains(b) && _all.Reaches(b))), a => graph.BasedOn(a).Where(next => next != unusable && next.Counts));
        return after.Where(a => graph.OfSnapshot(a.Head.Snapshot.Guid) is var same && same.Any(_all.Reaches) && !same.Any(s => after.Contains(s) ? around.Contains(s) : _all.Reaches(s))).Select(a => a.SnapshotName);
    }

    static HashSet<ArchiveEntry> Reached(IEnumerable<ArchiveEntry> from, Func<ArchiveEntry, IEnumerable<ArchiveEntry>> next)
    {
        var reached = from.ToHashSet();
        var queue = new Queue<ArchiveEntry>(reached);
        while (queue.TryDequeue(out var at))
            foreach (var archive in next(at).Where(reached.Add)) queue.Enqueue(archive);
        return reached;
    }

    IEnumerable<string> StrandedAfter(ulong guid)
    {
        var byBase = catalog.Graph.Archives.Where(a => a.Counts && !a.Head.IsFull && _all.Cheapest(a.Head.Snapshot.Guid) is null).ToLookup(a => a.Head.Stream.FromGuid);
        var seen = new HashSet<ulong> { guid };
        var next = new Queue<ulong>([guid]);
        while (next.TryDequeue(out var at))
        {
            foreach (var archive in byBase[at])
            {
                if (seen.Add(archive.Head.Snapshot.Guid)) next.Enqueue(archive.Head.Snapshot.Guid);
                yield return archive.SnapshotName;
            }
        }
    }
}
