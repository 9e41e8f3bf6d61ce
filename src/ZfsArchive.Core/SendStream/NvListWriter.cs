namespace ZfsArchive.SendStream;

/// <summary>Packs lists as ZFS does (OpenZFS nvpair.c wire format).</summary>
static class NvListWriter
{
    /// <summary>A native pair with an empty name and no value, bytes.</summary>
    public const int SmallestPair = 24;

    /// <summary>struct nvlist in a native value: version, nvflag, pointer (8 bytes), flag, padding.</summary>
    public const int ListStructure = 24;

    const int LargestName = short.MaxValue - 1;

    /// <exception cref="NvListException">A value is not of its pair's type, a text cannot be stored, or lists nest too deep.</exception>
    public static byte[] Write(NvList list)
    {
        using var output = new MemoryStream();
        output.Write([(byte)list.Encoding, (byte)(list.LittleEndian ? 1 : 0), 0, 0]);
        if (list.Encoding == NvEncoding.Xdr) new NvXdrWriter(output).WriteList(list, depth: 0);
        else new NvNativeWriter(output, list.LittleEndian).WriteWhole(list);
        return output.ToArray();
    }

    public static long Align4(long size) => (size + 3) & ~3L;

    public static long Align8(long size) => (size + 7) & ~7L;

    /// <summary>Bytes of the pair in native form; of nested lists only their structures count. XDR tells it too, as decoded_size.</summary>
    /// <exception cref="NvListException">The value is not of the pair's type, a text cannot be stored, or the pair is beyond 2 GiB.</exception>
    public static int NativeSize(NvPair pair)
    {
        var name = NvText.ByteCount(pair.Name);
        if (name > LargestName) throw new NvListException($"a name of {name} bytes");
        var size = Align8(16 + name + 1) + Align8(ValueSize(pair));
        return size <= int.MaxValue ? (int)size : throw new NvListException($"the pair '{pair.Name}' has {size} bytes");
    }

    static long ValueSize(NvPair pair) => (pair.Type, pair.Value) switch
    {
        (NvType.Boolean, null) => 0,
        (NvType.String, string text) => NvText.ByteCount(text) + 1,
        (NvType.StringArray, string[] texts) => texts.Sum(text => 8 + NvText.ByteCount(text) + 1),
        (NvType.NvList, NvList) => ListStructure,
        (NvType.NvListArray, NvList[] lists) => (8L + ListStructure) * lists.Length,
        (var type, Array array) when IsNumbers(type) && NvNumbers.IsArray(type) => (long)NvNumbers.Width(type) * array.Length,
        (var type, not (null or Array)) when IsNumbers(type) && !NvNumbers.IsArray(type) => NvNumbers.Width(type),
        var (type, value) => throw NvNumbers.Mismatch(type, value),
    };

    static bool IsNumbers(NvType type) => NvNumbers.Width(type) > 0;

    /// <summary>nelem of a pair whose <see cref="NativeSize"/> is known, so that its value is of the right shape.</summary>
    public static int Count(NvPair pair) => NvNumbers.IsArray(pair.Type) ? ((Array)pair.Value!).Length : pair.Type == NvType.Boolean ? 0 : 1;

    /// <summary>The lists nested in the pair; none for other types.</summary>
    public static ReadOnlySpan<NvList> Lists(NvPair pair) => pair.Value switch
    {
        NvList list => new[] { list },
        NvList[] lists => lists,
        _ => [],
    };
}
