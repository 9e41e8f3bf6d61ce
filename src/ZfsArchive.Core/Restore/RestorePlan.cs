using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.SendStream;
using ZfsArchive.Zfs;

namespace ZfsArchive.Restore;

/// <summary>What is known of the place that a dataset is restored to.</summary>
/// <param name="Dataset">The target, when it exists.</param>
/// <param name="Snapshots">Its snapshots, oldest first.</param>
/// <param name="PoolSnapshots">All snapshots of its pool, where the origin of a clone is sought.</param>
/// <param name="ParentExists">The dataset above the target exists (or will, being restored before).</param>
/// <param name="ZfsUserland">As <c>zfs version</c> names itself, such as <c>zfs-2.3.9-1</c>.</param>
public sealed record TargetFacts(
    string Name, ZfsDataset? Dataset, ImmutableArray<ZfsSnapshot> Snapshots, ImmutableArray<ZfsSnapshot> PoolSnapshots, ZfsPool Pool, bool ParentExists, string ZfsUserland);

/// <summary>What a restore of one dataset will do. Data: it can be printed, compared, thrown away.</summary>
/// <param name="Path">All archives from the full to the wanted snapshot.</param>
/// <param name="Remaining">Those still to be received.</param>
/// <param name="Origin">The snapshot on the target's pool that the first of them is a clone of.</param>
/// <param name="AbortsPartial">A half-received snapshot of the next archive lies on the target and is thrown away first.</param>
/// <param name="Refusal">Why nothing may be done, with the next step.</param>
public sealed record RestorePlan(
    TargetFacts Target, ImmutableArray<ArchiveEntry> Path, ImmutableArray<ArchiveEntry> Remaining, string? Origin, bool AbortsPartial, ImmutableArray<string> Warnings, string? Refusal)
{
    public ArchiveEntry Wanted => Path[^1];

    /// <summary>Stored bytes to read.</summary>
    public long StoredLength => Remaining.Sum(a => a.Head.Totals.StoredLength);

    /// <summary>Bytes of the streams to receive.</summary>
    public long Length => Remaining.Sum(a => a.Head.Stream.Length);
}

/// <summary>Facts in, a plan out: which archives, in which order, onto what is there already.</summary>
public static class RestorePlanner
{
    const BeginFlags Clone = BeginFlags.Clone;

    /// <param name="path">From the full to the wanted archive (<see cref="ArchivePaths.To"/>), or one archive that was forced.</param>
    /// <param name="force">Snapshots and changes on the target that are not archived may be rolled back.</param>
    public static RestorePlan Plan(ImmutableArray<ArchiveEntry> path, TargetFacts target, bool force)
    {
        var cloneAt = LastClone(path);
        var own = path[cloneAt..];
        var there = target.Snapshots.Select(s => s.Guid).ToHashSet();
        var done = own.Select((archive, i) => there.Contains(archive.Head.Snapshot.Guid) ? i + 1 : 0).DefaultIfEmpty(0).Max();
        var remaining = own[done..];
        var origin = done == 0 && cloneAt > 0 ? target.PoolSnapshots.FirstOrDefault(s => s.Guid == own[0].Head.Stream.FromGuid)?.Name : null;
        var plan = new RestorePlan(target, path, remaining, origin, false, Warnings(remaining, target), null);
        if (remaining.IsEmpty) return plan;

        if (Unfit(remaining, target) is { } unfit) return plan with { Refusal = unfit };
        if (done == 0 && cloneAt > 0 && origin is null)
            return plan with { Refusal = $"{own[0].SnapshotName} is a clone of {path[cloneAt - 1].SnapshotName} (guid {own[0].Head.Stream.FromGuid}), which is not on the pool {target.Pool.Name}: restore that first (zfsarchive restore {path[cloneAt - 1].SnapshotName} --to {target.Pool.Name}/…), then this" };
        return OnTarget(plan, own, done, force);
    }

