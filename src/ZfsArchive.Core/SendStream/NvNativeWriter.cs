using System.Buffers.Binary;
using static ZfsArchive.SendStream.NvListWriter;

namespace ZfsArchive.SendStream;

/// <summary>Writes the native form, in either byte order; the layout is told at <see cref="NvNativeReader"/>.</summary>
sealed class NvNativeWriter(MemoryStream output, bool littleEndian)
{
    public void WriteWhole(NvList list)
    {
        Span<byte> head = stackalloc byte[8];
        PutHead(head, list);
        output.Write(head);
        WritePairs(list, depth: 0);
    }

    void WritePairs(NvList list, int depth)
    {
        NvListReader.RequireDepth(depth);
        foreach (var pair in list.Pairs)
        {
            output.Write(Pack(pair));
            foreach (var nested in Lists(pair)) WritePairs(nested, depth + 1);
        }

        output.Write("\0\0\0\0"u8);
    }

    byte[] Pack(NvPair pair)
    {
        var packed = new byte[NativeSize(pair)];
        var name = NvText.Encode(pair.Name);
        PutI32(packed, packed.Length);
        PutI16(packed.AsSpan(4), (short)(name.Length + 1));
        PutI32(packed.AsSpan(8), Count(pair));
        PutI32(packed.AsSpan(12), (int)pair.Type);
        name.CopyTo(packed.AsSpan(16));
        PutValue(packed.AsSpan((int)Align8(16 + name.Length + 1)), pair);
        return packed;
    }

    void PutValue(Span<byte> target, NvPair pair)
    {
        switch (pair.Type, pair.Value)
        {
            case (NvType.Boolean, _):
                break;
            case (NvType.String, string text):
                NvText.Encode(text).CopyTo(target);
                break;
            case (NvType.StringArray, string[] texts):
                PutTexts(target[(8 * texts.Length)..], texts);
                break;
            case (NvType.NvList, NvList list):
                PutHead(target, list);
                break;
            case (NvType.NvListArray, NvList[] lists):
                for (var i = 0; i < lists.Length; i++) PutHead(target[(8 * lists.Length + ListStructure * i)..], lists[i]);
                break;
            default:
                NvNumbers.Write(pair.Type, pair.Value, littleEndian).CopyTo(target);
                break;
        }
    }

    static void PutTexts(Span<byte> target, string[] texts)
    {
        foreach (var text in texts)
        {
            var bytes = NvText.Encode(text);
            bytes.CopyTo(target);
            target = target[(bytes.Length + 1)..];
        }
    }

    // The version, at 0, is 0.
    void PutHead(Span<byte> target, NvList list) => PutI32(target[4..], (int)list.Flags);

    void PutI16(Span<byte> target, short value)
    {
        if (littleEndian) BinaryPrimitives.WriteInt16LittleEndian(target, value);
        else BinaryPrimitives.WriteInt16BigEndian(target, value);
    }

    void PutI32(Span<byte> target, int value)
    {
        if (littleEndian) BinaryPrimitives.WriteInt32LittleEndian(target, value);
        else BinaryPrimitives.WriteInt32BigEndian(target, value);
    }
}
