using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
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

        var bases = Bases(source, snapshots).Where(b => paths.Cheapest(b.Node) is not null).ToImmutableArray();
        return bases.IsEmpty ? Begin(source, snapshots, catalog, paths, policy) : Continue(source, snapshots, bases, paths);
    }

    static BackupPlan Continue(SourceFacts source, ImmutableArray<ZfsSnapshot> snapshots, ImmutableArray<SourceBase> bases, ArchivePaths paths)
    {
        // of a snapshot and its bookmark, the snapshot
        var newest = bases.OrderBy(b => b.CreateTxg).ThenBy(b => b.IsBookmark ? 0 : 1).Last();
        var steps = ImmutableArray.CreateBuilder<BackupStep>();
        var previous = new PlannedBase(newest.Name, newest.Node);
        foreach (var snapshot in snapshots.Where(s => s.CreateTxg > newest.CreateTxg))
        {
            var why = steps.Count > 0 ? "the snapshot before it" : newest.IsBookmark ? "the newest archived snapshot is gone, its bookmark is not" : "the newest archived snapshot";
            steps.Add(new(snapshot, previous, $"from {previous.Name}: {why}"));
            previous = new(snapshot.Name, source.NodeOf(snapshot.Guid, snapshot.IvsetGuid));
        }
        var skipped = snapshots.Where(s => s.CreateTxg < newest.CreateTxg && paths.Cheapest(source.NodeOf(s.Guid, s.IvsetGuid)) is null)
            .Select(s => new SkippedSnapshot(s.Name, $"older than {newest.Name}, which is archived without it"));
        return new(source, steps.ToImmutable(), [.. skipped], null);
    }

    static BackupPlan Begin(SourceFacts source, ImmutableArray<ZfsSnapshot> snapshots, Catalog catalog, ArchivePaths paths, BackupPolicy policy)
    {
        var lost = catalog.Graph.Archives.Where(a => a.Folder.Hex == $"{source.Dataset.Guid:x16}" && a.Counts).OrderBy(a => a.Head.Snapshot.Createtxg).LastOrDefault();
        if (lost is not null && !policy.AllowFull)
            return Refused(source, $"base snapshot {lost.SnapshotName} (guid {lost.Head.Snapshot.Guid}) {Because(source, lost, paths)}: the next archive of {source.Dataset.Name} will be a full; run with --allow-full");

        var first = policy.First is FirstArchive.Newest ? snapshots.Length - 1 : 0;
        var origin = source.Origin is { } snapshot ? new PlannedBase(snapshot.Name, source.NodeOf(snapshot.Guid, snapshot.IvsetGuid)) : null;
        if (origin is not null && paths.Cheapest(origin.Node) is null) origin = null;
        var why = lost is not null ? $"a full: {lost.SnapshotName} {Because(source, lost, paths)}"
            : origin is not null ? $"from {origin.Name}: it is a clone of this snapshot"
            : "a full: nothing of this dataset is archived yet";
        var steps = ImmutableArray.Create(new BackupStep(snapshots[first], origin, why));
        for (var i = first + 1; i < snapshots.Length; i++)
        {
            var before = snapshots[i - 1];
            steps = steps.Add(new(snapshots[i], new(before.Name, source.NodeOf(before.Guid, before.IvsetGuid)), $"from {before.Name}: the snapshot before it"));
        }
        return new(source, steps, [.. snapshots[..first].Select(s => new SkippedSnapshot(s.Name, "older than the first archive"))], null);
    }

    static string Because(SourceFacts source, ArchiveEntry lost, ArchivePaths paths) =>
        !paths.Reaches(lost) ? "cannot be restored from the repository"
        : lost.Node.Raw != source.Raw ? $"is archived {(lost.Node.Raw ? "raw" : "decrypted")}, and raw and not raw do not mix in a chain"
        : source.Snapshots.Any(s => s.Guid == lost.Head.Snapshot.Guid) || source.Bookmarks.Any(b => b.Guid == lost.Head.Snapshot.Guid)
            ? "has another key or IV set here than in the repository"
            : "is gone and no bookmark holds it";

    // The snapshots are archived under another dataset: a restored copy, a replica, a promoted clone.
    static string? Stranger(SourceFacts source, Catalog catalog, ArchivePaths paths)
    {
        var hex = $"{source.Dataset.Guid:x16}";
        if (catalog.Graph.Archives.Any(a => a.Folder.Hex == hex)) return null;
        var other = source.Snapshots.Select(s => paths.Cheapest(source.NodeOf(s.Guid, s.IvsetGuid))).FirstOrDefault(a => a is not null);
        return other is null ? null : $"{source.Dataset.Name} (guid {source.Dataset.Guid}) is not the dataset whose snapshots are archived as {catalog.NameOf(other.Folder)} ({other.Folder}): continue that chain with --adopt";
    }

    static IEnumerable<SourceBase> Bases(SourceFacts source, ImmutableArray<ZfsSnapshot> snapshots) =>
        snapshots.Select(s => new SourceBase(s.Name, s.CreateTxg, source.NodeOf(s.Guid, s.IvsetGuid), IsBookmark: false))
            // a raw incremental from a bookmark without an IV set cannot be received
            .Concat(source.Bookmarks.Where(b => !source.Raw || b.IvsetGuid != 0)
                .Select(b => new SourceBase(b.Name, b.CreateTxg, source.NodeOf(b.Guid, b.IvsetGuid), IsBookmark: true)));

    static BackupPlan Refused(SourceFacts source, string why) => new(source, [], [], why);

    sealed record SourceBase(string Name, ulong CreateTxg, NodeKey Node, bool IsBookmark);
}
