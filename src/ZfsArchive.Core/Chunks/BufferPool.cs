using System.Collections.Concurrent;

namespace ZfsArchive.Chunks;

/// <summary>
/// A fixed number of equal buffers: who wants one more waits, and so does everything before him. Their pages become memory
/// only when they are written, so the room kept for a large last record costs nothing until one comes.
/// </summary>
public sealed class BufferPool(int count, int size) : IDisposable
{
    readonly SemaphoreSlim _free = new(count, count);
    readonly ConcurrentBag<byte[]> _returned = [];

    /// <summary>Bytes of each buffer.</summary>
    public int Size => size;

    public async ValueTask<RentedBuffer> RentAsync(CancellationToken cancel)
    {
        await _free.WaitAsync(cancel);
        return new(this, _returned.TryTake(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(size, pinned: true));
    }

    internal void Return(byte[] buffer)
    {
        _returned.Add(buffer);
        _free.Release();
    }

    public void Dispose() => _free.Dispose();
}

/// <summary>A buffer on loan; disposing gives it back, once.</summary>
public sealed class RentedBuffer(BufferPool pool, byte[] bytes) : IDisposable
{
    byte[]? _bytes = bytes;

    public byte[] Bytes => _bytes ?? throw new ObjectDisposedException(nameof(RentedBuffer));

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } returned) pool.Return(returned);
    }
}
