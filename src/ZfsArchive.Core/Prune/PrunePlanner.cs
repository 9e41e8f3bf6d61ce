using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Retention;

namespace ZfsArchive.Prune;

/// <summary>
/// The policy decides, the graph protects, over the whole repository: a clone is based on another dataset's archives. Pure. A
/// manifest that is not seen can only make more be kept, never less, as long as nothing is based on what it needs: that is looked
/// for elsewhere (<see cref="ListingCheck"/>).
/// </summary>
public static class PrunePlanner
{
    /// <param name="ruleOf">By the dataset's newest true name.</param>
    /// <param name="wallClock">What this host believes the time is.</param>
    /// <param name="damaged">Archives that a verification found damaged: where there is another way to a snapshot, it is the one that is kept.</param>
    public static PrunePlan Plan(Catalog catalog, Func<string, PruneRule> ruleOf, DateTimeOffset wallClock, IReadOnlySet<string>? damaged = null)
    {
        var needs = new ChainNeeds(catalog.Graph, damaged ?? ImmutableHashSet<string>.Empty);
        var datasets = catalog.Graph.Archives.GroupBy(a => a.Folder).OrderBy(g => catalog.NameOf(g.Key), StringComparer.Ordinal)
            .Select(g => new DatasetWants(g.Key, catalog.NameOf(g.Key), ruleOf(catalog.NameOf(g.Key)), [.. g], needs, wallClock)).ToList();

        var kept = Settle(catalog, datasets, needs);
        foreach (var dataset in datasets) dataset.HoldBackIfTooMuch(kept);
        if (datasets.Exists(d => d.HeldBack is not null)) kept = Settle(catalog, datasets, needs);

        var plans = datasets.Select(d => d.Decide(kept)).ToImmutableArray();
        return new(plans, [.. datasets.SelectMany(d => d.Notes)]) { Removals = InOrder(catalog.Graph, plans) };
    }

    // All that has to stay, with the reason for which it does.
    static KeptArchives Settle(Catalog catalog, List<DatasetWants> datasets, ChainNeeds needs)
    {
        var kept = new KeptArchives();
        foreach (var dataset in datasets) dataset.KeepOutright(kept);
        // Archives that cannot be restored, or whose manifests cannot be read, may be mended one day: what they are based on stays.
        foreach (var archive in catalog.Graph.Archives.Where(a => kept.Contains(a) && !needs.CanRestore(a) && a.Wants is not null))
            needs.KeepNode(kept, archive.Wants!.Value.Guid, $"needed by {archive.SnapshotName}, which cannot be restored now");
        foreach (var fault in catalog.Faults)
            if (Layout.ParseManifest(fault.Key) is { Name.FromGuid: { } from }) needs.KeepNode(kept, from, $"needed by {fault.Key}, which cannot be read");
        foreach (var dataset in datasets) dataset.KeepWanted(kept);
        return kept;
    }

    static ImmutableArray<ArchiveEntry> InOrder(ArchiveGraph graph, ImmutableArray<DatasetPlan> plans)
    {
        var left = plans.SelectMany(p => p.Removed).ToHashSet();
        var order = ImmutableArray.CreateBuilder<ArchiveEntry>(left.Count);
        // Hostile manifests may form cycles: each archive is entered once.
        var entered = new HashSet<ArchiveEntry>();
        foreach (var start in left.OrderBy(a => a.Id, StringComparer.Ordinal))
        {
            var stack = new Stack<(ArchiveEntry Archive, bool After)>([(start, false)]);
            while (stack.TryPop(out var at))
            {
                if (at.After) order.Add(at.Archive);
                else if (entered.Add(at.Archive))
                {
                    stack.Push((at.Archive, true));
                    foreach (var next in graph.BasedOn(at.Archive).Where(left.Contains)) stack.Push((next, false));
                }
            }
        }
        return order.ToImmutable();
    }
}
