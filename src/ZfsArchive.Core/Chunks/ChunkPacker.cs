using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ZfsArchive.Chunks;

/// <summary>A chunk as it is stored: one zstd frame, in pieces, with its SHA-256.</summary>
/// <param name="Pieces">The stored bytes in order.</param>
/// <param name="StoredLength">Their sum, in bytes.</param>
/// <param name="Sha256">SHA-256 of the stored bytes, 64 hexadecimal digits.</param>
public sealed record PackedChunk(IReadOnlyList<ReadOnlyMemory<byte>> Pieces, long StoredLength, string Sha256, bool Compressed);

/// <summary>
/// Turns a chunk into its stored frame. What comes out depends on the bytes, the level and the libzstd version alone, so an
/// interrupted archive continues by content.
/// </summary>
/// <param name="level">zstd level 1 to 19; 0 never compresses.</param>
public sealed class ChunkPacker(int level) : IDisposable
{
    const int Samples = 64;
    const int SampleLength = 8 << 10;
    // Compression has to save 3 %: less is not worth what reading it back costs.
    const double WorthIt = 0.97;

    readonly ConcurrentBag<ZstdCompressor> _idle = [];

    /// <summary>0 or the zstd level.</summary>
    public int Level => level;

    /// <summary>True when a small part of the chunk, taken at fixed places, says that compression pays.</summary>
    public bool PaysFor(ReadOnlySpan<byte> chunk) => level > 0 && chunk.Length > 0 && WithCompressor(chunk, LooksCompressible);

    /// <summary>
    /// Compresses into <paramref name="room"/>, which the result then uses; null when it does not pay after all.
    /// </summary>
    public PackedChunk? TryCompress(ReadOnlySpan<byte> chunk, Memory<byte> room)
    {
        var most = room[..int.Min(room.Length, (int)(chunk.Length * WorthIt))];
        var compressor = Take();
        try
        {
            if (compressor.TryCompress(chunk, most.Span) is not { } length) return null;
            var frame = most[..length];
            return new([frame], length, Convert.ToHexStringLower(SHA256.HashData(frame.Span)), Compressed: true);
        }
        finally
        {
            _idle.Add(compressor);
        }
    }

    /// <summary>Wraps into a stored frame around the chunk's own memory.</summary>
    public static PackedChunk Store(ReadOnlyMemory<byte> chunk)
    {
        var pieces = StoredFrame.Wrap(chunk);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var piece in pieces) hash.AppendData(piece.Span);
        return new(pieces, StoredFrame.FrameLength(chunk.Length), Convert.ToHexStringLower(hash.GetHashAndReset()), Compressed: false);
    }

    static bool LooksCompressible(ZstdCompressor compressor, ReadOnlySpan<byte> chunk)
    {
        var room = new byte[SampleLength + 256];
        long taken = 0, packed = 0;
        if (chunk.Length <= Samples * SampleLength) return true;
        for (var sample = 0; sample < Samples; sample++)
        {
            var at = (int)((long)(chunk.Length - SampleLength) * sample / (Samples - 1));
            taken += SampleLength;
            packed += compressor.TryCompress(chunk.Slice(at, SampleLength), room) ?? SampleLength;
        }
        return packed < taken * WorthIt;
    }

    delegate bool Question(ZstdCompressor compressor, ReadOnlySpan<byte> chunk);

    bool WithCompressor(ReadOnlySpan<byte> chunk, Question question)
    {
        var compressor = Take();
        try
        {
            return question(compressor, chunk);
        }
        finally
        {
            _idle.Add(compressor);
        }
    }

    ZstdCompressor Take() => _idle.TryTake(out var compressor) ? compressor : new(level);

    public void Dispose()
    {
        while (_idle.TryTake(out var compressor)) compressor.Dispose();
    }
}
