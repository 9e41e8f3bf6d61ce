using ZfsArchive.SendStream;

namespace ZfsArchive.Tests.SendStream;

static class NvListSample
{
    /// <summary>One pair and more of every type, with empty arrays; the same that the digests in <see cref="NvListTests"/> are of.</summary>
    public static NvList OfAllTypes(NvEncoding encoding, bool littleEndian)
    {
        var inner = List(NvList.UniqueNames, new("a", NvType.UInt64, 5UL), new("b", NvType.String, "xxxxxxxxx"));
        var other = List(2, new("deep", NvType.NvList, inner), new("none", NvType.UInt64Array, Array.Empty<ulong>()));
        return new(
            [
                new("boolean", NvType.Boolean, null),
                new("byte", NvType.Byte, (byte)200),
                new("int16", NvType.Int16, (short)-2),
                new("uint16", NvType.UInt16, (ushort)65534),
                new("int32", NvType.Int32, -3),
                new("uint32", NvType.UInt32, 4294967293u),
                new("int64", NvType.Int64, -4L),
                new("uint64", NvType.UInt64, 18446744073709551612UL),
                new("string", NvType.String, "héllo \uDCFF"),
                new("byte_array", NvType.ByteArray, new byte[] { 1, 2, 250 }),
                new("int16_array", NvType.Int16Array, new short[] { -1, 2, -3 }),
                new("uint16_array", NvType.UInt16Array, new ushort[] { 1, 65535 }),
                new("int32_array", NvType.Int32Array, new[] { -1, 2, -3 }),
                new("uint32_array", NvType.UInt32Array, new[] { 1u, 4294967295u }),
                new("int64_array", NvType.Int64Array, new[] { -1L, 2 }),
                new("uint64_array", NvType.UInt64Array, new[] { 1UL, 1UL << 63 }),
                new("string_array", NvType.StringArray, new[] { "a", "bcd", "" }),
                new("hrtime", NvType.HrTime, 123456789012345L),
                new("nvlist", NvType.NvList, inner),
                new("nvlist_array", NvType.NvListArray, new[] { inner, List(NvList.UniqueNames), other }),
                new("boolean_value", NvType.BooleanValue, true),
                new("int8", NvType.Int8, (sbyte)-5),
                new("uint8", NvType.UInt8, (byte)251),
                new("boolean_array", NvType.BooleanArray, new[] { true, false, true }),
                new("int8_array", NvType.Int8Array, new sbyte[] { -1, 2, -128 }),
                new("uint8_array", NvType.UInt8Array, new byte[] { 1, 255, 128, 0, 7 }),
                new("double", NvType.Double, -1.5),
                new("e1", NvType.UInt8Array, Array.Empty<byte>()),
                new("e2", NvType.ByteArray, Array.Empty<byte>()),
                new("e3", NvType.StringArray, Array.Empty<string>()),
                new("e4", NvType.NvListArray, Array.Empty<NvList>()),
                new("e5", NvType.BooleanArray, Array.Empty<bool>()),
            ],
            encoding, littleEndian);

        NvList List(uint flags, params NvPair[] pairs) => new(pairs, encoding, littleEndian, flags);
    }

    public static void AssertSame(NvList expected, NvList actual)
    {
        Assert.Equal(expected.Flags, actual.Flags);
        Assert.Equal(expected.Pairs.Select(p => (p.Name, p.Type)), actual.Pairs.Select(p => (p.Name, p.Type)));
        foreach (var (left, right) in expected.Pairs.Zip(actual.Pairs))
        {
            if (left.Value is NvList list) AssertSame(list, (NvList)right.Value!);
            else if (left.Value is NvList[] lists) Assert.All(lists.Zip((NvList[])right.Value!), pair => AssertSame(pair.First, pair.Second));
            else Assert.Equal(left.Value, right.Value);
            Assert.Equal(left.Value?.GetType(), right.Value?.GetType());
        }
    }
}
