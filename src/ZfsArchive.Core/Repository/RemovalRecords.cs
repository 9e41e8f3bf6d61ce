using System.Collections.Immutable;
using System.Security.Cryptography;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>When an archive was last recorded as removed, by the store's clock.</summary>
/// <param name="HadManifest">False: its chunks were found without a manifest.</param>
public sealed record Removal(DateTimeOffset RecordedAt, bool HadManifest);

/// <summary>What prunes have written down before they removed it.</summary>
public static class RemovalRecords
{
    // A record stays far below what a reader of small objects takes.
    const int ArchivesInOne = 2000;

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

    /// <summary>The newest record of each of these archives (<c>folder/archive</c>); those that none names are left out.</summary>
    public static async Task<ImmutableDictionary<string, Removal>> FindAsync(ArchiveRepository repository, IReadOnlySet<string> archives, CancellationToken cancel)
    {
        var found = ImmutableDictionary.CreateBuilder<string, Removal>();
        if (archives.Count == 0) return found.ToImmutable();
        // The newest first: what is asked for was mostly removed of late.
        foreach (var info in await NewestFirstAsync(repository.Store, cancel))
        {
            if (found.Count == archives.Count) break;
            if (await TryReadAsync(repository, info.Key, cancel) is not { } record) continue;
            foreach (var removed in record.Archives.Where(a => archives.Contains(a.Archive)))
                if (!found.ContainsKey(removed.Archive)) found[removed.Archive] = new(info.ModifiedAt, removed.ManifestSha256 is not null);
        }
        return found.ToImmutable();
    }

    /// <summary>The newest records that can be read, the newest first.</summary>
    public static async Task<ImmutableArray<RemovalRecord>> NewestAsync(ArchiveRepository repository, int atMost, CancellationToken cancel)
    {
        var read = ImmutableArray.CreateBuilder<RemovalRecord>();
        foreach (var info in (await NewestFirstAsync(repository.Store, cancel)).Take(atMost))
            if (await TryReadAsync(repository, info.Key, cancel) is { } record) read.Add(record);
        return read.ToImmutable();
    }

    static async Task<IEnumerable<ObjectInfo>> NewestFirstAsync(IObjectStore store, CancellationToken cancel)
    {
        var records = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(Layout.Removed, cancel))
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
