using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ZfsArchive.Chunks;

/// <summary>
/// Turns a stored frame back into its chunk, believing nothing: first the SHA-256 of the stored bytes, then the frame's own
/// sizes, then its content.
/// </summary>
public sealed class ChunkOpener : IDisposable
{
    readonly ConcurrentBag<ZstdDecompressor> _idle = [];

    /// <summary>What is wrong with the stored bytes, or null: their SHA-256 is <paramref name="sha256"/>.</summary>
    public static string? WrongHash(ReadOnlySpan<byte> stored, string sha256)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(stored, hash);
        var found = Convert.ToHexStringLower(hash);
        return found == sha256 ? null : $"its SHA-256 is {found}, not the one in its name";
    }

    /// <summary>
    /// The chunk's pieces: inside <paramref name="stored"/> for a stored frame, else in <paramref name="room"/>.
    /// </summary>
    /// <param name="length">Bytes that the chunk must have; at most <paramref name="room"/>'s.</param>
    /// <returns>The pieces, or what is wrong with the frame.</returns>
    public (List<ReadOnlyMemory<byte>>? Pieces, string? Broken) Open(ReadOnlyMemory<byte> stored, int length, Memory<byte> room)
    {
        if (StoredFrame.Unwrap(stored, length) is { } pieces) return (pieces, null);
        if (ZstdDecompressor.Broken(stored.Span, length) is { } broken) return (null, broken);

        var decompressor = _idle.TryTake(out var idle) ? idle : new();
        try
        {
            var content = room[..length];
            return decompressor.Decompress(stored.Span, content.Span) is { } wrong ? (null, wrong) : ([content], null);
        }
        finally
        {
            _idle.Add(decompressor);
        }
    }

    public void Dispose()
    {
        while (_idle.TryTake(out var decompressor)) decompressor.Dispose();
    }
}
