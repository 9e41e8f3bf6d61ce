using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Prune;

/// <summary>
/// Removes chunks that no manifest claims: only those that were written down as removed or unclaimed longer than the grace time ago, none
/// of them younger than it, and each time their manifest was asked for by name just before.
/// </summary>
/// <param name="lease">Null: only looks.</param>
sealed class ChunkSweep(ArchiveRepository repository, Lease? lease, TimeSpan grace, string host)
{
    const int AtOnce = 8;

    public long Objects { get; private set; }

    /// <summary>Stored bytes of what was removed.</summary>
    public long Bytes { get; private set; }

    /// <summary>What would be removed now.</summary>
    public async Task<(long Objects, long Bytes)> DueAsync(ListingFacts facts, CancellationToken cancel)
    {
        var due = Due(facts, await repository.Store.TimeAsync(cancel)).ToList();
        return (due.Sum(d => (long)d.Objects), due.Sum(d => d.Bytes));
    }

    /// <summary>False when the lease had run out: the rest is left.</summary>
    public async Task<bool> ExecuteAsync(ListingFacts facts, CancellationToken cancel)
    {
        var now = await repository.Store.TimeAsync(cancel);
        // What an interrupted backup left is written down first, and goes when nobody has gone on with it for the grace time from then.
        var unrecorded = facts.Unclaimed.Where(u => now - u.Youngest > grace && !facts.Removals.ContainsKey(u.Id)).ToList();
        if (unrecorded.Count > 0) await RemovalRecords.WriteAsync(repository, host, [.. unrecorded.Select(u => new RemovedArchive(u.Id, null, null))], cancel);
        foreach (var folder in Due(facts, now))
            if (!await SweepAsync(folder.Folder, folder.Name, _ => true, isClaimed: false, cancel)) return false;
        foreach (var archive in facts.Overfull)
            if (!await SweepLeftoversAsync(archive, now, cancel)) return false;
        return true;
    }

    IEnumerable<ChunkFolder> Due(ListingFacts facts, DateTimeOffset now) =>
        facts.Unclaimed.Where(u => now - u.Youngest > grace && facts.Removals.TryGetValue(u.Id, out var removal) && now - removal.RecordedAt > grace);

    // What another attempt left beside the chunks that the manifest names.
    async Task<bool> SweepLeftoversAsync(ArchiveEntry archive, DateTimeOffset now, CancellationToken cancel)
    {
        if (await ClaimedAsync(archive, cancel) is not { } claimed) return true;
        return await SweepAsync(archive.Folder, archive.Name, info => !claimed.Contains(info.Key.Name) && now - info.ModifiedAt > grace, isClaimed: true, cancel);
    }

    // Null: what the manifest claims cannot be known, so all of it may be.
    async Task<HashSet<string>?> ClaimedAsync(ArchiveEntry archive, CancellationToken cancel)
    {
        try
        {
            using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, cancel);
            if (manifest?.Sha256 != archive.Sha256) return null;
            var claimed = manifest.Chunks().Select(c => c.Name).ToHashSet();
            if (manifest.Head.Package is { } package) claimed.Add(Path.GetFileName(package));
            return claimed;
        }
        catch (DamageException)
        {
            return null;
        }
    }

    async Task<bool> SweepAsync(DatasetFolder folder, ArchiveName name, Func<ObjectInfo, bool> goes, bool isClaimed, CancellationToken cancel)
    {
        var objects = new List<ObjectInfo>();
        await foreach (var info in repository.Store.ListAsync(Layout.ArchiveFolder(folder, name), cancel))
            if (Layout.ParseArchived(info.Key.Text) is not null && goes(info)) objects.Add(info);
        foreach (var batch in objects.Chunk(AtOnce))
        {
            if (!await lease!.RequireHeldAsync(cancel)) return false;
            if (!isClaimed) await ListingCheck.RequireNoManifestAsync(repository.Store, folder, name, cancel);
            await Task.WhenAll(batch.Select(info => PruneRun.DeleteAsync(repository.Store, info.Key, cancel)));
            Objects += batch.Length;
            Bytes += batch.Sum(b => b.Length);
        }
        await repository.Store.SweepAsync(Layout.ArchiveFolder(folder, name), cancel);
        return true;
    }
}
