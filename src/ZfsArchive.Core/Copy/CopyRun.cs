using ZfsArchive.Chunks;
using ZfsArchive.Fetch;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Copy;

/// <summary>What one copy took.</summary>
/// <param name="SentLength">Stored bytes that had to be sent; what an interrupted copy left there was used again.</param>
/// <param name="ReplacedManifest">A damaged manifest was there.</param>
public sealed record CopiedArchive(ArchiveEntry Archive, long SentLength, bool ReplacedManifest);

/// <summary>
/// Carries archives from one repository into another, byte for byte: each chunk is proven by its name as it passes, the manifest comes
/// last, after a look that all is there.
/// </summary>
/// <param name="lease">Of the target, held since before the plan was made.</param>
/// <param name="progress">Told the stored bytes of each chunk that is in its place.</param>
public sealed class CopyRun(ArchiveRepository source, ArchiveRepository target, Lease lease, IProgress<long>? progress = null)
{
    /// <summary>Chunks under way at once, and chunks that are read back beside them: 256 MiB for standard ones in all.</summary>
    const int AtOnce = 6;
    const int ReadBack = 2;
    const int AskedAtOnce = 256;
    readonly HashSet<DatasetFolder> _named = [];

    /// <param name="mends">It is there, and damaged.</param>
    /// <exception cref="ArchiveException">Damage in the source, or a store that fails: nothing of this archive counts at the target.</exception>
    public async Task<CopiedArchive> ExecuteAsync(ArchiveEntry archive, bool mends, CancellationToken cancel)
    {
        using var manifest = await source.OpenManifestAsync(archive.Folder, archive.Name, cancel) ?? throw SealedJson.Damage($"archive {archive}", "its manifest is gone");
        if (manifest.Sha256 != archive.Sha256) throw SealedJson.Damage($"archive {archive}", "its manifest changed since it was listed");
        var isDamagedThere = mends && await IsDamagedThereAsync(archive, cancel);
        await target.Store.SweepAsync(Layout.ArchiveFolder(archive.Folder, archive.Name), cancel);
        var sent = await CopyChunksAsync(archive, manifest, cancel);
        if (archive.Head.Package is { } package) await CopyObjectAsync(package, cancel);
        await CopyNamesAsync(archive.Folder, cancel);
        do
        {
            await RequireAllAsync(archive, manifest, cancel);
        }
        while (!await lease.RequireHeldAsync(cancel));
        var (key, body) = (new ObjectKey(Layout.Manifest(archive.Folder, archive.Name)), await manifest.BodyAsync(cancel));
        if (isDamagedThere) await target.Store.ReplaceAsync(key, body, cancel);
        else await target.Store.CreateAsync(key, body, cancel);
        return new(archive, sent, isDamagedThere);
    }

    // Only bytes that prove nothing are written over: neither another archive nor one of a newer format.
    async Task<bool> IsDamagedThereAsync(ArchiveEntry archive, CancellationToken cancel)
    {
        try
        {
            using var other = await target.OpenManifestAsync(archive.Folder, archive.Name, cancel);
            return other is null || other.Sha256 == archive.Sha256 ? false
                : throw new ArchiveException(FailureKind.Failed, $"{target.Store.Location} has another archive by the name {archive.Id} meanwhile");
        }
        catch (DamageException)
        {
            return true;
        }
    }

    async Task<long> CopyChunksAsync(ArchiveEntry archive, ManifestCopy manifest, CancellationToken cancel)
    {
        var sent = 0L;
        var listed = await ChunkPresence.ListedAsync(target, archive, cancel);
        using var from = new ChunkFetcher(source.Store, AtOnce / 2);
        using var there = new ChunkFetcher(target.Store, ReadBack / 2);
        foreach (var batch in manifest.Chunks().Chunk(AskedAtOnce))
        {
            var proven = await ProvenAsync(archive, batch, listed, cancel);
            await Parallel.ForEachAsync(batch, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (line, stop) =>
            {
                var isThere = listed.ContainsKey(line.Name);
                if (!proven.Contains(line.Name) && !(isThere && await HoldsAsync(there, archive, line, stop)))
                {
                    await SendAsync(from, archive, line, isThere, stop);
                    Interlocked.Add(ref sent, line.StoredLength);
                }
                progress?.Report(line.StoredLength);
            });
        }
        return sent;
    }

