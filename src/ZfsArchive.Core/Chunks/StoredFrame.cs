using System.Buffers.Binary;

namespace ZfsArchive.Chunks;

/// <summary>
/// The zstd frame (RFC 8878) of a chunk that compression does not pay for: a 14-byte head, then raw blocks of 128 KiB.
/// Window 128 KiB, no single segment (<c>zstd -d</c> refuses large ones), 8-byte content size, no content checksum (the
/// chunk's name proves it). Its bytes are fixed for ever.
/// </summary>
public static class StoredFrame
{
    const uint Magic = 0xFD2FB528;
    // content size flag 3 (8 bytes); no single segment, no checksum, no dictionary
    const byte Descriptor = 0xC0;
    // exponent 7: 2^(10+7) = 128 KiB
    const byte Window = 7 << 3;
    const int HeadLength = 14;
    const int BlockHeadLength = 3;

    /// <summary>Bytes of content in every block but the last.</summary>
    public const int BlockLength = 128 << 10;

    /// <summary>Bytes of the frame of <paramref name="length"/> bytes of content.</summary>
    public static long FrameLength(long length) => HeadLength + BlockHeadLength * BlockCount(length) + length;

    static long BlockCount(long length) => length == 0 ? 1 : (length + BlockLength - 1) / BlockLength;

    /// <summary>The frame as pieces: what we write between, and the content where it lies, not copied.</summary>
    public static List<ReadOnlyMemory<byte>> Wrap(ReadOnlyMemory<byte> content)
    {
        var blocks = (int)BlockCount(content.Length);
        var heads = new byte[HeadLength + BlockHeadLength * blocks];
        BinaryPrimitives.WriteUInt32LittleEndian(heads, Magic);
        heads[4] = Descriptor;
        heads[5] = Window;
        BinaryPrimitives.WriteUInt64LittleEndian(heads.AsSpan(6), (ulong)content.Length);

        var pieces = new List<ReadOnlyMemory<byte>>(2 * blocks);
        for (var block = 0; block < blocks; block++)
        {
            var length = int.Min(BlockLength, content.Length - block * BlockLength);
            var at = HeadLength + BlockHeadLength * block;
            // bit 0: last block; bits 1-2: raw (0); from bit 3 the length
            var head = (uint)length << 3 | (block == blocks - 1 ? 1u : 0u);
            (heads[at], heads[at + 1], heads[at + 2]) = ((byte)head, (byte)(head >> 8), (byte)(head >> 16));
            pieces.Add(block == 0 ? heads.AsMemory(0, HeadLength + BlockHeadLength) : heads.AsMemory(at, BlockHeadLength));
            if (length > 0) pieces.Add(content.Slice(block * BlockLength, length));
        }
        return pieces;
    }

    /// <summary>
    /// The content's pieces inside a frame of ours, not copied; null when this is not such a frame of exactly
    /// <paramref name="length"/> bytes (another zstd frame may still hold them).
    /// </summary>
    public static List<ReadOnlyMemory<byte>>? Unwrap(ReadOnlyMemory<byte> frame, long length)
    {
        var bytes = frame.Span;
        if (frame.Length != FrameLength(length) || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic || bytes[4] != Descriptor || bytes[5] != Window
            || BinaryPrimitives.ReadUInt64LittleEndian(bytes[6..]) != (ulong)length) return null;

        var pieces = new List<ReadOnlyMemory<byte>>();
        var at = HeadLength;
        for (var left = length; ;)
        {
            var expected = (int)long.Min(BlockLength, left);
            left -= expected;
            var head = bytes[at] | (uint)bytes[at + 1] << 8 | (uint)bytes[at + 2] << 16;
            if (head != ((uint)expected << 3 | (left == 0 ? 1u : 0u))) return null;
            pieces.Add(frame.Slice(at + BlockHeadLength, expected));
            at += BlockHeadLength + expected;
            if (left == 0) return pieces;
        }
    }
}
