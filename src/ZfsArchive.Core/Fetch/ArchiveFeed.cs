using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.SendStream;

namespace ZfsArchive.Fetch;

/// <summary>
/// Writes an archive's stream to whoever reads it. No byte goes out that was not verified: each chunk by its SHA-256, its records
/// by the running checksum, and the last one is held back until all agrees with the manifest, so a reader that needs END never
/// takes a damaged stream for a whole one.
/// </summary>
public sealed class ArchiveFeed(ArchiveRepository repository, ChunkFetcher fetcher, int window)
{
    /// <exception cref="ArchiveException">Damage: what was written so far is a right beginning, and lacks the end.</exception>
    public async Task WriteAsync(ArchiveEntry archive, Stream output, IProgress<long>? progress, CancellationToken cancel)
    {
        using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, cancel)
            ?? throw SealedJson.Damage($"archive {archive}", "its manifest is gone");
        var check = new FeedCheck(archive, manifest.Head);
        OpenChunk? held = null;
        try
        {
            await foreach (var chunk in manifest.Chunks().PrefetchAsync(window, (line, stop) => fetcher.FetchAsync(archive, line, stop), cancel))
            {
                if (held is not null) await PassAsync(held, output, progress, cancel);
                held?.Dispose();
                held = chunk;
                check.Take(chunk);
            }
            check.Finish();
            if (held is not null) await PassAsync(held, output, progress, cancel);
            await output.FlushAsync(cancel);
        }
        finally
        {
            held?.Dispose();
        }
    }

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
