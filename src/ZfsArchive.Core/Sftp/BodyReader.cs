using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>Some of an object's bytes.</summary>
/// <param name="At">Where they belong in it.</param>
/// <param name="Data">In order; nothing at the end.</param>
readonly record struct BodyPiece(long At, ReadOnlyMemory<byte>[] Data, int Length);

/// <summary>
/// An object's bytes in pieces for WRITEs: memory is passed on as it is, files are read. Several may take pieces of what lies in memory
/// at once; what lies in a file is for one.
/// </summary>
sealed class BodyReader(ObjectBody body) : IAsyncDisposable
{
    readonly Stream? _file = body.Pieces is null ? body.OpenRead() : null;
    readonly Lock _gate = new();
    int _piece;
    int _inPiece;
    long _position;

    /// <summary>The next bytes, at most so many; none at the end.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public async ValueTask<BodyPiece> NextAsync(int most, CancellationToken cancel)
    {
        if (_file is null) return Next(most);
        var (at, length) = Taken(most);
        return length == 0 ? new(at, [], 0) : new(at, [await FromFileAsync(_file, length, cancel)], length);
    }

    public ValueTask DisposeAsync() => _file?.DisposeAsync() ?? ValueTask.CompletedTask;

    static async Task<ReadOnlyMemory<byte>> FromFileAsync(Stream file, int wanted, CancellationToken cancel)
    {
        var buffer = new byte[wanted];
        await file.ReadExactlyAsync(buffer, cancel);
        return buffer;
    }

    BodyPiece Next(int most)
    {
        lock (_gate)
        {
            var (at, length) = Taken(most);
            return new(at, Slices(length), length);
        }
    }

    (long At, int Length) Taken(int most)
    {
        var (at, length) = (_position, (int)long.Min(most, body.Length - _position));
        _position += length;
        return (at, length);
    }

    ReadOnlyMemory<byte>[] Slices(int wanted)
    {
        var slices = new List<ReadOnlyMemory<byte>>();
        while (wanted > 0)
        {
            var piece = body.Pieces![_piece];
            var taken = int.Min(wanted, piece.Length - _inPiece);
            if (taken > 0) slices.Add(piece.Slice(_inPiece, taken));
            wanted -= taken;
            _inPiece += taken;
            if (_inPiece == piece.Length) (_piece, _inPiece) = (_piece + 1, 0);
        }
        return [.. slices];
    }
}
