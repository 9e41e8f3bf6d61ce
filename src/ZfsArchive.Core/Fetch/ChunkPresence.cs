using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Fetch;

/// <summary>Whether all chunks of an archive are there with their sizes, and the MD5 that a store keeps of them, without reading them.</summary>
public static class ChunkPresence
{
    /// <summary>What lies in an archive's folder, by name.</summary>
    public static async Task<Dictionary<string, ObjectInfo>> ListedAsync(ArchiveRepository repository, ArchiveEntry archive, CancellationToken cancel)
    {
        var listed = new Dictionary<string, ObjectInfo>();
        await foreach (var info in repository.Store.ListAsync(Layout.ArchiveFolder(archive.Folder, archive.Name), cancel)) listed[info.Key.Name] = info;
        return listed;
    }

    /// <summary>What is missing or has another size: the object and a sentence.</summary>
    /// <param name="listed">What lies in the archive's folder, by name.</param>
    public static async IAsyncEnumerable<(string Key, string Reason)> MissingAsync(
        ArchiveRepository repository, ArchiveEntry archive, ManifestCopy manifest, Dictionary<string, ObjectInfo> listed,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var line in manifest.Chunks())
        {
            var key = Layout.Chunk(archive.Folder, archive.Name, line.Name);
            // A listing may leave something out: only the store's own word on the object counts.
            var info = listed.TryGetValue(line.Name, out var found) ? found : await repository.Store.StatAsync(new(key), cancel);
            if (info is null) yield return (key, "the chunk is missing");
            else if (info.Length != line.StoredLength) yield return (key, $"the chunk has {info.Length} bytes, not {line.StoredLength}");
            else if (info.Md5 is { } kept && line.Md5 is { } said && kept != said && !await IsRightAsync(repository.Store, key, line, cancel))
                yield return (key, $"the store says that the chunk has the MD5 {kept}, not {said}, and its bytes have another SHA-256 than its name");
        }
    }

    // Some services tell a number that looks like an MD5 and is none (encryption with keys of theirs): only the bytes themselves convict.
    static async Task<bool> IsRightAsync(IObjectStore store, string key, ChunkLine line, CancellationToken cancel) =>
        await StoredHash.Sha256Async(store, new(key), line.StoredLength, cancel) is { } sha256 && ChunkName.TryParse(line.Name)?.Sha256 == sha256;

    /// <summary>The first thing that is wrong with an archive's manifest or chunks, or null.</summary>
    public static async Task<string?> FirstFaultAsync(ArchiveRepository repository, ArchiveEntry archive, CancellationToken cancel)
    {
        try
        {
            using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, cancel);
            if (manifest is null) return $"the manifest of {archive} is gone";
            if (manifest.Sha256 != archive.Sha256) return $"the manifest of {archive} changed since it was listed";
            var listed = await ListedAsync(repository, archive, cancel);
            await foreach (var (key, reason) in MissingAsync(repository, archive, manifest, listed, cancel)) return $"{key}: {reason}";
            return null;
        }
        catch (ArchiveException e) when (e.Kind is FailureKind.Damage)
        {
            return e.Message;
        }
    }
}
