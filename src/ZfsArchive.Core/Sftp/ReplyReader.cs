using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace ZfsArchive.Sftp;

/// <summary>Reads packets from a pipe; the data of a READ go from the pipe straight to where they are wanted.</summary>
/// <param name="await">Called when nothing is there to read; throws when it is not worth waiting longer.</param>
/// <param name="moved">Called when something was read.</param>
sealed class ReplyReader(SafeFileHandle pipe, Action @await, Action moved)
{
    const int Buffered = 32 << 10;
    const int BehindData = 4 << 10;
    const int LengthAndType = 5;

    readonly byte[] _buffer = new byte[Buffered];
    int _start;
    int _end;

    int Available => _end - _start;

    /// <summary>The server's first packet, without its length and type.</summary>
    /// <exception cref="EndOfStreamException">The pipe has ended.</exception>
    public byte[] ReadVersion()
    {
        var length = ReadUInt32() is > 0 and <= ProtocolLimits.LongestPacket and var told
            ? (int)told
            : throw SftpFault.Broken("it begins with something else than SFTP; does the login shell there print text before it?");
        var type = (PacketType)ReadByte();
        if (type is not PacketType.Version) throw SftpFault.Broken($"its first packet is of type {(byte)type}");
        return ReadBody(length - 1);
    }

    /// <summary>The next answer, given to the request that it names.</summary>
    /// <exception cref="EndOfStreamException">The pipe has ended.</exception>
    public Request ReadReply(Func<uint, Request> requestOf)
    {
        var length = ReadLength();
        if (length < LengthAndType) throw SftpFault.Broken($"an answer of {length} bytes");
        var type = (PacketType)ReadByte();
        var request = requestOf(ReadUInt32());
        if (type is PacketType.Data && request.Wanted > 0) request.Complete(new(type, [], ReadData(request, length - LengthAndType)));
        else request.Complete(new(type, ReadBody(length - LengthAndType), 0));
        return request;
    }

    int ReadData(Request request, int rest)
    {
        var length = rest < 4 ? throw SftpFault.Broken("data without a length") : ReadUInt32();
        if (length > rest - 4 || length > request.Wanted) throw SftpFault.Broken($"{length} bytes of data where {request.Wanted} were asked for");
        var data = (int)length;
        var at = int.Min(Available, data);
        request.Take(_buffer.AsSpan(_start, at), 0);
        _start += at;
        while (at < data)
        {
            // the buffer is empty here: what comes behind the data begins it anew
            var read = Waited(request.Read(pipe, at, data - at, _buffer.AsSpan(0, BehindData)));
            (_start, _end) = (0, int.Max(0, read - (data - at)));
            at += int.Min(read, data - at);
        }
        Skip(rest - 4 - data);
        return data;
    }

    void Skip(int count)
    {
        if (count > 0) ReadBody(count);
    }

    int ReadLength()
    {
        var length = ReadUInt32();
        return length is > 0 and <= ProtocolLimits.LongestPacket ? (int)length : throw SftpFault.Broken($"the server sent a packet of {length} bytes");
    }

    byte ReadByte()
    {
        Fill(1);
        return _buffer[_start++];
    }

    uint ReadUInt32()
    {
        Fill(4);
        _start += 4;
        return BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_start - 4));
    }

    byte[] ReadBody(int length)
    {
        var body = new byte[length];
        for (var at = 0; at < length;)
        {
            if (Available == 0) Fill(1);
            var taken = int.Min(Available, length - at);
            _buffer.AsSpan(_start, taken).CopyTo(body.AsSpan(at));
            _start += taken;
            at += taken;
        }
        return body;
    }

    void Fill(int count)
    {
        if (Available >= count) return;
        _buffer.AsSpan(_start, Available).CopyTo(_buffer);
        (_start, _end) = (0, Available);
        while (Available < count) _end += Waited(RawPipe.Read(pipe, _buffer.AsSpan(_end), []));
    }

    // 0 for "not now": the caller asks again.
    int Waited(int read)
    {
        if (read == 0) throw new EndOfStreamException();
        if (read > 0)
        {
            moved();
            return read;
        }
        @await();
        return 0;
    }
}
