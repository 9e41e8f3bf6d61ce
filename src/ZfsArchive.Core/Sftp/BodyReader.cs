using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>An object's bytes in pieces for WRITEs: memory is passed on as it is, files are read.</summary>
sealed class BodyReader(ObjectBody body) : IAsyncDisposable
{
    readonly Stream? _file = body.Pieces is null ? body.OpenRead() : null;
    int _piece;
    int _inPiece;
    long _position;

    /// <summary>Bytes that were given out.</summary>
    public long Position => _position;

    /// <summary>The next bytes, at most so many; none at the end.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public async ValueTask<ReadOnlyMemory<byte>[]> NextAsync(int most, CancellationToken cancel)
    {
        var wanted = (int)long.Min(most, body.Length - _position);
        if (wanted <= 0) return [];
        var next = _file is null ? Slices(wanted) : [await FromFileAsync(_file, wanted, cancel)];
        _position += wanted;
        return next;
    }

    public ValueTask DisposeAsync() => _file?.DisposeAsync() ?? ValueTask.CompletedTask;

    static async Task<ReadOnlyMemory<byte>> FromFileAsync(Stream file, int wanted, CancellationToken cancel)
    {
        var buffer = new byte[wanted];
        await file.ReadExactlyAsync(buffer, cancel);
        return buffer;
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
