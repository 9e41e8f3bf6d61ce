namespace ZfsArchive.SendStream;

/// <summary>Reads packed lists (OpenZFS nvpair.c wire format). Input is hostile: sizes and counts are held against the bytes left before use.</summary>
static class NvListReader
{
    /// <summary>How many lists may lie inside the outermost one (the kernel's nvpair_max_recursion).</summary>
    public const int MaxDepth = 20;

    /// <summary>Encoding, byte order, two unused bytes.</summary>
    public const int HeaderSize = 4;

    /// <exception cref="NvListException">The list is malformed.</exception>
    public static NvList Read(ReadOnlySpan<byte> packed, out int consumed)
    {
        if (packed.Length < HeaderSize) throw new NvListException("the header is cut off");
        if (packed[0] > (byte)NvEncoding.Xdr) throw new NvListException($"encoding {packed[0]} is neither native (0) nor XDR (1)");
        if (packed[1] > 1) throw new NvListException($"byte order {packed[1]} is neither big (0) nor little (1)");

        var littleEndian = packed[1] == 1;
        if (packed[0] == (byte)NvEncoding.Xdr)
        {
            var xdr = new NvXdrReader(packed, littleEndian);
            var list = xdr.ReadList(depth: 0);
            consumed = xdr.Position;
            return list;
        }
        else
        {
            var native = new NvNativeReader(packed, littleEndian);
            var list = native.ReadWhole();
            consumed = native.Position;
            return list;
        }
    }

    public static void RequireDepth(int depth)
    {
        if (depth > MaxDepth) throw new NvListException($"more than {MaxDepth} lists inside one another");
    }

    public static void RequireVersion(int version)
    {
        if (version != 0) throw new NvListException($"version {version} of a list is unknown");
    }

    public static void RequireType(NvType type, int count, int at)
    {
        if (!Enum.IsDefined(type)) throw new NvListException($"type {(int)type} of the pair at byte {at} is unknown");
        if (!NvNumbers.CountFits(type, count)) throw new NvListException($"the pair at byte {at} has {count} elements of type {type}");
    }

    /// <summary>The first <paramref name="count"/> bytes, and <paramref name="rest"/> what follows them.</summary>
    public static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> bytes, long count, out ReadOnlySpan<byte> rest)
    {
        if (count > bytes.Length) throw new NvListException($"{count} bytes are due where {bytes.Length} are left");
        rest = bytes[(int)count..];
        return bytes[..(int)count];
    }
}
