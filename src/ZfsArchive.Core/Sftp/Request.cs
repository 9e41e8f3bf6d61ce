using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace ZfsArchive.Sftp;

/// <summary>An answer.</summary>
/// <param name="Body">What follows the request's number; empty when the data went where the request wanted it.</param>
/// <param name="Data">Bytes of data that went there.</param>
readonly record struct Reply(PacketType Type, byte[] Body, int Data);

/// <summary>
/// One request on its way. The memory it sends from and reads into is the caller's: <see cref="Abandon"/> returns when neither is
/// touched any more, whatever the pipe and the far side do.
/// </summary>
sealed class Request(uint id, byte[] head, ReadOnlyMemory<byte>[] payload, Memory<byte> into, bool isBulk)
{
    const int MostParts = 64;
    static readonly byte[] s_zeros = new byte[ProtocolLimits.LongestPiece];
    static readonly byte[] s_waste = new byte[ProtocolLimits.LongestPiece];

    readonly Lock _gate = new();
    readonly TaskCompletionSource<Reply> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly ReadOnlyMemory<byte>[] _payload = payload.Length <= MostParts ? payload : [Joined(payload)];
    readonly int _payloadLength = payload.Sum(p => p.Length);
    bool _isAbandoned;

    public uint Id => id;

    public bool IsBulk => isBulk;

    /// <summary>Bytes on the pipe.</summary>
    public int Length => head.Length + _payloadLength;

    /// <summary>Where the data of the answer go; empty when the answer is kept whole.</summary>
    public int Wanted => into.Length;

    /// <summary>When the last byte was in the pipe, by the clock's time stamps; 0 before.</summary>
    public long SentAt { get; set; }

    public Task<Reply> Answer => _answer.Task;

    public void Complete(Reply reply) => _answer.TrySetResult(reply);

    public void Fail(Exception e)
    {
        // many are abandoned, and then nobody looks at it
        if (_answer.TrySetException(e)) _ = _answer.Task.Exception;
    }

    /// <summary>Lets go of the caller's memory, for good.</summary>
    public void Abandon()
    {
        lock (_gate) _isAbandoned = true;
    }

    /// <summary>Whether it is still wanted; what has begun must be sent to its end.</summary>
    public bool Begin()
    {
        lock (_gate) return !_isAbandoned;
    }

    /// <summary>Writes on from byte <paramref name="sent"/>; zeros in the place of data that was abandoned.</summary>
    public unsafe int Write(SafeFileHandle pipe, int sent)
    {
        lock (_gate)
        {
            var memory = _isAbandoned ? [s_zeros.AsMemory(0, _payloadLength)] : _payload;
            var parts = stackalloc RawPipe.Part[MostParts + 1];
            Span<MemoryHandle> held = new MemoryHandle[memory.Length + 1];
            var count = 0;
            try
            {
                Hold(head, ref sent, held, parts, ref count);
                foreach (var piece in memory) Hold(piece, ref sent, held, parts, ref count);
                return RawPipe.Write(pipe, new(parts, count));
            }
            finally
            {
                foreach (var handle in held[..count]) handle.Dispose();
            }
        }
    }

    /// <summary>Reads data from the pipe to where the caller wants it, what comes behind it into <paramref name="behind"/>.</summary>
    /// <param name="at">Bytes of the data that have come before.</param>
    /// <param name="left">Bytes of the data that are still to come.</param>
    public int Read(SafeFileHandle pipe, int at, int left, Span<byte> behind)
    {
        lock (_gate) return RawPipe.Read(pipe, _isAbandoned ? s_waste.AsSpan(0, left) : into.Span.Slice(at, left), behind);
    }

    /// <summary>Takes data that was read with something else.</summary>
    public void Take(ReadOnlySpan<byte> data, int at)
    {
        lock (_gate)
            if (!_isAbandoned) data.CopyTo(into.Span[at..]);
    }

    static unsafe void Hold(ReadOnlyMemory<byte> piece, ref int skip, Span<MemoryHandle> held, RawPipe.Part* parts, ref int count)
    {
        if (skip >= piece.Length)
        {
            skip -= piece.Length;
            return;
        }
        held[count] = piece.Pin();
        parts[count] = new() { Start = (byte*)held[count].Pointer + skip, Length = piece.Length - skip };
        count++;
        skip = 0;
    }

    static byte[] Joined(ReadOnlyMemory<byte>[] pieces)
    {
        var joined = new byte[pieces.Sum(p => p.Length)];
        var at = 0;
        foreach (var piece in pieces)
        {
            piece.Span.CopyTo(joined.AsSpan(at));
            at += piece.Length;
        }
        return joined;
    }
}
