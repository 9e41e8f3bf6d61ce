using System.Globalization;
using System.Text;

namespace ZfsArchive.Tests.Worlds;

/// <summary>Reads heads and bodies of HTTP/1.1 from one side of a connection.</summary>
sealed class HttpWire(Stream stream)
{
    byte[] _buffer = new byte[256 << 10];
    int _start, _end;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes);

    /// <summary>Null when the other side has ended.</summary>
    public async Task<HttpHead?> ReadHeadAsync() => await ReadThroughAsync("\r\n\r\n"u8.ToArray()) is { } head ? new HttpHead(head) : null;

    /// <summary>Hands on the body that this head announces, at most so many bytes of it.</summary>
    /// <returns>False when it had more.</returns>
    public async Task<bool> CopyBodyAsync(HttpHead head, bool isAnswer, Func<ReadOnlyMemory<byte>, ValueTask> sink, long most = long.MaxValue)
    {
        if (head.IsChunked) return await CopyChunksAsync(sink, most);
        var length = head.Length ?? (isAnswer ? long.MaxValue : 0);
        var copied = await CopyAsync(Math.Min(length, most), sink);
        if (copied < most && copied < length && head.Length is not null) throw new EndOfStreamException();
        return length <= most;
    }

    async Task<bool> CopyChunksAsync(Func<ReadOnlyMemory<byte>, ValueTask> sink, long most)
    {
        while (true)
        {
            var line = await ReadThroughAsync("\r\n"u8.ToArray()) ?? throw new EndOfStreamException();
            var size = long.Parse(Encoding.Latin1.GetString(line).Split(';')[0].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            await sink(line);
            // the last chunk is followed by lines, of which the last is empty; every other one ends with one
            if (size == 0) break;
            var count = Math.Min(size, most);
            if (await CopyAsync(count, sink) < count) throw new EndOfStreamException();
            most -= count;
            if (most == 0) return false;
            await CopyAsync(2, sink);
        }
        for (byte[]? line = null; line is not { Length: 2 };)
        {
            line = await ReadThroughAsync("\r\n"u8.ToArray()) ?? throw new EndOfStreamException();
            await sink(line);
        }
        return true;
    }

    async Task<long> CopyAsync(long length, Func<ReadOnlyMemory<byte>, ValueTask> sink)
    {
        var left = length;
        while (left > 0 && (_start < _end || await FillAsync()))
        {
            var count = (int)Math.Min(left, _end - _start);
            await sink(_buffer.AsMemory(_start, count));
            _start += count;
            left -= count;
        }
        return length - left;
    }

    async Task<byte[]?> ReadThroughAsync(byte[] mark)
    {
        int found;
        while ((found = _buffer.AsSpan(_start, _end - _start).IndexOf(mark)) < 0)
            if (!await FillAsync()) return null;
        var read = _buffer.AsSpan(_start, found + mark.Length).ToArray();
        _start += read.Length;
        return read;
    }

    async Task<bool> FillAsync()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length) Array.Resize(ref _buffer, 2 * _buffer.Length);
        var count = await stream.ReadAsync(_buffer.AsMemory(_end));
        _end += count;
        return count > 0;
    }
}
