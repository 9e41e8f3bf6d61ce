using System.Buffers.Binary;
using ZfsArchive.SendStream;

namespace ZfsArchive.Tests.SendStream;

public class NvListDamageTests
{
    const int Depth = 20;
    const int Head = 12;
    const string TooDeep = "more than 20 lists";

    public static TheoryData<NvEncoding, bool> Encodings => NvListTests.Encodings;

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Randomly_damaged_lists_parse_or_are_refused(NvEncoding encoding, bool littleEndian)
    {
        var whole = NvListSample.OfAllTypes(encoding, littleEndian).Pack();
        var seed = new Random(20);
        var refused = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = Damage(whole, seed);
            try
            {
                var list = NvList.Parse(damaged, out var consumed);
                Assert.InRange(consumed, 0, damaged.Length);
                NvListSample.AssertSame(list, NvList.Parse(list.Pack(), out _));
            }
            catch (NvListException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 5_000, 19_000);
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Every_cut_is_noticed(NvEncoding encoding, bool littleEndian)
    {
        var whole = NvListSample.OfAllTypes(encoding, littleEndian).Pack();

        for (var length = 0; length < whole.Length; length++) Assert.Throws<NvListException>(() => NvList.Parse(whole.AsSpan(0, length), out _));
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void What_follows_the_end_mark_is_left_alone(NvEncoding encoding, bool littleEndian)
    {
        var whole = NvListSample.OfAllTypes(encoding, littleEndian).Pack();

        NvList.Parse([.. whole, 9, 9, 9, 9, 9], out var consumed);

        Assert.Equal(whole.Length, consumed);
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Lists_nest_twenty_deep_and_no_deeper(NvEncoding encoding, bool littleEndian)
    {
        var nested = Nested(Depth, encoding, littleEndian);
        NvListSample.AssertSame(nested, NvList.Parse(nested.Pack(), out _));

        var notPacked = Assert.Throws<NvListException>(() => Nested(Depth + 1, encoding, littleEndian).Pack());
        var notParsed = Assert.Throws<NvListException>(() => NvList.Parse(OneLevelMore(nested), out _));

        Assert.Contains(TooDeep, notPacked.Message, StringComparison.Ordinal);
        Assert.Contains(TooDeep, notParsed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void A_bomb_of_nested_lists_is_refused(NvEncoding encoding, bool littleEndian)
    {
        // One list in another, cut off before the end marks, so that the opening repeats.
        var one = Nested(1, encoding, littleEndian).Pack();
        var opening = one[Head..(Head + OpeningSize(encoding))];
        byte[] bomb = [.. one[..Head], .. Enumerable.Repeat(opening, 100_000).SelectMany(level => level)];

        var refused = Assert.Throws<NvListException>(() => NvList.Parse(bomb, out _));

        Assert.Contains(TooDeep, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void A_count_beyond_the_bytes_left_is_refused_before_memory_is_taken(NvEncoding encoding, bool littleEndian)
    {
        object[] arrays = [Array.Empty<byte>(), Array.Empty<ulong>(), Array.Empty<string>(), Array.Empty<NvList>(), Array.Empty<byte>(), Array.Empty<bool>()];
        NvType[] types = [NvType.UInt8Array, NvType.UInt64Array, NvType.StringArray, NvType.NvListArray, NvType.ByteArray, NvType.BooleanArray];
        foreach (var (type, array) in types.Zip(arrays))
        {
            foreach (var count in new[] { int.MaxValue, 0x10000000, 100_000_000, 1000, -1, int.MinValue })
            {
                byte[] packed = [.. new NvList([new("a", type, array)], encoding, littleEndian).Pack(), .. new byte[64]];
                PutI32(packed, encoding == NvEncoding.Xdr ? 32 : 20, count);
                if (encoding == NvEncoding.Xdr) PutI32(packed, 36, count);

                var before = GC.GetAllocatedBytesForCurrentThread();
                Assert.Throws<NvListException>(() => NvList.Parse(packed, out _));
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void A_name_that_occurs_twice_is_refused(NvEncoding encoding, bool littleEndian)
    {
        var packed = new NvList([new("abc", NvType.Boolean, null), new("abd", NvType.Boolean, null)], encoding, littleEndian).Pack();
        packed[packed.AsSpan().IndexOf("abd"u8) + 2] = (byte)'c';

        Assert.Throws<NvListException>(() => NvList.Parse(packed, out _));
        Assert.Throws<NvListException>(() => new NvList([new("a", NvType.Boolean, null), new("a", NvType.Byte, (byte)1)]));
    }

    [Theory]
    [InlineData(0, 2)]      // encoding
    [InlineData(1, 2)]      // byte order
    [InlineData(4, 1)]      // version
    [InlineData(12, 23)]    // size of the pair: less than any has
    [InlineData(12, 24)]    // size of the pair: less than this one has
    [InlineData(12, 36)]    // size of the pair: more than this one has
    [InlineData(15, 0x80)]  // size of the pair: negative
    [InlineData(15, 0x7f)]  // size of the pair: beyond the end
    [InlineData(16, 1)]     // size of the name: does not reach its end
    [InlineData(16, 3)]     // size of the name: beyond its end
    [InlineData(16, 0)]     // size of the name: none
    [InlineData(17, 0x80)]  // size of the name: negative
    [InlineData(17, 0x7f)]  // size of the name: beyond the pair
    [InlineData(20, 2)]     // elements of a string
    [InlineData(24, 28)]    // type
    [InlineData(29, (byte)'x')] // the end of the name
    [InlineData(43, (byte)'x')] // the end of the string, and of the pair
    public void One_wrong_byte_in_a_native_list_is_refused(int offset, byte value)
    {
        var packed = new NvList([new("n", NvType.String, "sevenpl")]).Pack();
        Assert.Equal(48, NvList.Parse(packed, out _).Pack().Length);
        packed[offset] = value;

        Assert.Throws<NvListException>(() => NvList.Parse(packed, out _));
    }

    [Theory]
    [InlineData(1, 2)]      // byte order
    [InlineData(7, 1)]      // version
    [InlineData(16, 0x80)]  // native size: negative
    [InlineData(19, 31)]    // native size: less than the pair needs
    [InlineData(19, 40)]    // native size: more than the pair needs
    [InlineData(20, 0xff)]  // length of the name
    [InlineData(25, 1)]     // padding of the name
    [InlineData(24, 0)]     // a NUL as the name
    [InlineData(31, 28)]    // type
    [InlineData(35, 0)]     // elements of a string
    [InlineData(39, 200)]   // length of the string
    [InlineData(47, 1)]     // padding of the string
    public void One_wrong_byte_in_an_xdr_list_is_refused(int offset, byte value)
    {
        var packed = new NvList([new("n", NvType.String, "sevenpl")], NvEncoding.Xdr).Pack();
        Assert.Equal(56, NvList.Parse(packed, out _).Pack().Length);
        packed[offset] = value;

        Assert.Throws<NvListException>(() => NvList.Parse(packed, out _));
    }

    [Fact]
    public void A_native_pair_with_room_behind_its_value_is_refused()
    {
        byte[] roomy = [.. new NvList([new("n", NvType.UInt64, 1UL)]).Pack(), .. new byte[8]];
        PutI32(roomy, 12, 40);

        Assert.Throws<NvListException>(() => NvList.Parse(roomy, out _));
    }

    [Theory]
    [InlineData(39, 2)] // the second count
    [InlineData(42, 1)] // above the byte in its word
    [InlineData(40, 0xff)] // an extended sign that is not whole
    public void One_wrong_byte_in_an_xdr_array_is_refused(int offset, byte value)
    {
        var packed = new NvList([new("n", NvType.UInt8Array, new byte[] { 7 })], NvEncoding.Xdr).Pack();
        Assert.Equal([0, 0, 0, 1, 0, 0, 0, 7], packed[36..44]);
        packed[offset] = value;

        Assert.Throws<NvListException>(() => NvList.Parse(packed, out _));
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void A_boolean_is_zero_or_one(NvEncoding encoding, bool littleEndian)
    {
        var packed = new NvList([new("n", NvType.BooleanValue, false)], encoding, littleEndian).Pack();
        packed[36] = 2;

        Assert.Throws<NvListException>(() => NvList.Parse(packed, out _));
    }

    static byte[] Damage(byte[] whole, Random seed)
    {
        ReadOnlySpan<int> extremes = [0, 1, -1, int.MaxValue, int.MinValue, 0x7fff, 0x10000000];
        var damaged = seed.Next(8) == 0 ? whole[..seed.Next(whole.Length)] : whole.ToArray();
        for (var left = seed.Next(1, 4); left > 0 && damaged.Length >= 4; left--)
        {
            if (seed.Next(4) == 0) PutI32(damaged, seed.Next(damaged.Length / 4) * 4, extremes[seed.Next(extremes.Length)]);
            else damaged[seed.Next(damaged.Length)] ^= (byte)(1 << seed.Next(8));
        }

        return damaged;

        void PutI32(byte[] target, int at, int value)
        {
            if (whole[0] == 0 && whole[1] == 1) BinaryPrimitives.WriteInt32LittleEndian(target.AsSpan(at), value);
            else BinaryPrimitives.WriteInt32BigEndian(target.AsSpan(at), value);
        }
    }

    static NvList Nested(int depth, NvEncoding encoding, bool littleEndian)
    {
        var list = new NvList([], encoding, littleEndian);
        for (; depth > 0; depth--) list = new([new("l", NvType.NvList, list)], encoding, littleEndian);
        return list;
    }

    // The opening of the first nested list once more, and its end mark.
    static byte[] OneLevelMore(NvList nested)
    {
        var packed = nested.Pack();
        return [.. packed[..(Head + OpeningSize(nested.Encoding))], .. packed[Head..], .. new byte[8]];
    }

    // XDR: two sizes, name, type, count, then version and nvflag of the nested list; native: the pair with a structure as its value.
    static int OpeningSize(NvEncoding encoding) => encoding == NvEncoding.Xdr ? 32 : 48;

    static void PutI32(byte[] packed, int at, int value)
    {
        if (packed[0] == 0 && packed[1] == 1) BinaryPrimitives.WriteInt32LittleEndian(packed.AsSpan(at), value);
        else BinaryPrimitives.WriteInt32BigEndian(packed.AsSpan(at), value);
    }
}
