using System.Buffers;
using System.Net.Sockets;
using System.Threading.Channels;

namespace ZfsArchive.Servers;

/// <summary>One direction of a connection: what is read waits for its time, and is written.</summary>
sealed class OneWay(FaultProxy proxy, Flow flow, Socket from, Socket to) : IDisposable
{
    const int BufferSize = 256 << 10;

    // As much as a long fat line holds: the delay alone must not limit the rate.
    const long MostQueued = 64 << 20;

    readonly Channel<Piece> _queue = Channel.CreateUnbounded<Piece>(new() { SingleReader = true, SingleWriter = true });
    readonly SemaphoreSlim _room = new(0);
    long _queued;

    /// <param name="Length">0: the end of what this side says.</param>
    readonly record struct Piece(long Due, byte[] Bytes, int Length);

    public async Task ReadAsync(CancellationToken stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        for (var count = -1; count != 0;)
        {
            await proxy.WhileStalledAsync(stop);
            count = await from.ReceiveAsync(buffer.AsMemory(0, BufferSize), stop);
            var due = TimeProvider.System.GetTimestamp() + proxy.HalfDelay;
            var bytes = buffer;
            // a small piece in a big buffer would make 64 MiB many times that
            if (count < BufferSize / 2) buffer.AsSpan(0, count).CopyTo(bytes = ArrayPool<byte>.Shared.Rent(count));
            else buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            _queue.Writer.TryWrite(new(due, bytes, count));
            for (var queued = Interlocked.Add(ref _queued, count); queued > MostQueued; queued = Interlocked.Read(ref _queued)) await _room.WaitAsync(stop);
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }

    public async Task WriteAsync(CancellationToken stop)
    {
        await foreach (var piece in _queue.Reader.ReadAllAsync(stop))
        {
            await Pacer.UntilAsync(piece.Due, stop);
            await proxy.WhileStalledAsync(stop);
            if (piece.Length == 0)
            {
                to.Shutdown(SocketShutdown.Send);
                return;
            }
            await SendAsync(piece.Bytes.AsMemory(0, piece.Length), stop);
            ArrayPool<byte>.Shared.Return(piece.Bytes);
            if (Interlocked.Add(ref _queued, -piece.Length) <= MostQueued && _room.CurrentCount == 0) _room.Release();
        }
    }

    public void Dispose() => _room.Dispose();

    async Task SendAsync(Memory<byte> bytes, CancellationToken stop)
    {
        while (bytes.Length > 0)
        {
            var portion = bytes[..proxy.Pacer(flow).Portion(bytes.Length)];
            await proxy.Pacer(flow).PassAsync(portion.Length, stop);
            await proxy.WhileStalledAsync(stop);
            var admitted = proxy.Admit(flow, portion.Span);
            for (var rest = portion[..admitted]; rest.Length > 0;) rest = rest[await to.SendAsync(rest, stop)..];
            proxy.Count(flow, admitted);
            if (admitted < portion.Length) throw new SocketException((int)SocketError.ConnectionReset);
            bytes = bytes[portion.Length..];
        }
    }
}
