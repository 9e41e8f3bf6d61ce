namespace ZfsArchive.Backup;

/// <summary>A part of a spool, read from its start; the spool itself is neither moved back nor closed.</summary>
sealed class SpoolSection(FileStream spool, long start, long length) : Stream
{
    long _at;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => length;
    public override long Position { get => _at; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        var want = (int)long.Min(buffer.Length, length - _at);
        if (want == 0) return 0;
        var read = RandomAccess.Read(spool.SafeFileHandle, buffer[..want], start + _at);
        _at += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
