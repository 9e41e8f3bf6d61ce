using System.Collections.Immutable;
using ZfsArchive.Manifests;

namespace ZfsArchive.Repository;

/// <summary>What this host has seen in a repository, and what is not there any more as it was.</summary>
public static class SeenChanges
{
    /// <summary>
    /// Archives whose manifest is gone or is another one, without those whose removal a prune has written down: their names may be used
    /// again. One that is there and cannot be read is a fault of its own.
    /// </summary>
    public static Task<ImmutableArray<KnownHead>> FindAsync(ArchiveRepository repository, Catalog catalog, CancellationToken cancel)
    {
        var unreadable = catalog.Faults.Select(f => f.Key).ToHashSet();
        return RemovalRecords.UnrecordedAsync(repository, repository.Seen.Load().Where(h => catalog.Graph.Find(h.Id) is { } there ? there.Sha256 != h.Sha256 : !unreadable.Contains(KeyOf(h))), cancel);
    }

    /// <summary>The key of its manifest.</summary>
    public static string KeyOf(KnownHead head) => $"{Layout.Manifests}{head.Id}.json";
}
