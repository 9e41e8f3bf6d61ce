using System.Collections.Immutable;

namespace ZfsArchive.Manifests;

/// <summary>The cheapest way to an archive.</summary>
/// <param name="Before">The archive before it; null for a full.</param>
/// <param name="Full">Where it begins.</param>
/// <param name="Length">Archives, the full and the last one included.</param>
/// <param name="Cost">Stored bytes to read.</param>
public readonly record struct Way(ArchiveEntry? Before, ArchiveEntry Full, int Length, long Cost);

/// <summary>What can be restored, and how.</summary>
public sealed class ArchivePaths
{
    readonly Dictionary<ArchiveEntry, Way> _found;
    readonly ImmutableDictionary<ArchiveEntry, Way> _added;
    readonly GuidIndex _byGuid;

    internal ArchivePaths(Dictionary<ArchiveEntry, Way> found, GuidIndex byGuid)
        : this(found, ImmutableDictionary<ArchiveEntry, Way>.Empty, byGuid)
    {
    }

    ArchivePaths(Dictionary<ArchiveEntry, Way> found, ImmutableDictionary<ArchiveEntry, Way> added, GuidIndex byGuid) => (_found, _added, _byGuid) = (found, added, byGuid);

    /// <summary>The same with an archive that changes no other way.</summary>
    /// <param name="way">Null: nothing leads to it.</param>
    internal ArchivePaths With(ArchiveEntry archive, Way? way, GuidIndex byGuid) => new(_found, way is { } last ? _added.Add(archive, last) : _added, byGuid);

    public bool Reaches(ArchiveEntry archive) => TryWay(archive, out _);

    /// <summary>The way to an archive that can be reached.</summary>
    public Way Way(ArchiveEntry archive) => TryWay(archive, out var way) ? way : throw new ArgumentException($"nothing leads to {archive}", nameof(archive));

    bool TryWay(ArchiveEntry archive, out Way way) => _found.TryGetValue(archive, out way) || _added.TryGetValue(archive, out way);

    /// <summary>Stored bytes to read for it.</summary>
    public long Cost(ArchiveEntry archive) => Way(archive).Cost;

    /// <summary>From the full to the archive; null when it cannot be reached.</summary>
    public ImmutableArray<ArchiveEntry>? To(ArchiveEntry archive)
    {
        if (!Reaches(archive)) return null;
        var path = new Stack<ArchiveEntry>();
        for (var at = archive; at is not null; at = Way(at).Before) path.Push(at);
        return [.. path];
    }

    /// <summary>The cheapest archive that leaves this node, or null when none can be restored.</summary>
    public ArchiveEntry? Cheapest(NodeKey wanted) => Cheapest(wanted.Guid, wanted);

    /// <summary>The cheapest archive of this snapshot, whatever its node, or null when none can be restored.</summary>
    public ArchiveEntry? Cheapest(ulong snapshotGuid) => Cheapest(snapshotGuid, null);

    // Asked for each snapshot of each dataset, several times a night: mostly there is one, and nothing to compare.
    ArchiveEntry? Cheapest(ulong guid, NodeKey? wanted)
    {
        var (best, cost) = ((ArchiveEntry?)null, long.MaxValue);
        foreach (var archive in _byGuid[guid])
        {
            if (!TryWay(archive, out var way) || way.Cost > cost || (wanted is { } node && !archive.Node.Serves(node))) continue;
            if (best is not null && way.Cost == cost && string.CompareOrdinal(archive.Id, best.Id) > 0) continue;
            (best, cost) = (archive, way.Cost);
        }
        return best;
    }
}
