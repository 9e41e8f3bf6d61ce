namespace ZfsArchive.Stores;

/// <summary>Keeps transfers below a rate. What is sent is held back piece by piece, what is read is asked for in small ranges.</summary>
/// <param name="up">Bytes a second, or null for no limit.</param>
/// <param name="down">Bytes a second, or null for no limit.</param>
public sealed class PacedStore(IObjectStore inner, long? up, long? down, TimeProvider clock) : WrappingStore(inner)
{
    const int ReadAtOnce = 4 << 20;
    readonly Pace? _up = up is { } sent ? new(sent, clock) : null;
    readonly Pace? _down = down is { } read ? new(read, clock) : null;

    public override Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => Inner.CreateAsync(key, Paced(body), cancel);

    public override Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => Inner.ReplaceAsync(key, Paced(body), cancel);

    public override async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        if (_down is null || into.Length == 0) return await Inner.ReadAsync(key, offset, into, cancel);
        var filled = 0;
        while (filled < into.Length)
        {
            var part = into.Slice(filled, int.Min(ReadAtOnce, into.Length - filled));
            await _down.WaitAsync(part.Length, cancel);
            var read = await Inner.ReadAsync(key, offset + filled, part, cancel);
            filled += read;
            if (read < part.Length) break;
        }
        return filled;
    }

    ObjectBody Paced(ObjectBody body) => _up is null ? body : body with { Pace = _up.WaitAsync };
}

/// <summary>One rate for all who wait for it: each takes the next stretch of time, as long as its bytes need.</summary>
sealed class Pace(long bytesPerSecond, TimeProvider clock)
{
    readonly long _start = clock.GetTimestamp();
    readonly Lock _turn = new();
    TimeSpan _free;

    public async ValueTask WaitAsync(int bytes, CancellationToken cancel)
    {
        TimeSpan wait;
        lock (_turn)
        {
            var now = clock.GetElapsedTime(_start);
            if (_free < now) _free = now;
            wait = _free - now;
            _free += TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
        }
        if (wait > TimeSpan.FromMilliseconds(1)) await Task.Delay(wait, clock, cancel);
    }
}
