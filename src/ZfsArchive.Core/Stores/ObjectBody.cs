namespace ZfsArchive.Stores;

/// <summary>What an object holds: memory (chunks, small documents) or a file that can be read again (manifests).</summary>
/// <param name="Pieces">The bytes in order, or null when they lie in <paramref name="File"/>.</param>
/// <param name="File">Path of a local file that nobody changes meanwhile.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Sha256">SHA-256 of all bytes, 64 hexadecimal digits.</param>
public sealed record ObjectBody(IReadOnlyList<ReadOnlyMemory<byte>>? Pieces, string? File, long Length, string Sha256)
{
    /// <summary>
    /// Called once by a store that has passed all pieces on and only waits for them to become durable: their memory may be used
    /// for something else from then on, and the body cannot be written a second time.
    /// </summary>
    public Action? Passed { get; init; }

    /// <summary>Told the MD5 (32 hexadecimal digits) that a store keeps of all bytes, and compares later, when it keeps nothing stronger.</summary>
    public Action<string>? Md5Kept { get; init; }

    /// <summary>Waits until so many more bytes may leave, at most <see cref="PacedPiece"/> at once; null for no limit.</summary>
    public Func<int, CancellationToken, ValueTask>? Pace { get; init; }

    /// <summary>Bytes that a store asks <see cref="Pace"/> for at once, at most.</summary>
    public const int PacedPiece = 16 << 10;

    public static ObjectBody OfMemory(IReadOnlyList<ReadOnlyMemory<byte>> pieces, string sha256) => new(pieces, null, pieces.Sum(p => (long)p.Length), sha256);

    public static ObjectBody OfBytes(ReadOnlyMemory<byte> bytes) =>
        new([bytes], null, bytes.Length, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes.Span)));

    public static ObjectBody OfFile(string path, long length, string sha256) => new(null, path, length, sha256);

    /// <summary>All bytes from the beginning, as often as wanted; the stream can seek.</summary>
    public Stream OpenRead() => Pieces is { } pieces
        ? new PiecesStream(pieces, Length)
        : new FileStream(File!, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.Asynchronous, BufferSize = 0 });
}
