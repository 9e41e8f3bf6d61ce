namespace ZfsArchive.Stores;

/// <summary>Pieces of memory, one after the other, as a stream that can be read again.</summary>
sealed class PiecesStream(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long length) : Stream
{
    int _piece;
    int _inPiece;
    long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override int Read(Span<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length && _piece < pieces.Count)
        {
            var rest = pieces[_piece].Span[_inPiece..];
            var taken = int.Min(rest.Length, buffer.Length - filled);
            rest[..taken].CopyTo(buffer[filled..]);
            filled += taken;
            _inPiece += taken;
            if (_inPiece == pieces[_piece].Length) (_piece, _inPiece) = (_piece + 1, 0);
        }
        _position += filled;
        return filled;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : ValueTask.FromResult(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin)
    {
        var target = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => _position + offset, _ => length + offset };
        ArgumentOutOfRangeException.ThrowIfNegative(target);
        (_piece, _inPiece, _position) = (0, 0, long.Min(target, length));
        for (var left = _position; _piece < pieces.Count; _piece++)
        {
            if (left < pieces[_piece].Length)
            {
                _inPiece = (int)left;
                break;
            }
            left -= pieces[_piece].Length;
        }
        return _position;
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
