using System.Collections.Immutable;
using ZfsArchive.Backup;
using ZfsArchive.Manifests;
using ZfsArchive.Repository;
using ZfsArchive.Verify;
using ZfsArchive.Zfs;

namespace ZfsArchive.Night;

/// <summary>A repository as far as it matters for a snapshot at the source.</summary>
/// <param name="Level">Down to which level what is archived has to be verified; null: it need not be.</param>
public sealed record PruneWitness(string Name, string ShortId, Catalog Catalog, VerifyHistory History, VerifyLevel? Level);

/// <summary>Whether a snapshot may go at the source. Pure.</summary>
public static class PruneAdvice
{
    /// <summary>What stands against it, each with the next step; empty: it may go.</summary>
    public static ImmutableArray<string> Objections(SourceFacts source, ZfsSnapshot snapshot, IReadOnlyList<PruneWitness> witnesses)
    {
        var objections = ImmutableArray.CreateBuilder<string>();
        if (witnesses.Count == 0) objections.Add($"no job archives {source.Dataset.Name}: nobody else has it");
        if (snapshot.UserRefs > 0) objections.Add($"{snapshot.Name} is held: zfs holds {snapshot.Name} says by whom");
        foreach (var witness in witnesses) objections.AddRange(Objections(source, snapshot, witness));
        return objections.ToImmutable();
    }

    static IEnumerable<string> Objections(SourceFacts source, ZfsSnapshot snapshot, PruneWitness witness)
    {
        var paths = witness.Catalog.Graph.Paths();
        if (paths.Cheapest(source.NodeOf(snapshot.Guid, snapshot.IvsetGuid)) is not { } archive)
        {
            yield return $"{witness.Name} does not have it";
            yield break;
        }
        var way = paths.To(archive)!.Value;
        if (way.FirstOrDefault(a => witness.History.IsDamaged(a)) is { } damaged) yield return $"{witness.Name}: {damaged.SnapshotName} was found damaged, and it cannot be restored without it: run verify";
        else if (witness.Level is { } level && way.FirstOrDefault(a => witness.History.VerifiedAt(a, level) is null) is { } unverified)
            yield return $"{witness.Name}: {unverified.SnapshotName}, which a restore reads, was not verified at level {level.ToString().ToLowerInvariant()} yet: run verify";
        if (IsNeededAsBase(source, snapshot, witness.ShortId, paths)) yield return $"{witness.Name}: the next archive is based on it, and no bookmark stands in for it: the next run makes one";
    }

    /// <summary>Whether the next archive in a repository is based on a snapshot that is archived there: on the newest, unless there is a bookmark of it.</summary>
    internal static bool IsNeededAsBase(SourceFacts source, ZfsSnapshot snapshot, string shortId, ArchivePaths paths)
    {
        var standIn = SourceMarks.Bookmark(source.Dataset.Name, shortId, snapshot.Guid);
        if (source.Bookmarks.Any(b => b.Name == standIn && b.Guid == snapshot.Guid && (!source.Raw || b.IvsetGuid == snapshot.IvsetGuid))) return false;
        return !source.Snapshots.Any(s => s.CreateTxg > snapshot.CreateTxg && paths.Cheapest(source.NodeOf(s.Guid, s.IvsetGuid)) is not null);
    }
}
