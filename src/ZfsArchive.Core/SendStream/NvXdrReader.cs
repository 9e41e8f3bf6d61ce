using System.Buffers.Binary;
using static ZfsArchive.SendStream.NvListReader;

namespace ZfsArchive.SendStream;

/// <summary>XDR pair: its size here, its size in native form, name, type, elements, value. All in words of four bytes, big-endian.</summary>
ref struct NvXdrReader(ReadOnlySpan<byte> packed, bool littleEndian)
{
    const int SmallestList = 16;

    readonly bool _littleEndian = littleEndian;
    readonly int _length = packed.Length;
    ReadOnlySpan<byte> _rest = packed[HeaderSize..];

    public readonly int Position => _length - _rest.Length;

    public NvList ReadList(int depth)
    {
        RequireDepth(depth);
        RequireVersion(I32());
        var flags = (uint)I32();
        var pairs = new List<NvPair>();
        while (ReadPair(depth) is { } pair) pairs.Add(pair);
        return new(pairs, NvEncoding.Xdr, _littleEndian, flags);
    }

    NvPair? ReadPair(int depth)
    {
        var at = Position;
        _ = I32();                                  // the size here: wrong for empty arrays, and ZFS does not look at it
        var nativeSize = I32();
        if (nativeSize == 0) return null;

        var name = ReadText();
        var type = (NvType)I32();
        var count = I32();
        RequireType(type, count, at);
        var pair = new NvPair(name, type, ReadValue(type, count, depth));

        // ZFS allocates what it is told here, and every receiver refuses the list if that is not what the pair takes.
        var due = NvListWriter.NativeSize(pair);
        return nativeSize == due ? pair : throw new NvListException($"the pair at byte {at} tells a native size of {nativeSize}, not {due}");
    }

    object? ReadValue(NvType type, int count, int depth) => type switch
    {
        NvType.Boolean => null,
        NvType.String => ReadText(),
        NvType.StringArray => ReadTexts(count),
        NvType.NvList => ReadList(depth + 1),
        NvType.NvListArray => ReadLists(count, depth),
        NvType.ByteArray => ReadPadded(count).ToArray(),
        _ => ReadNumbers(type, count),
    };

    // Nothing stands for an empty array, not even the word for its count.
    object ReadNumbers(NvType type, int count)
    {
        if (NvNumbers.IsArray(type) && count > 0 && I32() != count) throw new NvListException($"an array's two counts differ near byte {Position}");
        var width = NvNumbers.Width(type);
        var words = Take(_rest, (long)count * int.Max(width, 4), out _rest);
        return NvNumbers.Read(type, width < 4 ? Narrow(words, width) : words, littleEndian: false);
    }

    // One element in each word. The kernel leaves the upper bytes zero, the library of the command line tools extends the sign.
    static byte[] Narrow(ReadOnlySpan<byte> words, int width)
    {
        var elements = new byte[words.Length / 4 * width];
        for (var filled = 0; !words.IsEmpty; words = words[4..], filled += width)
        {
            var word = BinaryPrimitives.ReadInt32BigEndian(words);
            var least = -1 << (8 * width - 1);
            if (word < least || word >= 1 << (8 * width)) throw new NvListException($"{word} does not fit in {width} bytes");
            words[(4 - width)..4].CopyTo(elements.AsSpan(filled));
        }

        return elements;
    }

    string[] ReadTexts(int count)
    {
        if (count > _rest.Length / 4) throw new NvListException($"{count} strings in {_rest.Length} bytes");
        var texts = new string[count];
        foreach (ref var text in texts.AsSpan()) text = ReadText();
        return texts;
    }

    NvList[] ReadLists(int count, int depth)
    {
        if (count > _rest.Length / SmallestList) throw new NvListException($"{count} lists in {_rest.Length} bytes");
        var lists = new NvList[count];
        foreach (ref var list in lists.AsSpan()) list = ReadList(depth + 1);
        return lists;
    }

    string ReadText()
    {
        var bytes = ReadPadded((uint)I32());
        return bytes.Contains((byte)0) ? throw new NvListException($"a NUL in the text before byte {Position}") : NvText.Decode(bytes);
    }

    ReadOnlySpan<byte> ReadPadded(long count)
    {
        var padded = Take(_rest, NvListWriter.Align4(count), out _rest);
        if (padded[(int)count..].ContainsAnyExcept((byte)0)) throw new NvListException($"the padding before byte {Position} is not zero");
        return padded[..(int)count];
    }

    int I32() => BinaryPrimitives.ReadInt32BigEndian(Take(_rest, 4, out _rest));
}
