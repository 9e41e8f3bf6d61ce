using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;

namespace ZfsArchive.Fetch;

/// <summary>Whether all chunks of an archive are there with their sizes, without reading them.</summary>
public static class ChunkPresence
{
    /// <summary>What is missing or has another size: the object and a sentence.</summary>
    /// <param name="listed">Names and bytes of what lies in the archive's folder.</param>
    public static async IAsyncEnumerable<(string Key, string Reason)> MissingAsync(
        ArchiveRepository repository, ArchiveEntry archive, ManifestCopy manifest, Dictionary<string, long> listed,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var line in manifest.Chunks())
        {
            var key = Layout.Chunk(archive.Folder, archive.Name, line.Name);
            // A listing may leave something out: only the store's own word on the object counts.
            var length = listed.TryGetValue(line.Name, out var found) ? found : (await repository.Store.StatAsync(new(key), cancel))?.Length;
            if (length is null) yield return (key, "the chunk is missing");
            else if (length != line.StoredLength) yield return (key, $"the chunk has {length} bytes, not {line.StoredLength}");
        }
    }

    /// <summary>The first thing that is wrong with an archive's manifest or chunks, or null.</summary>
    public static async Task<string?> FirstFaultAsync(ArchiveRepository repository, ArchiveEntry archive, CancellationToken cancel)
    {
        try
        {
            using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, cancel);
            if (manifest is null) return $"the manifest of {archive} is gone";
            if (manifest.Sha256 != archive.Sha256) return $"the manifest of {archive} changed since it was listed";
            var listed = new Dictionary<string, long>();
            await foreach (var info in repository.Store.ListAsync(Layout.ArchiveFolder(archive.Folder, archive.Name), cancel)) listed[info.Key.Name] = info.Length;
            await foreach (var (key, reason) in MissingAsync(repository, archive, manifest, listed, cancel)) return $"{key}: {reason}";
            return null;
        }
        catch (ArchiveException e) when (e.Kind is FailureKind.Damage)
        {
            return e.Message;
        }
    }
}
