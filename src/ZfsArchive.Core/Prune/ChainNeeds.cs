using System.Collections.Immutable;
using ZfsArchive.Manifests;

namespace ZfsArchive.Prune;

/// <summary>What stays, and why: for itself, or for something else.</summary>
sealed class KeptArchives
{
    readonly Dictionary<ArchiveEntry, (Verdict Verdict, string Why)> _kept = [];

    /// <summary>Those whose whole way is kept.</summary>
    public HashSet<ArchiveEntry> Settled { get; } = [];

    public bool Contains(ArchiveEntry archive) => _kept.ContainsKey(archive);

    public void Add(ArchiveEntry archive, Verdict verdict, string why)
    {
        if (!_kept.TryGetValue(archive, out var known) || (known.Verdict is Verdict.KeepForChain && verdict is Verdict.Keep)) _kept[archive] = (verdict, why);
    }

    public (Verdict Verdict, string Why)? Of(ArchiveEntry archive) => _kept.TryGetValue(archive, out var kept) ? kept : null;
}

/// <summary>Which archives a restore of others takes.</summary>
/// <param name="damaged">Archives that are no way to anything, where there is another one.</param>
sealed class ChainNeeds(ArchiveGraph graph, IReadOnlySet<string> damaged)
{
    readonly Dictionary<string, ArchiveEntry> _byId = graph.Archives.ToDictionary(a => a.Id);
    readonly ArchivePaths _all = graph.Paths();
    readonly ArchivePaths _healthy = damaged.Count == 0 ? graph.Paths() : graph.Paths(a => !damaged.Contains(a.Id));
    readonly Dictionary<ArchiveEntry, bool> _isLinked = [];

    public bool CanRestore(ArchiveEntry archive) => _all.Reaches(archive);

    public bool IsHealthy(ArchiveEntry archive) => _healthy.Reaches(archive);

    /// <summary>Stored bytes that a restore reads.</summary>
    public long Cost(ArchiveEntry archive) => _healthy.Reaches(archive) ? _healthy.Cost(archive) : _all.Cost(archive);

    /// <summary>
    /// Keeps what leads to an archive. A manifest names its base by hash: that one has to stay, even where another archive of the same
    /// node would do for a restore; where it is gone or damaged, whatever leads there.
    /// </summary>
    public void KeepWayTo(KeptArchives kept, ArchiveEntry archive, string why)
    {
        if (!IsLinked(archive))
        {
            foreach (var link in (_healthy.To(archive) ?? _all.To(archive)!.Value).Where(a => a != archive)) kept.Add(link, Verdict.KeepForChain, why);
            return;
        }
        for (var at = archive; kept.Settled.Add(at) && LinkOf(at) is { } next; at = next) kept.Add(next, Verdict.KeepForChain, why);
    }

    /// <summary>Keeps a way to each node of a snapshot that something else needs.</summary>
    public void KeepNode(KeptArchives kept, ulong guid, string why)
    {
        foreach (var node in graph.OfSnapshot(guid).Where(CanRestore).GroupBy(a => a.Node))
        {
            var archive = node.OrderBy(a => IsHealthy(a) ? 0 : 1).ThenBy(a => kept.Contains(a) ? 0 : 1).ThenBy(Cost).First();
            kept.Add(archive, Verdict.KeepForChain, why);
            KeepWayTo(kept, archive, why);
        }
    }

    // Whether the named bases lead to a full, each with the hash that was named, and no damage on the way that another way would spare.
    bool IsLinked(ArchiveEntry archive)
    {
        var way = new List<ArchiveEntry>();
        var seen = new HashSet<ArchiveEntry>();
        var at = archive;
        bool leads;
        while (true)
        {
            if (_isLinked.TryGetValue(at, out leads)) break;
            way.Add(at);
            if (at.Head.IsFull)
            {
                leads = true;
                break;
            }
            if (!seen.Add(at) || LinkOf(at) is not { } next || (IsHealthy(at) && !IsHealthy(next)))
            {
                leads = false;
                break;
            }
            at = next;
        }
        foreach (var link in way) _isLinked[link] = leads;
        return leads;
    }

    ArchiveEntry? LinkOf(ArchiveEntry archive) =>
        archive.Head.Base is { } link && _byId.TryGetValue(link.Archive, out var next) && next.Sha256 == link.ManifestSha256 && archive.Wants is { } wanted && next.Node.Serves(wanted) ? next : null;
}
