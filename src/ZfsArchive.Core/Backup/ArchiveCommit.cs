using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Backup;

/// <summary>
/// The end of a backup: what was stored is looked at once more, the base is read again, and only then the manifest is created,
/// once. A crash before leaves chunks without a manifest, a crash after an archive.
/// </summary>
sealed class ArchiveCommit(ArchiveRepository repository, Lease lease, Catalog catalog, WriterSettings settings, TimeProvider clock, FileStream spool)
{
    readonly Dictionary<DatasetFolder, (int Number, string Name)> _named = [];
    bool _slept;

    /// <exception cref="ArchiveException">Something that the manifest would name is not there, or another one works here since our lease ran out: nothing more is committed.</exception>
    public async Task<ImmutableArray<WrittenArchive>> CommitAsync(IReadOnlyList<PendingArchive> pendings, IArchiveOrder order, CancellationToken cancel)
    {
        var written = ImmutableArray.CreateBuilder<WrittenArchive>();
        await spool.FlushAsync(cancel);
        foreach (var pending in pendings)
        {
            pending.Place.End(pending.Chunks);
            pending.Committed = pending.Place.Same ?? await CommitAsync(pending, order, cancel);
            written.Add(new(pending.Committed, pending.Place.Same is not null, pending.Place.SentLength, pending.Facts.Warnings));
        }
        return written.ToImmutable();
    }

    async Task<ArchiveEntry> CommitAsync(PendingArchive pending, IArchiveOrder order, CancellationToken cancel)
    {
        var place = pending.Place;
        if (pending.Package is { } package)
            await repository.Store.CreateAsync(new(Layout.Package(place.Folder, place.Name, package.Sha256)), ObjectBody.OfMemory(package.Pieces, package.Sha256), cancel);
        await using var draft = repository.Folders.NewSpool();
        var (chunks, archive) = (RequireChunksAsync(pending, cancel), RequireBaseAsync(pending, cancel));
        // written while the store, which may be far away, answers
        var writing = WriteDraftAsync(pending, draft, cancel);
        await Task.WhenAll(chunks, archive, writing);
        while (_slept | !await IsHeldAsync(cancel))
        {
            await RequireAllAgainAsync(pending, cancel);
            if (await IsHeldAsync(cancel)) break;
        }
        // not before the lease was looked at: nothing is written while somebody removes
        await NameDatasetAsync(pending.Request, cancel);
        await order.BeforeManifestAsync(cancel);
        var (head, manifest) = await writing;
        return await CreateManifestAsync(pending, head, manifest, draft.Name, cancel);
    }

    async Task<bool> IsHeldAsync(CancellationToken cancel)
    {
        var isHeld = await lease.RequireHeldAsync(cancel);
        _slept |= !isHeld;
        return isHeld;
    }

    // While nobody saw us a prune may have written down, and begun to remove, what lies here without a manifest, or our base.
    async Task RequireAllAgainAsync(PendingArchive pending, CancellationToken cancel)
    {
        await Task.WhenAll(RequireChunksAsync(pending, cancel), RequireBaseAsync(pending, cancel));
        if (await pending.Place.IsBeingRemovedAsync(cancel))
            throw new ArchiveException(FailureKind.Failed, $"the lease ran out while {pending.Facts.Begin!.ToName} was being sent (a host that slept?), and a prune has begun to remove its chunks: nothing was committed, run the backup again");
    }

    // Who slept between the last look and the manifest may have committed upon what was removed meanwhile, or is being removed now.
    async Task RequireStillWholeAsync(PendingArchive pending, ArchiveEntry archive, CancellationToken cancel)
    {
        try
        {
            while (!await IsHeldAsync(cancel)) await RequireAllAgainAsync(pending, cancel);
        }
        catch (ArchiveException e) when (e is not StoreException)
        {
            // Written down first, as every removal is: others may have seen it.
            await RemovalRecords.WriteAsync(repository, settings.Host, [new(archive.Id, archive.Sha256, archive.SnapshotName)], cancel);
            await repository.Store.DeleteAsync(new(Layout.Manifest(archive.Folder, archive.Name)), cancel);
            throw;
        }
    }

    async Task RequireChunksAsync(PendingArchive pending, CancellationToken cancel)
    {
        var place = pending.Place;
        var present = new HashSet<StoredChunk>();
        await foreach (var listed in repository.Store.ListAsync(Layout.ArchiveFolder(place.Folder, place.Name), cancel))
            if (ChunkName.TryParse(listed.Key.Name) is { } name) present.Add(StoredChunk.Of(name, listed.Length));

        foreach (var line in Lines(pending))
        {
            var name = ChunkName.TryParse(line.Name)!;
            if (present.Contains(StoredChunk.Of(name, line.StoredLength))) continue;
            if (place.CopiesFrom is null)
                throw new ArchiveException(FailureKind.Failed, $"{repository.Store.Location}: chunk {line.Name} of {place.Folder}/{place.Name} was stored and is not in the listing: nothing was committed, run the backup again");
            await CopyAsync(place.CopiesFrom, place, line, cancel);
        }
    }

