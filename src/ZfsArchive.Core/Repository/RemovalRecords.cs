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
        var records = new List<ObjectInfo>();
        await foreach (var info in repository.Store.ListAsync(Layout.Removed, cancel))
            if (Layout.IsRemovalRecord(info.Key.Text)) records.Add(info);

        // The newest first: what is asked for was mostly removed of late.
        foreach (var info in records.OrderByDescending(r => r.Key.Text, StringComparer.Ordinal))
        {
            if (found.Count == archives.Count) break;
            if (await TryReadAsync(repository, info.Key, cancel) is not { } record) continue;
            foreach (var removed in record.Archives.Where(a => archives.Contains(a.Archive)))
                if (!found.ContainsKey(removed.Archive)) found[removed.Archive] = new(info.ModifiedAt, removed.ManifestSha256 is not null);
        }
        return found.ToImmutable();
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
