using System.Buffers.Binary;
using static ZfsArchive.SendStream.NvListReader;

namespace ZfsArchive.SendStream;

/// <summary>
/// Native pair: offset 0 size, 4 size of the name with its NUL (16 bits), 6 unused, 8 elements, 12 type, 16 name; from the next
/// multiple of 8 the value. The pairs of nested lists follow the pair that holds them, beyond its size.
/// </summary>
ref struct NvNativeReader(ReadOnlySpan<byte> packed, bool littleEndian)
{
    readonly bool _littleEndian = littleEndian;
    readonly int _length = packed.Length;
    ReadOnlySpan<byte> _rest = packed[HeaderSize..];

    public readonly int Position => _length - _rest.Length;

    public NvList ReadWhole()
    {
        var head = Take(_rest, 8, out _rest);
        RequireVersion(I32(head));
        return ReadPairs((uint)I32(head[4..]), depth: 0);
    }

    NvList ReadPairs(uint flags, int depth)
    {
        RequireDepth(depth);
        var pairs = new List<NvPair>();
        while (ReadPair(depth) is { } pair) pairs.Add(pair);
        return new(pairs, NvEncoding.Native, _littleEndian, flags);
    }

    NvPair? ReadPair(int depth)
    {
        var at = Position;
        var size = I32(Take(_rest, 4, out var behindEnd));
        if (size == 0)
        {
            _rest = behindEnd;
            return null;
        }

        if (size < NvListWriter.SmallestPair) throw new NvListException($"the pair at byte {at} has a size of {size}");
        var pair = Take(_rest, size, out _rest);
        int nameSize = I16(pair[4..]), count = I32(pair[8..]);
        var type = (NvType)I32(pair[12..]);
        RequireType(type, count, at);
        if (nameSize < 1) throw new NvListException($"the name of the pair at byte {at} has a size of {nameSize}");
        var name = Take(pair[16..], NvListWriter.Align8(16 + nameSize) - 16, out var value)[..nameSize];
        if (name.IndexOf((byte)0) != nameSize - 1) throw new NvListException($"the name of the pair at byte {at} does not end where its size says");
        var read = new NvPair(NvText.Decode(name[..^1]), type, ReadValue(type, count, value, depth));
        var due = NvListWriter.NativeSize(read);
        return size == due ? read : throw new NvListException($"the pair at byte {at} has a size of {size}, not {due}");
    }

    object? ReadValue(NvType type, int count, ReadOnlySpan<byte> value, int depth) => type switch
    {
        NvType.Boolean => null,
        NvType.String => ReadTexts(1, value)[0],
        NvType.StringArray => ReadTexts(count, BehindPointers(count, value)),
        NvType.NvList => ReadLists(1, value, depth)[0],
        NvType.NvListArray => ReadLists(count, BehindPointers(count, value), depth),
        _ => NvNumbers.Read(type, Take(value, (long)count * NvNumbers.Width(type), out _), _littleEndian),
    };

    // Arrays of strings and lists begin with the packing host's 8-byte pointers, as zeros.
    static ReadOnlySpan<byte> BehindPointers(int count, ReadOnlySpan<byte> value)
    {
        Take(value, 8L * count, out var rest);
        return rest;
    }

    static string[] ReadTexts(int count, ReadOnlySpan<byte> value)
    {
        var texts = new string[count];
        foreach (ref var text in texts.AsSpan())
        {
            var end = value.IndexOf((byte)0);
            if (end < 0) throw new NvListException("a string does not end in its pair");
            text = NvText.Decode(value[..end]);
            value = value[(end + 1)..];
        }

        return texts;
    }

    // The structures hold version (offset 0) and nvflag (4) of each list; ZFS reads nothing else of their 24 bytes.
    NvList[] ReadLists(int count, ReadOnlySpan<byte> value, int depth)
    {
        var structures = Take(value, (long)NvListWriter.ListStructure * count, out _);
        var lists = new NvList[count];
        foreach (ref var list in lists.AsSpan())
        {
            RequireVersion(I32(structures));
            list = ReadPairs((uint)I32(structures[4..]), depth + 1);
            structures = structures[NvListWriter.ListStructure..];
        }

        return lists;
    }

    readonly short I16(ReadOnlySpan<byte> bytes) =>
        _littleEndian ? BinaryPrimitives.ReadInt16LittleEndian(bytes) : BinaryPrimitives.ReadInt16BigEndian(bytes);

    readonly int I32(ReadOnlySpan<byte> bytes) =>
        _littleEndian ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : BinaryPrimitives.ReadInt32BigEndian(bytes);
}
