using System.Collections.Immutable;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Backup;

/// <summary>
/// Where an archive's chunks go. For as long as archives of the same edge have the same chunks, this one follows them and writes
/// only what the first of them has lost; from the first that none of them has, it goes to the edge's next free name.
/// </summary>
/// <param name="name">The edge's next name that no archive has.</param>
sealed class ArchivePlace(ArchiveRepository repository, DatasetFolder folder, ArchiveName name, ImmutableArray<ArchiveEntry> sameEdge) : IDisposable
{
    readonly TaskCompletionSource _decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly SemaphoreSlim _turn = new(1, 1);
    readonly List<FollowedArchive> _followed = [];
    long _sent;

    public DatasetFolder Folder => folder;

    /// <summary>Under which the manifest will stand, unless a followed archive is the same to the end. Known when the first chunk is stored.</summary>
    public ArchiveName Name { get; private set; } = name;

    /// <summary>The archive that had all chunks before the first that none had: those are copied from it. Null when there were none.</summary>
    public ArchiveEntry? CopiesFrom { get; private set; }

    /// <summary>The archive that has exactly these chunks; known after <see cref="End"/>.</summary>
    public ArchiveEntry? Same { get; private set; }

    public long SentLength => Interlocked.Read(ref _sent);

    /// <summary>Makes the chunk durable in this place, or finds that it is.</summary>
    /// <param name="passed">Called when the chunk's memory is not needed any more, perhaps before it is durable.</param>
    /// <returns>The MD5 that the store keeps of it, or null.</returns>
    public async Task<string?> StoreAsync(int index, PackedChunk chunk, Action passed, CancellationToken cancel)
    {
        var chunkName = new ChunkName(index, chunk.Sha256);
        await _decided.Task.WaitAsync(cancel);
        // A followed archive gets a chunk that it has lost, or has damaged, back.
        var followed = await FollowsAsync(chunkName, cancel);
        var key = new ObjectKey(Layout.Chunk(folder, followed?.Name ?? Name, chunkName.Text));
        var isPassed = false;
        string? md5 = null;
        var body = ObjectBody.OfMemory(chunk.Pieces, chunk.Sha256) with
        {
            Md5Kept = kept => md5 = kept,
            Passed = () =>
            {
                isPassed = true;
                passed();
            },
        };
        try
        {
            if (await repository.Store.CreateAsync(key, body, cancel) is CreateOutcome.Created) Interlocked.Add(ref _sent, chunk.StoredLength);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Conflict && !isPassed)
        {
            // The name proves the content: other bytes under it are damage, left by a crash or made later.
            await repository.Store.ReplaceAsync(key, body, cancel);
            Interlocked.Add(ref _sent, chunk.StoredLength);
        }
        return md5;
    }

    /// <summary>The stream has ended after this many chunks: an archive that goes on is not the same after all.</summary>
    public void End(long chunks)
    {
        Same = _followed.Find(f => f.Archive.Head.Totals.Chunks == chunks)?.Archive;
        CopiesFrom ??= _followed.Count > 0 ? _followed[0].Archive : null;
    }

    /// <summary>Looks what is there already; every chunk waits for this, so it must wait for no chunk.</summary>
    public async Task BeginAsync(CancellationToken cancel)
    {
        // what runs that were killed left where this one writes
        await Task.WhenAll(
            repository.Store.SweepAsync($"{Layout.Archives}{folder}/", cancel), repository.Store.SweepAsync($"{Layout.Manifests}{folder}/", cancel), ChooseNameAsync(cancel));
        foreach (var candidate in sameEdge) await TryFollowAsync(candidate, cancel);
        _decided.SetResult();
    }

    /// <summary>
    /// Whether a prune has written down that what lies under this name goes. Then nothing new may count on it: a host that slept with a
    /// deletion on its way may still carry it out.
    /// </summary>
    public async Task<bool> IsBeingRemovedAsync(CancellationToken cancel)
    {
        var id = $"{folder}/{Name}";
        await foreach (var _ in repository.Store.ListAsync(Layout.ArchiveFolder(folder, Name), cancel))
            return (await RemovalRecords.FindAsync(repository, new HashSet<string> { id }, cancel)).ContainsKey(id);
        return false;
    }

    async Task ChooseNameAsync(CancellationToken cancel)
    {
        while (await IsBeingRemovedAsync(cancel)) Name = Name with { Ordinal = Name.Ordinal + 1 };
    }

    async Task TryFollowAsync(ArchiveEntry candidate, CancellationToken cancel)
    {
        try
        {
            if (await repository.OpenManifestAsync(candidate.Folder, candidate.Name, cancel) is { } manifest) _followed.Add(new(candidate, manifest));
        }
        catch (DamageException)
        {
            // one whose manifest is damaged is replaced, not followed
        }
    }

    async Task<ArchiveEntry?> FollowsAsync(ChunkName chunk, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            foreach (var left in _followed.Where(f => !f.Has(chunk)).ToList())
            {
                // The last one to be left had every chunk that was found in any of them.
                CopiesFrom = left.Archive;
                _followed.Remove(left);
                left.Dispose();
            }
            return _followed.Count > 0 ? _followed[0].Archive : null;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _decided.TrySetCanceled();
        foreach (var followed in _followed) followed.Dispose();
        _turn.Dispose();
    }
}

/// <summary>An archive whose chunks are held against those of a stream under way.</summary>
sealed class FollowedArchive(ArchiveEntry archive, ManifestCopy manifest) : IDisposable
{
    readonly IEnumerator<ChunkLine> _chunks = manifest.Chunks().GetEnumerator();
    readonly Dictionary<int, string> _ahead = [];
    int _read;

    public ArchiveEntry Archive => archive;

    /// <summary>Asked once for each chunk, in about their order: what was read ahead for others waits for them.</summary>
    public bool Has(ChunkName chunk)
    {
        while (_read <= chunk.Index && _chunks.MoveNext()) _ahead[_read++] = _chunks.Current.Name;
        return _ahead.Remove(chunk.Index, out var name) && name == chunk.Text;
    }

    public void Dispose()
    {
        _chunks.Dispose();
        manifest.Dispose();
    }
}
