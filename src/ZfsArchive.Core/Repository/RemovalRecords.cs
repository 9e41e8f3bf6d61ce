using System.Collections.Immutable;
using System.Security.Cryptography;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>When an archive was last recorded as removed, by the store's clock.</summary>
public sealed record Removal(DateTimeOffset RecordedAt);

/// <summary>What prunes have written down before they removed it.</summary>
public static class RemovalRecords
{
    // A record stays far below what a reader of small objects takes.
    const int ArchivesInOne = 2000;

    // So many older records that were carried out, and those before them were too: each prune looks.
    const int FinishedInARow = 8;

    /// <summary>Writes down what is about to be removed; it is durable on return.</summary>
    public static async Task WriteAsync(ArchiveRepository repository, string host, IReadOnlyList<RemovedArchive> archives, CancellationToken cancel)
    {
        var now = await repository.Store.TimeAsync(cancel);
        foreach (var part in archives.Chunk(ArchivesInOne))
        {
            var key = Layout.RemovalRecord(now, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
            await repository.CreateDocumentAsync(key, new(now, host, part), ManifestJson.Default.RemovalRecord, cancel);
        }
    }

    /// <summary>
    /// Takes back what was written down and is there still: a prune was killed, or what it had planned changed. Otherwise that record would
    /// excuse the loss of it one day. False when the lease had run out: what was listed is not worth anything any more.
    /// </summary>
    /// <param name="lease">An exclusive one.</param>
    public static async Task<bool> RetractAsync(ArchiveRepository repository, Lease lease, string host, Catalog catalog, CancellationToken cancel)
    {
        var unreadable = catalog.Faults.Select(f => f.Key).ToHashSet();
        var (newest, finished) = ((DateTimeOffset?)null, 0);
        foreach (var info in await NewestFirstAsync(repository, cancel))
        {
            if (await TryReadAsync(repository, info.Key, cancel) is not { } record || record.Archives.All(a => a.ManifestSha256 is null)) continue;
            var gone = new List<RemovedArchive>();
            foreach (var archive in record.Archives)
                if (!await IsThereAsync(archive)) gone.Add(archive);
            newest ??= record.At;
            if (gone.Count == record.Archives.Count)
            {
                // one prune writes several of one time, and not all that is written is a prune's
                if (record.At < newest && ++finished >= FinishedInARow) return true;
                continue;
            }
            if (!await lease.RequireHeldAsync(cancel)) return false;
            if (gone.Count > 0) await WriteAsync(repository, host, gone, cancel);
            if (!await lease.RequireHeldAsync(cancel)) return false;
            await repository.Store.DeleteAsync(info.Key, cancel);
        }
        return true;

        // The store's own word on each: a listing may be older than what another one has removed since.
        async Task<bool> IsThereAsync(RemovedArchive archive)
        {
            var key = $"{Layout.Manifests}{archive.Archive}.json";
            return archive.ManifestSha256 is { } sha256 && Layout.ParseManifest(key) is not null && (catalog.Graph.Find(archive.Archive)?.Sha256 == sha256 || unreadable.Contains(key))
                && await repository.Store.StatAsync(new(key), cancel) is not null;
        }
    }

    /// <summary>The newest record of each of these archives (<c>folder/archive</c>); those that none names are left out.</summary>
    public static async Task<ImmutableDictionary<string, Removal>> FindAsync(ArchiveRepository repository, IReadOnlySet<string> archives, CancellationToken cancel)
    {
        var found = ImmutableDictionary.CreateBuilder<string, Removal>();
        if (archives.Count == 0) return found.ToImmutable();
        foreach (var info in await NewestFirstAsync(repository, cancel))
        {
            if (found.Count == archives.Count) break;
            if (await TryReadAsync(repository, info.Key, cancel) is not { } record) continue;
            foreach (var removed in record.Archives.Where(a => archives.Contains(a.Archive)))
                if (!found.ContainsKey(removed.Archive)) found[removed.Archive] = new(info.ModifiedAt);
        }
        return found.ToImmutable();
    }

    /// <summary>The newest records that can be read, the newest first.</summary>
    public static async Task<ImmutableArray<RemovalRecord>> NewestAsync(ArchiveRepository repository, int atMost, CancellationToken cancel)
    {
        var read = ImmutableArray.CreateBuilder<RemovalRecord>();
        foreach (var info in (await NewestFirstAsync(repository, cancel)).Take(atMost))
            if (await TryReadAsync(repository, info.Key, cancel) is { } record) read.Add(record);
        return read.ToImmutable();
    }

    /// <summary>
    /// Those of these heads whose manifest no record names as removed. That chunks were found without a manifest does not count, nor does the
    /// removal of another manifest of the same name: both say nothing of what became of this one.
    /// </summary>
    public static async Task<ImmutableArray<KnownHead>> UnrecordedAsync(ArchiveRepository repository, IEnumerable<KnownHead> heads, CancellationToken cancel)
    {
        var left = heads.ToDictionary(h => (h.Id, h.Sha256));
        if (left.Count == 0) return [];
        foreach (var info in await NewestFirstAsync(repository, cancel))
        {
            if (left.Count == 0) break;
            if (await TryReadAsync(repository, info.Key, cancel) is not { } record) continue;
            foreach (var removed in record.Archives)
                if (removed.ManifestSha256 is { } sha256) left.Remove((removed.Archive, sha256));
        }
        return [.. left.Values];
    }

    // What is asked for was mostly removed of late.
    static async Task<IEnumerable<ObjectInfo>> NewestFirstAsync(ArchiveRepository repository, CancellationToken cancel)
    {
        var records = new List<ObjectInfo>();
        await foreach (var info in repository.Store.ListAsync(Layout.Removed, cancel))
            if (Layout.IsRemovalRecord(info.Key.Text)) records.Add(info);
        return records.OrderByDescending(r => r.Key.Text, StringComparer.Ordinal);
    }

    // One that is damaged excuses nothing.
    static async Task<RemovalRecord?> TryReadAsync(ArchiveRepository repository, ObjectKey key, CancellationToken cancel)
    {
        try
        {
            return await ArchiveRepository.ReadDocumentAsync(repository.Store, key.Text, ManifestJson.Default.RemovalRecord, cancel);
        }
        catch (DamageException)
        {
            return null;
        }
    }
}
