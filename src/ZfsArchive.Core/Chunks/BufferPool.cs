using System.Collections.Concurrent;

namespace ZfsArchive.Chunks;

/// <summary>
/// Room for a fixed number of shares: who wants a buffer waits until its shares are free, and so does everything before him.
/// A buffer's pages become memory only when they are written, so the room kept for a large last record costs nothing until one comes.
/// </summary>
/// <param name="shares">How many shares there are; a buffer takes one or more.</param>
public sealed class BufferPool(int shares) : IDisposable
{
    readonly SemaphoreSlim _free = new(shares, shares);
    readonly SemaphoreSlim _turn = new(1, 1);
    readonly ConcurrentBag<byte[]> _returned = [];

    /// <summary>A buffer of at least <paramref name="size"/> bytes for <paramref name="weight"/> shares. Who asks first is served first.</summary>
    public async ValueTask<RentedBuffer> RentAsync(int weight, int size, CancellationToken cancel)
    {
        await TakeAsync(weight, cancel);
        return Buffer(weight, size);
    }

    /// <summary>Several such buffers at once: who holds one and waits for another could wait for ever.</summary>
    public async ValueTask<RentedBuffer[]> RentAsync(int count, int weight, int size, CancellationToken cancel)
    {
        await TakeAsync(count * weight, cancel);
        return [.. Enumerable.Range(0, count).Select(_ => Buffer(weight, size))];
    }

    async Task TakeAsync(int shares, CancellationToken cancel)
    {
        // One at a time: two that each hold half of what they need would wait for ever.
        await _turn.WaitAsync(cancel);
        var taken = 0;
        try
        {
            for (; taken < shares; taken++) await _free.WaitAsync(cancel);
        }
        catch
        {
            // who gives up has nothing
            if (taken > 0) _free.Release(taken);
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    RentedBuffer Buffer(int weight, int size) =>
        new(this, _returned.TryTake(out var buffer) && buffer.Length >= size ? buffer : GC.AllocateUninitializedArray<byte>(size, pinned: true), weight);

    internal void Return(byte[] buffer, int weight)
    {
        _returned.Add(buffer);
        _free.Release(weight);
    }

    public void Dispose()
    {
        _free.Dispose();
        _turn.Dispose();
    }
}

/// <summary>A buffer on loan; disposing gives it back, once.</summary>
public sealed class RentedBuffer(BufferPool pool, byte[] bytes, int weight) : IDisposable
{
    byte[]? _bytes = bytes;

    public byte[] Bytes => _bytes ?? throw new ObjectDisposedException(nameof(RentedBuffer));

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } returned) pool.Return(returned, weight);
    }
}
