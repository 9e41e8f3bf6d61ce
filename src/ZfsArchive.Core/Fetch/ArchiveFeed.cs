using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.SendStream;

namespace ZfsArchive.Fetch;

/// <summary>
/// Writes archives' streams to whoever reads them. No byte goes out that was not verified: each chunk by its SHA-256, its records
/// by the running checksum, and the last one is held back until all agrees with the manifest, so a reader that needs END never
/// takes a damaged stream for a whole one.
/// </summary>
/// <param name="window">Chunks that are fetched ahead of the one that is written.</param>
public sealed class ArchiveFeed(ArchiveRepository repository, ChunkFetcher fetcher, int window)
{
    /// <inheritdoc cref="FeedAhead.WriteAsync"/>
    public async Task WriteAsync(ArchiveEntry archive, Stream output, IProgress<long>? progress, CancellationToken cancel)
    {
        await using var feed = Begin(archive, cancel);
        await feed.WriteAsync(output, progress, cancel);
    }

    /// <summary>Begins to fetch an archive. Only one at a time: one that is not written yet would take the room that another waits for.</summary>
    public FeedAhead Begin(ArchiveEntry archive, CancellationToken cancel) => new(repository, fetcher, window, archive, cancel);
}

/// <summary>An archive whose first chunks are on their way.</summary>
public sealed class FeedAhead : IAsyncDisposable
{
    readonly ArchiveEntry _archive;
    readonly CancellationTokenSource _stop;
    readonly Task _beginning;
    ManifestCopy? _manifest;
    IAsyncEnumerator<OpenChunk>? _chunks;
    OpenChunk? _held;
    OpenChunk? _next;

    internal FeedAhead(ArchiveRepository repository, ChunkFetcher fetcher, int window, ArchiveEntry archive, CancellationToken cancel)
    {
        _archive = archive;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _beginning = BeginAsync(repository, fetcher, window);
    }

    /// <summary>Writes all of it, once.</summary>
    /// <exception cref="ArchiveException">Damage: what was written so far is a right beginning, and lacks the end.</exception>
    public async Task WriteAsync(Stream output, IProgress<long>? progress, CancellationToken cancel)
    {
        await _beginning;
        var check = new FeedCheck(_archive, _manifest!.Head);
        if (_held is null) check.Finish();
        while (_held is { } held)
        {
            check.Take(held);
            _next = await NextAsync();
            if (_next is null) check.Finish();
            await PassAsync(held, output, progress, cancel);
            held.Dispose();
            (_held, _next) = (_next, null);
        }
        await output.FlushAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _beginning.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _held?.Dispose();
        _next?.Dispose();
        if (_chunks is not null) await _chunks.DisposeAsync();
        _manifest?.Dispose();
        _stop.Dispose();
    }

    async Task BeginAsync(ArchiveRepository repository, ChunkFetcher fetcher, int window)
    {
        _manifest = await repository.OpenManifestAsync(_archive.Folder, _archive.Name, _stop.Token) ?? throw SealedJson.Damage($"archive {_archive}", "its manifest is gone");
        _chunks = _manifest.Chunks().PrefetchAsync(window, (line, stop) => fetcher.FetchAsync(_archive, line, stop), _stop.Token).GetAsyncEnumerator(_stop.Token);
        _held = await NextAsync();
    }

    async Task<OpenChunk?> NextAsync() => await _chunks!.MoveNextAsync() ? _chunks.Current : null;

    static async Task PassAsync(OpenChunk chunk, Stream output, IProgress<long>? progress, CancellationToken cancel)
    {
        foreach (var piece in chunk.Pieces) await output.WriteAsync(piece, cancel);
        progress?.Report(chunk.Line.Length);
    }
}

/// <summary>Walks the records of an archive as its chunks pass, and holds them against the manifest.</summary>
sealed class FeedCheck(ArchiveEntry archive, ManifestHead head)
{
    readonly SubstreamWalker _walker = new();

    /// <exception cref="ArchiveException">Damage.</exception>
    public void Take(OpenChunk chunk)
    {
        if (chunk.Line.Checksum is { } expected && _walker.Length > 0 && _walker.Checksum.ToString() != expected)
            throw SealedJson.Damage($"archive {archive}", $"its records before chunk {chunk.Line.Name} do not have the running checksum {expected}");
        try
        {
            foreach (var piece in chunk.Pieces)
            {
                if (_walker.Feed(piece.Span) != piece.Length) throw SealedJson.Damage($"archive {archive}", "bytes follow the end of its stream");
            }
        }
        catch (StreamDamageException e)
        {
            throw SealedJson.Damage($"archive {archive}", e.Message);
        }
    }

    /// <exception cref="ArchiveException">Damage.</exception>
    public void Finish()
    {
        if (_walker.Finish() is { } damage) throw SealedJson.Damage($"archive {archive}", damage.ToString());
        var begin = _walker.Begin!;
        var (end, length) = (_walker.Ended ? _walker.EndChecksum.ToString() : null, _walker.Length);
        if (end != head.Stream.EndChecksum || length != head.Stream.Length || begin.ToGuid != head.Snapshot.Guid || begin.FromGuid != head.Stream.FromGuid
            || begin.Features.Raw != head.Encryption.Raw || (begin.Crypt?.KeyGuid ?? 0) != head.Encryption.KeyGuid)
            throw SealedJson.Damage($"archive {archive}", "its stream is not the one that its manifest describes");
    }
}
