using System.Collections.Immutable;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Backup;

/// <summary>
/// Where an archive's chunks go. The first chunk decides: when an archive of the same edge begins with the same chunk, this one
/// follows it and writes nothing for as long as they agree; else it takes the edge's next free name.
/// </summary>
sealed class ArchivePlace(ArchiveRepository repository, DatasetFolder folder, ArchiveName name, ImmutableArray<ArchiveEntry> sameEdge) : IDisposable
{
    readonly TaskCompletionSource _decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly SemaphoreSlim _turn = new(1, 1);
    readonly Dictionary<int, string> _ahead = [];
    ManifestCopy? _followedManifest;
    IEnumerator<ChunkLine>? _followedChunks;
    int _followedRead;
    long _sent;

    public DatasetFolder Folder => folder;

    /// <summary>The edge's next free name, under which the manifest will stand unless the followed archive is the same to the end.</summary>
    public ArchiveName Name => name;

    /// <summary>The archive that has held the same chunks so far.</summary>
    public ArchiveEntry? Followed { get; private set; }

    /// <summary>A chunk differed from the followed archive's: what agreed before has to be copied from it.</summary>
    public bool Diverged { get; private set; }

    public long SentLength => Interlocked.Read(ref _sent);

    /// <summary>Makes the chunk durable in this place, or finds that it is.</summary>
    public async Task StoreAsync(int index, PackedChunk chunk, CancellationToken cancel)
    {
        var chunkName = new ChunkName(index, chunk.Sha256);
        if (index == 0) await DecideAsync(chunkName.Text, cancel);
        await _decided.Task.WaitAsync(cancel);
        if (await FollowsAsync(chunkName, cancel)) return;

        var key = new ObjectKey(Layout.Chunk(folder, Name, chunkName.Text));
        var body = ObjectBody.OfMemory(chunk.Pieces, chunk.Sha256);
        try
        {
            if (await repository.Store.CreateAsync(key, body, cancel) is CreateOutcome.Created) Interlocked.Add(ref _sent, chunk.StoredLength);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Conflict)
        {
            // The name proves the content: other bytes under it are damage, left by a crash or made later.
            await repository.Store.ReplaceAsync(key, body, cancel);
            Interlocked.Add(ref _sent, chunk.StoredLength);
        }
    }

    /// <summary>The stream has ended after this many chunks: an archive that goes on is not the same after all.</summary>
    public void End(long chunks) => Diverged |= Followed is not null && Followed.Head.Totals.Chunks != chunks;

    async Task DecideAsync(string firstChunk, CancellationToken cancel)
    {
        // what runs that were killed left where this one writes
        await repository.Store.SweepAsync(Layout.ArchiveFolder(folder, name), cancel);
        await repository.Store.SweepAsync($"{Layout.Manifests}{folder}/", cancel);
        foreach (var candidate in sameEdge)
        {
            var manifest = await repository.OpenManifestAsync(candidate.Folder, candidate.Name, cancel);
            var chunks = manifest?.Chunks().GetEnumerator();
            if (chunks is not null && chunks.MoveNext() && chunks.Current.Name == firstChunk)
            {
                (Followed, _followedManifest, _followedChunks, _followedRead) = (candidate, manifest, chunks, 1);
                _ahead[0] = firstChunk;
                break;
            }
            chunks?.Dispose();
            manifest?.Dispose();
        }
        _decided.SetResult();
    }

    async Task<bool> FollowsAsync(ChunkName chunk, CancellationToken cancel)
    {
        if (Followed is null || Diverged) return false;
        await _turn.WaitAsync(cancel);
        try
        {
            // Chunks come a little out of order: what was read ahead for the others waits for them.
            while (_followedRead <= chunk.Index && _followedChunks!.MoveNext()) _ahead[_followedRead++] = _followedChunks.Current.Name;
            var same = _ahead.Remove(chunk.Index, out var expected) && expected == chunk.Text;
            Diverged |= !same;
            return same;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _decided.TrySetCanceled();
        _followedChunks?.Dispose();
        _followedManifest?.Dispose();
        _turn.Dispose();
    }
}
