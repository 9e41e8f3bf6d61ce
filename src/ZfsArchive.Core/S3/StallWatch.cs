namespace ZfsArchive.S3;

/// <summary>Cancels a request when nothing has moved for a time, however long the whole of it takes.</summary>
sealed class StallWatch : IDisposable
{
    readonly TimeSpan _limit;
    readonly CancellationTokenSource _source;
    readonly CancellationTokenRegistration _caller;
    readonly CancellationToken _cancel;

    public StallWatch(TimeSpan limit, TimeProvider clock, CancellationToken cancel)
    {
        (_limit, _cancel) = (limit, cancel);
        _source = new(limit, clock);
        _caller = cancel.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    /// <summary>Given to the request.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The request was given up here, and not by the caller.</summary>
    public bool Stalled => _source.IsCancellationRequested && !_cancel.IsCancellationRequested;

    /// <summary>Something has moved.</summary>
    public void Moved() => _source.CancelAfter(_limit);

    /// <summary>What comes next waits for us and not for the service.</summary>
    public void Suspend() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _caller.Dispose();
        _source.Dispose();
    }
}

/// <summary>A body on its way out: every piece that is taken from it is a movement, and none leaves before its time.</summary>
sealed class WatchedBody(Stream body, StallWatch watch, Func<int, CancellationToken, ValueTask>? pace) : Stream
{
    /// <summary>Bytes given at once: on the slowest line one of each transfer has to leave within the limit of a stall.</summary>
    const int LargestPiece = 64 << 10;

    public override bool CanRead => true;

    public override bool CanSeek => body.CanSeek;

    public override bool CanWrite => false;

    public override long Length => body.Length;

    public override long Position
    {
        get => body.Position;
        set => body.Position = value;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var most = pace is null ? LargestPiece : Stores.ObjectBody.PacedPiece;
        if (buffer.Length > most) buffer = buffer[..most];
        var read = await body.ReadAsync(buffer, cancellationToken);
        if (pace is not null && read > 0)
        {
            watch.Suspend();
            await pace(read, cancellationToken);
        }
        watch.Moved();
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a body is sent asynchronously");

    public override long Seek(long offset, SeekOrigin origin) => body.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
