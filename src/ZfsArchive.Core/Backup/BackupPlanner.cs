using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Zfs;

namespace ZfsArchive.Backup;

/// <summary>
/// Facts in, steps with reasons out. Names do not matter here, nodes do: a snapshot may be renamed, a bookmark stands in for a
/// destroyed one, and a snapshot of the same name may be another.
/// </summary>
public static class BackupPlanner
{
    public static BackupPlan Plan(SourceFacts source, Catalog catalog, BackupPolicy policy)
    {
        var paths = catalog.Graph.Paths();
        var dataset = source.Dataset;
        if (!source.Raw && !policy.AllowPlaintext)
            return Refused(source, $"{dataset.Name} is not encrypted: its streams would leave as plaintext. Allow it with --allow-plaintext, or encrypt the dataset") with { RefusalIsUsage = true };

        var snapshots = source.Snapshots.OrderBy(s => s.CreateTxg).ThenBy(s => s.Creation).ThenBy(s => s.Guid).ToImmutableArray();
        if (snapshots.IsEmpty) return new(source, [], [], null);
        if (Stranger(source, catalog, paths) is { } stranger && !policy.Adopt) return Refused(source, stranger) with { RefusalIsUsage = true };

        var bases = Bases(source, snapshots, paths).ToImmutableArray();
        var worth = new Lazy<SnapshotWorth>(() => WorthOf(source, catalog, snapshots, policy.Retention));
        return bases.IsEmpty ? Begin(source, snapshots, catalog, paths, policy, worth) : Continue(source, snapshots, bases, paths, policy, worth);
    }

    static BackupPlan Continue(
        SourceFacts source, ImmutableArray<ZfsSnapshot> snapshots, ImmutableArray<BaseCandidate> bases, ArchivePaths paths, BackupPolicy policy, Lazy<SnapshotWorth> worth)
    {
        var choice = new BaseChoice(policy.Chain, worth);
        foreach (var candidate in bases.OrderBy(b => b.CreateTxg).ThenBy(b => b.IsBookmark ? 0 : 1)) choice.Add(candidate);
        var newest = choice.Newest!;
        var later = Selected(snapshots.Where(s => s.CreateTxg > newest.CreateTxg), policy.Filter, worth);
        var steps = later.Select(s => choice.Step(source, s)).ToImmutableArray();
        var skipped = snapshots.Where(s => s.CreateTxg < newest.CreateTxg && policy.Filter is { Choice: SnapshotChoice.All } filter && filter.Fits(NameOf(s)) && paths.Cheapest(source.NodeOf(s.Guid, s.IvsetGuid)) is null)
            .Select(s => new SkippedSnapshot(s.Name, $"older than {newest.Name}, which is archived without it"));
        return new(source, steps, [.. skipped], null);
    }

    static BackupPlan Begin(SourceFacts source, ImmutableArray<ZfsSnapshot> all, Catalog catalog, ArchivePaths paths, BackupPolicy policy, Lazy<SnapshotWorth> worth)
    {
        var snapshots = Selected(all, policy.Filter, worth);
        if (snapshots.IsEmpty) return new(source, [], [], null);
        var lost = catalog.ArchivesOf(source.Dataset.Guid).Where(a => a.Counts).OrderBy(a => a.Head.Snapshot.Createtxg).LastOrDefault();
        if (lost is not null && !policy.AllowFull)
            return Refused(source, $"base snapshot {lost.SnapshotName} (guid {lost.Head.Snapshot.Guid}) {Because(source, lost, paths)}: the next archive of {source.Dataset.Name} will be a full; run with --allow-full");

        var first = policy.First is FirstArchive.Newest ? snapshots.Length - 1 : 0;
        var origin = source.Origin is { } snapshot && paths.Cheapest(source.NodeOf(snapshot.Guid, snapshot.IvsetGuid)) is { } archived
            ? new BaseCandidate(snapshot.Name, snapshot.CreateTxg, source.NodeOf(snapshot.Guid, snapshot.IvsetGuid), false, paths.Way(archived).Length, (long)paths.Way(archived).Full.Head.Snapshot.Creation)
            : null;
        var choice = new BaseChoice(policy.Chain, worth);
        var begin = lost is not null ? choice.Full(source, snapshots[first], $"a full: {lost.SnapshotName} {Because(source, lost, paths)}")
            : origin is not null ? choice.From(source, snapshots[first], origin, $"from {origin.Name}: it is a clone of this snapshot")
            : choice.Full(source, snapshots[first], "a full: nothing of this dataset is archived yet");
        var steps = snapshots.Skip(first + 1).Select(s => choice.Step(source, s)).Prepend(begin).ToImmutableArray();
        return new(source, steps, [.. snapshots[..first].Select(s => new SkippedSnapshot(s.Name, "older than the first archive"))], null);
    }

