using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Retention;

namespace ZfsArchive.Prune;

/// <summary>What the policy of one dataset wants of its archives.</summary>
sealed class DatasetWants
{
    readonly DatasetFolder _folder;
    readonly string _name;
    readonly PruneRule _rule;
    readonly ChainNeeds _needs;
    readonly ImmutableArray<ArchiveEntry> _inOrder;
    readonly SnapshotWorth? _worth;

    public DatasetWants(DatasetFolder folder, string name, PruneRule rule, ImmutableArray<ArchiveEntry> archives, ChainNeeds needs, DateTimeOffset wallClock)
    {
        (_folder, _name, _rule, _needs) = (folder, name, rule, needs);
        _inOrder = [.. archives.OrderBy(a => a.Head.Snapshot.Createtxg ?? 0).ThenBy(a => a.Head.Snapshot.Creation).ThenBy(a => a.Head.Snapshot.Guid).ThenBy(a => a.Id, StringComparer.Ordinal)];
        if (rule.Policy is not { IsEmpty: false } policy) return;
        var snapshots = TrueOrder(Usable).Select((a, i) => new DatedSnapshot(a.Head.Snapshot.Guid, a.Head.Snapshot.Creation, i)).ToList();
        _worth = new(policy, snapshots, wallClock);
    }

    /// <summary>Why nothing of it goes although the policy would let it.</summary>
    public string? HeldBack { get; private set; }

    public IEnumerable<string> Notes
    {
        get
        {
            var future = _worth is null ? [] : Usable.DistinctBy(a => a.Head.Snapshot.Guid).Where(a => _worth.IsFuture(a.Head.Snapshot.Guid)).ToList();
            if (future.Count > 0)
                yield return $"{future[0].SnapshotName}{(future.Count > 1 ? $" and {future.Count - 1} more of it are" : " is")} dated in the future: kept, and counted for nothing; look at the clocks";
        }
    }

    IEnumerable<ArchiveEntry> Usable => _inOrder.Where(a => a.Counts && _needs.CanRestore(a));

    /// <summary>What is kept without asking the policy.</summary>
    public void KeepOutright(KeptArchives kept)
    {
        foreach (var archive in _inOrder)
        {
            if (HeldBack is not null) kept.Add(archive, Verdict.Keep, "held back");
            else if (_worth is null) kept.Add(archive, Verdict.Keep, "no policy applies to it");
            else if (!archive.Counts) kept.Add(archive, Verdict.Keep, "it was stored by insisting");
            else if (!_needs.CanRestore(archive)) kept.Add(archive, Verdict.Keep, "it cannot be restored: see verify");
            if (kept.Contains(archive) && _needs.CanRestore(archive)) _needs.KeepWayTo(kept, archive, $"needed by {archive.SnapshotName}");
        }
    }

    /// <summary>One archive for each wanted snapshot and node, the newest first: what is kept already for something else will do.</summary>
    public void KeepWanted(KeptArchives kept)
    {
        if (_worth is null || HeldBack is not null) return;
        foreach (var snapshot in Usable.GroupBy(a => a.Node).Reverse())
        {
            var reasons = _worth.Reasons(snapshot.Key.Guid);
            if (reasons.IsEmpty) continue;
            var chosen = snapshot.OrderBy(a => _needs.IsHealthy(a) ? 0 : 1).ThenBy(a => kept.Contains(a) ? 0 : 1).ThenBy(_needs.Cost).ThenBy(a => a.Id, StringComparer.Ordinal).First();
            kept.Add(chosen, Verdict.Keep, string.Join(", ", reasons));
            _needs.KeepWayTo(kept, chosen, $"needed by {chosen.SnapshotName}");
        }
    }

    public void HoldBackIfTooMuch(KeptArchives kept)
    {
        if (_worth is null) return;
        var all = Usable.Select(a => a.Head.Snapshot.Guid).ToHashSet();
        var left = Usable.Where(kept.Contains).Select(a => a.Head.Snapshot.Guid).ToHashSet();
        var gone = all.Count - left.Count;
        if (gone > _rule.RemoveAtMost * all.Count)
            HeldBack = string.Create(CultureInfo.InvariantCulture, $"{gone} of {all.Count} snapshots of {_name} would go, more than {_rule.RemoveAtMost:0%}: nothing of it is removed; if that is meant: zfsarchive prune --yes");
    }

    public DatasetPlan Decide(KeptArchives kept) => new(_folder, _name, _rule.Policy, [.. _inOrder.Select(a => kept.Of(a) is var (verdict, why) ? new PruneDecision(a, verdict, why)
        : new PruneDecision(a, Verdict.Remove, _worth!.Reasons(a.Head.Snapshot.Guid).IsEmpty ? "no word of the policy wants it" : "another archive of the same snapshot is kept"))], HeldBack);

    // Ancestry first: numbers of transactions order the snapshots of one pool only, and a dataset may have moved to another.
    static IEnumerable<ArchiveEntry> TrueOrder(IEnumerable<ArchiveEntry> archives)
    {
        var list = archives.DistinctBy(a => a.Head.Snapshot.Guid).ToList();
        return list.Select(a => a.Head.Dataset.PoolGuid).Distinct().Count() <= 1 ? list : list.OrderBy(a => a.Head.Snapshot.Creation).ThenBy(a => a.Head.Snapshot.Guid);
    }
}
