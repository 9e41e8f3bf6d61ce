using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Prune;

/// <summary>Chunks in one archive's folder, as a listing shows them.</summary>
/// <param name="Youngest">When the youngest of them was created, by the store's clock.</param>
public sealed record ChunkFolder(DatasetFolder Folder, ArchiveName Name, int Objects, long Bytes, DateTimeOffset Youngest)
{
    public string Id => $"{Folder}/{Name}";
}

/// <summary>What lies in a repository, found to agree with itself and with what this host remembers.</summary>
/// <param name="Unclaimed">Chunks of archives that have no manifest, by the store's own word on each.</param>
/// <param name="Overfull">Archives with more objects than their manifests name: another attempt left them.</param>
/// <param name="Removals">Of what is unclaimed, what a prune wrote down before.</param>
/// <param name="IsFirstLook">This host has not seen most of what is here before, so that it would not miss what a listing leaves out.</param>
public sealed record ListingFacts(
    ImmutableArray<ChunkFolder> Unclaimed, ImmutableArray<ArchiveEntry> Overfull, ImmutableDictionary<string, Removal> Removals, bool IsFirstLook);

/// <summary>
/// Nothing is removed on the word of a listing alone: one that leaves a manifest out would make its base look superfluous. Two things
/// show it: what this host has seen before, and chunks that no listed manifest claims and whose manifest is there when it is asked for.
/// </summary>
public static class ListingCheck
{
    const int ParallelQuestions = 16;

    /// <exception cref="ArchiveException">Damage: the listing has shrunk, or contradicts the store's own word. Nothing may be removed.</exception>
    public static async Task<ListingFacts> LookAsync(ArchiveRepository repository, Catalog catalog, CancellationToken cancel)
    {
        var heads = repository.Seen.Load();
        var claimed = catalog.Graph.Archives.ToDictionary(a => a.Id);
        var unreadable = catalog.Faults.Select(f => Layout.ParseManifest(f.Key)).Where(m => m is not null).Select(m => $"{m!.Value.Folder}/{m.Value.Name}").ToHashSet();
        await RequireAllKnownAsync(repository, catalog, cancel);

        var unclaimed = ImmutableArray.CreateBuilder<ChunkFolder>();
        var overfull = ImmutableArray.CreateBuilder<ArchiveEntry>();
        await foreach (var folder in FoldersAsync(repository.Store, cancel))
        {
            if (unreadable.Contains(folder.Id)) continue;
            if (!claimed.TryGetValue(folder.Id, out var archive)) unclaimed.Add(folder);
            else if (folder.Objects > archive.Head.Totals.Chunks + (archive.Head.Package is null ? 0 : 1)) overfull.Add(archive);
        }
        await Parallel.ForEachAsync(unclaimed, new ParallelOptions { MaxDegreeOfParallelism = ParallelQuestions, CancellationToken = cancel },
            async (folder, stop) => await RequireNoManifestAsync(repository.Store, folder.Folder, folder.Name, stop));
        var removals = await RemovalRecords.FindAsync(repository, unclaimed.Select(u => u.Id).ToHashSet(), cancel);
        return new(unclaimed.ToImmutable(), overfull.ToImmutable(), removals, IsNewHere(heads, catalog));
    }

    // One that has archived something itself, and has never looked at the rest, is new here too.
    static bool IsNewHere(ImmutableArray<KnownHead> heads, Catalog catalog)
    {
        var known = heads.Select(h => h.Id).ToHashSet();
        return catalog.Graph.Archives.Count(a => !known.Contains(a.Id)) * 2 > catalog.Graph.Archives.Length;
    }

    /// <summary>Asks for an archive's manifest by its exact name.</summary>
    /// <exception cref="ArchiveException">Damage: it is there.</exception>
    public static async Task RequireNoManifestAsync(IObjectStore store, DatasetFolder folder, ArchiveName name, CancellationToken cancel)
    {
        var key = Layout.Manifest(folder, name);
        if (await store.StatAsync(new(key), cancel) is not null)
            throw new ArchiveException(FailureKind.Damage, $"{store.Location}: {key} is there and was left out of the listing: nothing was removed. The listing cannot be trusted; run it again, and if it stays so, ask the provider");
    }

    static async Task RequireAllKnownAsync(ArchiveRepository repository, Catalog catalog, CancellationToken cancel)
    {
        var changed = await SeenChanges.FindAsync(repository, catalog, cancel);
        if (changed.IsEmpty) return;
        var (first, count) = (changed[0], changed.Length);
        var how = catalog.Graph.Find(first.Id) is null ? "was here and is not in the listing, and no prune recorded its removal" : "is another one than this host has seen";
        throw new ArchiveException(FailureKind.Damage, $"{repository.Store.Location}: the manifest of {first.Snapshot} ({first.Id}){(count > 1 ? $" and {count - 1} more" : "")} {how}: nothing was removed; run verify to see what is lost");
    }

    static async IAsyncEnumerable<ChunkFolder> FoldersAsync(IObjectStore store, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        ChunkFolder? folder = null;
        await foreach (var info in store.ListAsync(Layout.Archives, cancel))
        {
            if (Layout.ParseArchived(info.Key.Text) is not { } parsed) continue;
            if (folder is not null && folder.Folder == parsed.Folder && folder.Name == parsed.Name)
            {
                folder = folder with { Objects = folder.Objects + 1, Bytes = folder.Bytes + info.Length, Youngest = info.ModifiedAt > folder.Youngest ? info.ModifiedAt : folder.Youngest };
                continue;
            }
            if (folder is not null) yield return folder;
            folder = new(parsed.Folder, parsed.Name, 1, info.Length, info.ModifiedAt);
        }
        if (folder is not null) yield return folder;
    }
}