    // The stream agreed with an archive of the same edge up to here: its chunks are this one's too.
    async Task CopyAsync(ArchiveEntry from, ArchivePlace place, ChunkLine line, CancellationToken cancel)
    {
        var bytes = new byte[line.StoredLength];
        var source = new ObjectKey(Layout.Chunk(from.Folder, from.Name, line.Name));
        var read = await repository.Store.ReadAsync(source, 0, bytes, cancel);
        var wrong = read < bytes.Length ? "it is cut" : ChunkOpener.WrongHash(bytes, ChunkName.TryParse(line.Name)!.Sha256);
        if (wrong is not null) throw SealedJson.Damage(source.Text, wrong);
        await repository.Store.CreateAsync(new(Layout.Chunk(place.Folder, place.Name, line.Name)), ObjectBody.OfBytes(bytes), cancel);
    }

    async Task RequireBaseAsync(PendingArchive pending, CancellationToken cancel)
    {
        if (pending.Request.Base?.Entry is not { } archive) return;
        using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, cancel);
        if (manifest?.Sha256 != archive.Sha256)
            throw new ArchiveException(FailureKind.Failed, $"the base {archive} {(manifest is null ? "was removed" : "changed")} while {pending.Facts.Begin!.ToName} was being sent: nothing was committed, run the backup again");
    }

    async Task NameDatasetAsync(ArchiveRequest request, CancellationToken cancel)
    {
        if (!_named.TryGetValue(request.Folder, out var known))
            known = (catalog.LastDatasetNumber(request.Folder), catalog.Datasets.TryGetValue(request.Folder, out var newest) ? newest.Record.Name : "");
        if (known.Name == request.Dataset.Name) return;
        var number = known.Number + 1;
        var record = new DatasetRecord(request.Dataset.Name, request.Dataset.Guid, request.Dataset.PoolGuid, settings.Host);
        await repository.CreateDocumentAsync(Layout.Dataset(request.Folder, number), record, ManifestJson.Default.DatasetRecord, cancel);
        _named[request.Folder] = (number, request.Dataset.Name);
    }

    async Task<(ManifestHead Head, WrittenManifest Manifest)> WriteDraftAsync(PendingArchive pending, FileStream draft, CancellationToken cancel)
    {
        var head = ManifestHeads.Of(pending, repository.Descriptor.Id, settings, clock.GetUtcNow());
        var lines = new SpoolSection(spool, pending.LinesStart, pending.LinesLength);
        var manifest = await ManifestWriter.WriteAsync(draft, pending.Place.Folder.Text, pending.Place.Name, head, lines, [], cancel);
        await draft.FlushAsync(cancel);
        return (head, manifest);
    }

    async Task<ArchiveEntry> CreateManifestAsync(PendingArchive pending, ManifestHead head, WrittenManifest manifest, string draft, CancellationToken cancel)
    {
        var place = pending.Place;
        var key = new ObjectKey(Layout.Manifest(place.Folder, place.Name));
        try
        {
            await repository.Store.CreateAsync(key, ObjectBody.OfFile(draft, manifest.Length, manifest.FileSha256), cancel);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Conflict)
        {
            return await SameAsync(pending, cancel)
                ?? throw new ArchiveException(FailureKind.Failed, $"another backup archived {head.Stream.ToName} as {place.Folder}/{place.Name} meanwhile: run this one again, it takes the next name", e);
        }
        var archive = new ArchiveEntry(place.Folder, place.Name, head, manifest.Sha256, manifest.Length);
        await RequireStillWholeAsync(pending, archive, cancel);
        return archive;
    }

    // Another backup of the same stream was quicker.
    async Task<ArchiveEntry?> SameAsync(PendingArchive pending, CancellationToken cancel)
    {
        var place = pending.Place;
        using var manifest = await repository.OpenManifestAsync(place.Folder, place.Name, cancel);
        return manifest is not null && manifest.Chunks().Select(c => c.Name).SequenceEqual(Lines(pending).Select(c => c.Name))
            ? new(place.Folder, place.Name, manifest.Head, manifest.Sha256, 0)
            : null;
    }

    IEnumerable<ChunkLine> Lines(PendingArchive pending)
    {
        using var reader = new StreamReader(new SpoolSection(spool, pending.LinesStart, pending.LinesLength));
        while (reader.ReadLine() is { } line) yield return JsonSerializer.Deserialize(line, ManifestLineJson.Default.ChunkLine)!;
    }

    /// <summary>16 bytes for each chunk of a listing, so that an archive of 100 TiB costs tens of megabytes.</summary>
    [StructLayout(LayoutKind.Auto)]
    readonly record struct StoredChunk(int Index, int Length, ulong Hash)
    {
        public static StoredChunk Of(ChunkName name, long length) =>
            new(name.Index, (int)length, ulong.Parse(name.Sha256.AsSpan(0, 16), System.Globalization.NumberStyles.AllowHexSpecifier, null));
    }
}
