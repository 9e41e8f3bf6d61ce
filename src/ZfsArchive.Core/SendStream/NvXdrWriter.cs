using System.Buffers.Binary;
using static ZfsArchive.SendStream.NvListWriter;

namespace ZfsArchive.SendStream;

/// <summary>Writes the XDR form; the layout is told at <see cref="NvXdrReader"/>.</summary>
sealed class NvXdrWriter(MemoryStream output)
{
    // ZFS counts a word for the count of an empty array of numbers and does not write it; sizes are told as ZFS tells them.
    int _countedOnly;

    public void WriteList(NvList list, int depth)
    {
        NvListReader.RequireDepth(depth);
        WriteI32(0);
        WriteI32((int)list.Flags);
        foreach (var pair in list.Pairs) WritePair(pair, depth);
        output.Write("\0\0\0\0\0\0\0\0"u8);
    }

    void WritePair(NvPair pair, int depth)
    {
        int start = (int)output.Position, countedOnly = _countedOnly;
        WriteI32(0);
        WriteI32(NativeSize(pair));
        WriteText(pair.Name);
        WriteI32((int)pair.Type);
        WriteI32(Count(pair));
        WriteValue(pair, depth);

        var size = (int)output.Position - start + _countedOnly - countedOnly;
        BinaryPrimitives.WriteInt32BigEndian(output.GetBuffer().AsSpan(start), size);
    }

    void WriteValue(NvPair pair, int depth)
    {
        switch (pair.Type, pair.Value)
        {
            case (NvType.Boolean, _):
                break;
            case (NvType.String, string text):
                WriteText(text);
                break;
            case (NvType.StringArray, string[] texts):
                foreach (var text in texts) WriteText(text);
                break;
            case (NvType.NvList or NvType.NvListArray, _):
                foreach (var list in Lists(pair)) WriteList(list, depth + 1);
                break;
            case (NvType.ByteArray, byte[] bytes):
                WritePadded(bytes);
                break;
            default:
                WriteNumbers(pair);
                break;
        }
    }

    void WriteNumbers(NvPair pair)
    {
        var elements = NvNumbers.Write(pair.Type, pair.Value, littleEndian: false);
        if (NvNumbers.IsArray(pair.Type))
        {
            if (elements.Length == 0) _countedOnly += 4;
            else WriteI32(Count(pair));
        }

        output.Write(Widen(elements, NvNumbers.Width(pair.Type)));
    }

    // Never with the sign extended: the kernel refuses a word of which more is set than the element has.
    static byte[] Widen(byte[] elements, int width)
    {
        if (width >= 4) return elements;
        var words = new byte[elements.Length / width * 4];
        for (int from = 0, to = 4 - width; from < elements.Length; from += width, to += 4)
            elements.AsSpan(from, width).CopyTo(words.AsSpan(to));
        return words;
    }

    void WriteText(string text)
    {
        var bytes = NvText.Encode(text);
        WriteI32(bytes.Length);
        WritePadded(bytes);
    }

    void WritePadded(byte[] bytes)
    {
        output.Write(bytes);
        output.Write("\0\0\0"u8[..(int)(Align4(bytes.Length) - bytes.Length)]);
    }

    void WriteI32(int value)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, value);
        output.Write(word);
    }
}
