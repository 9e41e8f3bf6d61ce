using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Retention;

namespace ZfsArchive.Prune;

public enum Verdict
{
    /// <summary>Wanted for its snapshot.</summary>
    Keep,

    /// <summary>Its snapshot is not wanted, but what is wanted cannot be restored without it.</summary>
    KeepForChain,

    Remove,
}

/// <summary>What becomes of an archive.</summary>
public sealed record PruneDecision(ArchiveEntry Archive, Verdict Verdict, string Why);

/// <summary>What becomes of a dataset's archives.</summary>
/// <param name="Policy">Null: none applies to it, and nothing of it goes.</param>
/// <param name="Decisions">Of every archive, the oldest snapshot first.</param>
/// <param name="HeldBack">Why nothing of it is removed although the policy would; null when nothing stands against it.</param>
public sealed record DatasetPlan(DatasetFolder Folder, string Name, RetentionPolicy? Policy, ImmutableArray<PruneDecision> Decisions, string? HeldBack)
{
    /// <summary>Stored bytes of what is kept only because something else needs it.</summary>
    public long BytesForChain => Decisions.Where(d => d.Verdict is Verdict.KeepForChain).Sum(d => d.Archive.Head.Totals.StoredLength);

    public IEnumerable<ArchiveEntry> Removed => Decisions.Where(d => d.Verdict is Verdict.Remove).Select(d => d.Archive);
}

/// <summary>What a prune of a whole repository will do. Data: it can be printed, compared, thrown away.</summary>
/// <param name="Notes">What the administrator should know: snapshots dated in the future and the like.</param>
public sealed record PrunePlan(ImmutableArray<DatasetPlan> Datasets, ImmutableArray<string> Notes)
{
    /// <summary>In the order in which they may go: each before those that it is based on.</summary>
    public ImmutableArray<ArchiveEntry> Removals { get; init; } = [];

    public long RemovedBytes => Removals.Sum(a => a.Head.Totals.StoredLength);
}

/// <param name="Policy">Null: nothing of this dataset goes.</param>
/// <param name="RemoveAtMost">The part of the dataset's snapshots that may go at once, 0 to 1.</param>
public sealed record PruneRule(RetentionPolicy? Policy, double RemoveAtMost = PruneRule.Half)
{
    public const double Half = 0.5;
}
