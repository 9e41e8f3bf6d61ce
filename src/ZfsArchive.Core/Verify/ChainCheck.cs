using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;

namespace ZfsArchive.Verify;

/// <summary>A fault before its consequences are known.</summary>
/// <param name="ArchiveId"><c>folder/archive</c> of the archive that cannot be used because of it; null when none is concerned.</param>
/// <param name="LosesArchive">The archive itself cannot be restored; else only what we know of it is wrong.</param>
/// <param name="Snapshot">Its snapshot when that is known from elsewhere than its manifest.</param>
public sealed record Fault(Severity Severity, string? ArchiveId, bool LosesArchive, string Object, string Reason, string Mend, string? Snapshot = null);

/// <summary>What the catalog alone tells: unreadable manifests, links, names, and what was there before. Pure.</summary>
public static class ChainCheck
{
    const string Again = "send the snapshot again while the source has it (zfs send -w … | zfsarchive backup --stdin --dataset NAME), or, from a repository that has the archive whole: zfsarchive copy --from THAT --to THIS";

    public static IEnumerable<Fault> Find(Catalog catalog, IReadOnlyCollection<KnownHead> known)
    {
        foreach (var fault in catalog.Faults) yield return Unreadable(fault, catalog.Graph, known);
        foreach (var broken in BrokenLinks(catalog.Graph)) yield return broken;
        foreach (var record in catalog.MissingRecords)
            yield return new(Severity.Damage, null, false, record, "the record of the dataset's name is missing", "the next archive of the dataset writes its name again; or copy it from another repository");

        var unreadable = catalog.Faults.Select(f => f.Key).ToHashSet();
        foreach (var head in known)
            if (Vanished(head, catalog.Graph, unreadable) is { } vanished) yield return vanished;
        foreach (var archive in catalog.Graph.Archives.Where(a => !a.Counts))
            yield return new(Severity.Note, archive.Id, false, Layout.Manifest(archive.Folder, archive.Name),
                $"it was stored by insisting and cannot be restored by itself: {string.Join(", ", archive.Head.Stream.Conditions)}", "archive its base, then archive it again");
        foreach (var stranger in catalog.Strangers)
            yield return new(Severity.Note, null, false, stranger, "no name that zfsarchive writes; it is left alone", "look whose it is");
    }

    /// <summary>Archives that are not based on what they say.</summary>
    public static IEnumerable<Fault> BrokenLinks(ArchiveGraph graph) => graph.Archives.Select(a => BrokenLink(a, graph)).OfType<Fault>();

    static Fault Unreadable(CatalogFault fault, ArchiveGraph graph, IReadOnlyCollection<KnownHead> known)
    {
        var manifest = Layout.ParseManifest(fault.Key);
        var id = manifest is { } parsed ? $"{parsed.Folder}/{parsed.Name}" : null;
        var other = manifest is { } named ? graph.OfSnapshot(named.Name.ToGuid).FirstOrDefault(a => a.Folder == named.Folder && a.Name.Edge == named.Name.Edge && a.Counts) : null;
        var mend = other is null ? Again : $"its snapshot is in {other.Name} as well; put this one back from a repository that has it whole (zfsarchive copy --from THAT --to THIS), or remove the object and then: zfsarchive verify --accept";
        return new(Severity.Damage, id, id is not null, fault.Key, fault.Reason, mend, known.FirstOrDefault(k => k.Id == id)?.Snapshot ?? fault.Unproven?.SnapshotName);
    }

    static Fault? BrokenLink(ArchiveEntry archive, ArchiveGraph graph)
    {
        var key = Layout.Manifest(archive.Folder, archive.Name);
        if (archive.Head.Base is not { } link)
            return archive.Head.IsFull || !archive.Counts ? null : new(Severity.Damage, archive.Id, true, key, "it is incremental and names no base", Again);
        if (graph.Find(link.Archive) is not { } named)
            return graph.Paths().Reaches(archive)
                ? new(Severity.Note, archive.Id, false, key, $"its base {link.Archive} is not in the repository, and another archive of the same snapshot is", "nothing need be done: it can be restored")
                : new(Severity.Damage, archive.Id, false, key, $"its base {link.Archive} is not in the repository", $"copy {link.Archive} from another repository, or let the next backup begin a new chain (--allow-full)");
        return named.Sha256 == link.ManifestSha256 && archive.Wants is { } wanted && named.Node.Serves(wanted)
            ? null
            : new(Severity.Damage, archive.Id, false, key, $"its base {link.Archive} is not the one it was made on", "find out who changed the manifest of the base; copy it from another repository");
    }

    static Fault? Vanished(KnownHead head, ArchiveGraph graph, HashSet<string> unreadable)
    {
        var key = SeenChanges.KeyOf(head);
        if (unreadable.Contains(key)) return null;
        if (graph.Find(head.Id) is not { } archive)
            return new(Severity.Damage, head.Id, true, key, "this host has seen the manifest; it is gone, and no prune recorded its removal", $"{Again}; when it was removed on purpose: zfsarchive verify --accept", head.Snapshot);
        return archive.Sha256 == head.Sha256
            ? null
            : new(Severity.Damage, head.Id, false, key, "it is another manifest than the one this host has seen", "find out who changed it (two hosts that archived it at the same time do that, on a service that does not create atomically); when what is there is right: zfsarchive verify --accept");
    }
}