    static RestorePlan OnTarget(RestorePlan plan, ImmutableArray<ArchiveEntry> own, int done, bool force)
    {
        var target = plan.Target;
        if (target.Dataset is null)
            return target.ParentExists ? plan : plan with { Refusal = $"{Parent(target.Name)} does not exist: create it first (zfs create -p {Parent(target.Name)})" };

        if (target.Dataset.ReceiveResumeToken.Length > 0)
        {
            if (!IsOf(target.Dataset.ReceiveResumeToken, plan.Remaining[0]))
                return plan with { Refusal = $"{target.Name} holds the half-received state of another stream: finish it, or throw it away with zfs receive -A {target.Name}" };
            plan = plan with { AbortsPartial = true };
            // without a snapshot of its own, the half-received dataset goes with its state
            if (target.Snapshots.IsEmpty) return plan;
        }
        if (done == 0)
            return plan with { Refusal = $"{target.Name} exists and has no snapshot of this chain: name a new dataset, or destroy it first" };

        var last = own[done - 1];
        if (target.Snapshots[^1].Guid != last.Head.Snapshot.Guid && !force)
            return plan with { Refusal = $"{target.Name} has {target.Snapshots[^1].Name} after {last.SnapshotName}, the newest snapshot of this chain on it: with --force it is rolled back and destroyed" };
        if (target.Dataset.Written != 0 && !force)
            return plan with { Refusal = $"{target.Name} was changed since {last.SnapshotName} ({target.Dataset.Written} bytes written): with --force it is rolled back" };
        return plan;
    }

    // What comes before a clone's first archive belongs to its origin, which is another dataset.
    static int LastClone(ImmutableArray<ArchiveEntry> path)
    {
        for (var i = path.Length - 1; i > 0; i--)
            if (((BeginFlags)path[i].Head.Stream.Flags).HasFlag(Clone)) return i;
        return 0;
    }

    static string? Unfit(ImmutableArray<ArchiveEntry> remaining, TargetFacts target)
    {
        var missing = remaining.SelectMany(a => a.Head.Stream.Requires.PoolFeatures).Distinct()
            .Where(f => !target.Pool.Features.TryGetValue(f, out var state) || state == "disabled").ToList();
        return missing.Count == 0 ? null
            : $"the pool {target.Pool.Name} lacks the features {string.Join(", ", missing)} that these streams need: enable them (zpool set feature@{missing[0]}=enabled {target.Pool.Name}), or restore to another pool";
    }

    static ImmutableArray<string> Warnings(ImmutableArray<ArchiveEntry> remaining, TargetFacts target)
    {
        var warnings = ImmutableArray.CreateBuilder<string>();
        var length = remaining.Sum(a => a.Head.Stream.Length);
        if (length > target.Pool.Free) warnings.Add($"the streams have {length} bytes, the pool {target.Pool.Name} has {target.Pool.Free} free");
        var oldest = remaining.Select(a => Version.TryParse(a.Head.Stream.Requires.OpenZfs, out var v) ? v : new()).DefaultIfEmpty(new()).Max()!;
        if (ZfsVersionOf(target.ZfsUserland) is { } version && version < oldest) warnings.Add($"these streams need OpenZFS {oldest}; this is {target.ZfsUserland}");
        return warnings.ToImmutable();
    }

    static Version? ZfsVersionOf(string userland) => Version.TryParse(userland.Replace("zfs-", "", StringComparison.Ordinal).Split('-')[0], out var version) ? version : null;

    static bool IsOf(string token, ArchiveEntry archive)
    {
        try
        {
            var resume = ResumeToken.Parse(token);
            return resume.ToGuid == archive.Head.Snapshot.Guid && resume.FromGuid == archive.Head.Stream.FromGuid;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    static string Parent(string dataset) => dataset.LastIndexOf('/') is var slash and > 0 ? dataset[..slash] : dataset;
}