    /// <param name="isDamaged">The name is taken by what was found to be no chunk: it need not be looked at again, which may fail.</param>
    async Task SendAsync(ChunkFetcher from, ArchiveEntry archive, ChunkLine line, bool isDamaged, CancellationToken cancel)
    {
        using var chunk = await from.FetchStoredAsync(archive, line, cancel);
        var key = new ObjectKey(Layout.Chunk(archive.Folder, archive.Name, line.Name));
        var body = ObjectBody.OfMemory([chunk.Bytes], ChunkName.TryParse(line.Name)!.Sha256);
        if (isDamaged)
        {
            await target.Store.ReplaceAsync(key, body, cancel);
            return;
        }
        try
        {
            await target.Store.CreateAsync(key, body, cancel);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Conflict)
        {
            // the name proves the content: other bytes under it are damage
            await target.Store.ReplaceAsync(key, body, cancel);
        }
    }

    // What lies there already counts only when its checksum was compared: the store's own where it has one...
    async Task<HashSet<string>> ProvenAsync(ArchiveEntry archive, ChunkLine[] batch, Dictionary<string, ObjectInfo> listed, CancellationToken cancel)
    {
        var proven = new HashSet<string>();
        var unknown = new List<ObjectKey>();
        foreach (var line in batch)
        {
            if (!listed.TryGetValue(line.Name, out var info) || info.Length != line.StoredLength) continue;
            if (info.Md5 is not null && info.Md5 == line.Md5) proven.Add(line.Name);
            else unknown.Add(new(Layout.Chunk(archive.Folder, archive.Name, line.Name)));
        }
        if (unknown.Count == 0) return proven;
        foreach (var (key, sha256) in await target.Store.Sha256Async(unknown, cancel))
            if (ChunkName.TryParse(key.Name)?.Sha256 == sha256) proven.Add(key.Name);
        return proven;
    }

    // ... and else by reading it.
    static async Task<bool> HoldsAsync(ChunkFetcher there, ArchiveEntry archive, ChunkLine line, CancellationToken cancel)
    {
        try
        {
            using var chunk = await there.FetchStoredAsync(archive, line, cancel);
            return true;
        }
        catch (Exception e) when (e is DamageException or StoreException { Failure: StoreFailure.Permanent })
        {
            // other bytes, or a bad sector
            return false;
        }
    }

    async Task RequireAllAsync(ArchiveEntry archive, ManifestCopy manifest, CancellationToken cancel)
    {
        var listed = await ChunkPresence.ListedAsync(target, archive, cancel);
        await foreach (var (key, reason) in ChunkPresence.MissingAsync(target, archive, manifest, listed, cancel))
            throw new ArchiveException(FailureKind.Failed, $"{target.Store.Location}: {key} was stored, and now {reason}: nothing of {archive} was committed, run the copy again");
        if (archive.Head.Base is not { } link || Layout.ParseManifest($"{Layout.Manifests}{link.Archive}.json") is not { } named) return;
        using var parent = await target.OpenManifestAsync(named.Folder, named.Name, cancel);
        if (parent?.Sha256 != link.ManifestSha256)
            throw new ArchiveException(FailureKind.Failed, $"{target.Store.Location}: the base {link.Archive} {(parent is null ? "was removed" : "changed")} meanwhile: nothing of {archive} was committed, run the copy again");
    }

    // The true names of the dataset; a target that knows some has its own, and the newest of them counts.
    async Task CopyNamesAsync(DatasetFolder folder, CancellationToken cancel)
    {
        if (_named.Contains(folder) || await target.Store.StatAsync(new(Layout.Dataset(folder, 1)), cancel) is not null) return;
        var records = new List<string>();
        await foreach (var info in source.Store.ListAsync($"{Layout.Manifests}{folder}/", cancel))
            if (Layout.ParseDataset(info.Key.Text) is not null) records.Add(info.Key.Text);
        // the first one last: it says that all are there
        foreach (var key in records.OrderByDescending(k => Layout.ParseDataset(k)!.Value.Number)) await CopyObjectAsync(key, cancel);
        _named.Add(folder);
    }

    async Task CopyObjectAsync(string name, CancellationToken cancel)
    {
        var key = new ObjectKey(name);
        var info = await source.Store.StatAsync(key, cancel) ?? throw SealedJson.Damage(name, "it is missing");
        var bytes = new byte[Checked(info)];
        if (await source.Store.ReadAsync(key, 0, bytes, cancel) != bytes.Length) throw SealedJson.Damage(name, "it is cut");
        if (name.EndsWith(".zst", StringComparison.Ordinal))
        {
            if (ChunkOpener.WrongHash(bytes, Layout.PackageSha256(name)) is { } wrong) throw SealedJson.Damage(name, wrong);
        }
        else
        {
            SealedJson.Check(SealedJson.ObjectPrefix(name), bytes, name);
        }
        await target.Store.CreateAsync(key, ObjectBody.OfBytes(bytes), cancel);
    }

    static int Checked(ObjectInfo info) => info.Length <= Layout.LargestPackage ? (int)info.Length : throw SealedJson.Damage(info.Key.Text, $"it has {info.Length} bytes");
}