    // Of those that fit, the ones to archive. The newest is always worth it: it is what a restore asks for first.
    static ImmutableArray<ZfsSnapshot> Selected(IEnumerable<ZfsSnapshot> snapshots, SnapshotFilter filter, Lazy<SnapshotWorth> worth)
    {
        var fitting = snapshots.Where(s => filter.Fits(NameOf(s))).ToImmutableArray();
        return filter.Choice switch
        {
            SnapshotChoice.Newest => fitting[int.Max(0, fitting.Length - 1)..],
            SnapshotChoice.Wanted => [.. fitting.Where((s, i) => i == fitting.Length - 1 || !worth.Value.Reasons(s.Guid).IsEmpty)],
            _ => fitting,
        };
    }

    // All that is known of the dataset's snapshots, here and there: which is the first of its day does not depend on what is left of the day.
    static SnapshotWorth WorthOf(SourceFacts source, Catalog catalog, ImmutableArray<ZfsSnapshot> snapshots, RetentionPolicy retention)
    {
        var known = snapshots.Select(s => (s.Guid, Creation: (ulong)long.Max(0, s.Creation), Txg: s.CreateTxg))
            .Concat(catalog.ArchivesOf(source.Dataset.Guid).Select(a => (a.Head.Snapshot.Guid, a.Head.Snapshot.Creation, Txg: a.Head.Snapshot.Createtxg ?? 0)))
            .DistinctBy(s => s.Guid).OrderBy(s => s.Creation).ThenBy(s => s.Txg).ToList();
        return new(retention, [.. known.Select((s, i) => new DatedSnapshot(s.Guid, s.Creation, i))], DateTimeOffset.MaxValue);
    }

    static string NameOf(ZfsSnapshot snapshot) => snapshot.Name[(snapshot.Name.IndexOf('@', StringComparison.Ordinal) + 1)..];

    static string Because(SourceFacts source, ArchiveEntry lost, ArchivePaths paths) =>
        !paths.Reaches(lost) ? "cannot be restored from the repository"
        : lost.Node.Raw != source.Raw ? $"is archived {(lost.Node.Raw ? "raw" : "decrypted")}, and raw and not raw do not mix in a chain"
        : source.Snapshots.Any(s => s.Guid == lost.Head.Snapshot.Guid) || source.Bookmarks.Any(b => b.Guid == lost.Head.Snapshot.Guid)
            ? "has another key or IV set here than in the repository"
            : "is gone and no bookmark holds it";

    // The snapshots are archived under another dataset: a restored copy, a replica, a promoted clone.
    static string? Stranger(SourceFacts source, Catalog catalog, ArchivePaths paths)
    {
        if (catalog.ArchivesOf(source.Dataset.Guid).Any()) return null;
        var other = source.Snapshots.Select(s => paths.Cheapest(source.NodeOf(s.Guid, s.IvsetGuid))).FirstOrDefault(a => a is not null);
        return other is null ? null : $"{source.Dataset.Name} (guid {source.Dataset.Guid}) is not the dataset whose snapshots are archived as {catalog.NameOf(other.Folder)} ({other.Folder}): continue that chain with --adopt";
    }

    static IEnumerable<BaseCandidate> Bases(SourceFacts source, ImmutableArray<ZfsSnapshot> snapshots, ArchivePaths paths)
    {
        var here = snapshots.Select(s => (s.Name, s.CreateTxg, Node: source.NodeOf(s.Guid, s.IvsetGuid), IsBookmark: false))
            // a raw incremental from a bookmark without an IV set cannot be received
            .Concat(source.Bookmarks.Where(b => !source.Raw || b.IvsetGuid != 0).Select(b => (b.Name, b.CreateTxg, Node: source.NodeOf(b.Guid, b.IvsetGuid), IsBookmark: true)));
        foreach (var (name, txg, node, isBookmark) in here)
            if (paths.Cheapest(node) is { } archived) yield return new(name, txg, node, isBookmark, paths.Way(archived).Length, (long)paths.Way(archived).Full.Head.Snapshot.Creation);
    }

    static BackupPlan Refused(SourceFacts source, string why) => new(source, [], [], why);
}
