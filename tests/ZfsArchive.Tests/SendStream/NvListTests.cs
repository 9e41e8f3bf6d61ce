using System.Buffers.Binary;
using System.Security.Cryptography;
using ZfsArchive.SendStream;

namespace ZfsArchive.Tests.SendStream;

public class NvListTests
{
    public static TheoryData<NvEncoding, bool> Encodings => new()
    {
        { NvEncoding.Native, true },
        { NvEncoding.Native, false },
        { NvEncoding.Xdr, true },
    };

    public static TheoryData<string> GoldenStreams() => new(Directory.EnumerateFiles(GoldenFolder(), "*.zstream").Select(f => Path.GetFileName(f)!).Order());

    [Theory]
    [MemberData(nameof(GoldenStreams))]
    public void Every_list_in_a_real_stream_packs_to_the_bytes_it_was_parsed_from(string name)
    {
        foreach (var payload in BeginPayloads(File.ReadAllBytes(Path.Combine(GoldenFolder(), name))))
        {
            var packed = NvList.Parse(payload, out var consumed).Pack();

            Assert.Equal(payload[..consumed], packed);
            Assert.True(payload.Length - consumed < 8 && payload.AsSpan(consumed).IndexOfAnyExcept((byte)0) < 0);
        }
    }

    [Fact]
    public void The_golden_streams_hold_native_and_xdr_lists_with_the_facts_of_their_sends()
    {
        var lists = Directory.EnumerateFiles(GoldenFolder(), "*.zstream")
            .SelectMany(f => BeginPayloads(File.ReadAllBytes(f)))
            .Select(p => NvList.Parse(p, out _))
            .ToList();

        Assert.Contains(lists, l => l.Encoding == NvEncoding.Xdr && l.Text("tosnap") is not null && l.List("fss") is not null);
        Assert.Contains(lists, l => l.List("crypt_keydata") is { } keys && keys.Bytes("DSL_CRYPTO_IV") is { Length: 12 } && keys.UInt64("DSL_CRYPTO_VERSION") == 1);
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void All_types_survive_packing_and_parsing(NvEncoding encoding, bool littleEndian)
    {
        var list = NvListSample.OfAllTypes(encoding, littleEndian);

        var packed = list.Pack();
        var parsed = NvList.Parse(packed, out var consumed);

        Assert.Equal(packed.Length, consumed);
        Assert.Equal(27, list.Pairs.Select(p => p.Type).Distinct().Count());
        NvListSample.AssertSame(list, parsed);
        Assert.Equal((encoding, littleEndian), (parsed.Encoding, parsed.LittleEndian));
        Assert.Equal(packed, parsed.Pack());
    }

    // The digests are of the same list as packed by OpenZFS 2.4.99: nvpair.c, for XDR on the kernel's xdr, which knows no double.
    // ZFS leaves four zeros for each of the four empty arrays of numbers, which Pack does not.
    [Theory]
    [InlineData(NvEncoding.Native, 0, "cce22ca71b33767b6c066f0476b5981552bda0aa11b087bf33eb41363fe54e5e")]
    [InlineData(NvEncoding.Xdr, 12, "ef9f531c5e46930b75acd8b04f91257df7ca122b0e583fa437b4de4e38c4677b")]
    public void All_types_pack_as_OpenZFS_packs_them(NvEncoding encoding, int spare, string digest)
    {
        var list = NvListSample.OfAllTypes(encoding, littleEndian: true);
        if (encoding == NvEncoding.Xdr) list = list.Without("double");

        byte[] packed = [.. list.Pack(), .. new byte[spare]];

        Assert.Equal(digest, Convert.ToHexStringLower(SHA256.HashData(packed)));
    }

    [Theory]
    [InlineData(NvEncoding.Native, true, "00010000 00000000 01000000 20000000 0200 0000 01000000 08000000 6e00000000000000 0807060504030201 00000000")]
    [InlineData(NvEncoding.Native, false, "00000000 00000000 00000001 00000020 0002 0000 00000001 00000008 6e00000000000000 0102030405060708 00000000")]
    [InlineData(NvEncoding.Xdr, true, "01010000 00000000 00000001 00000020 00000020 00000001 6e000000 00000008 00000001 0102030405060708 00000000 00000000")]
    public void A_small_list_packs_as_the_format_says(NvEncoding encoding, bool littleEndian, string hex)
    {
        var list = new NvList([new("n", NvType.UInt64, 0x0102030405060708UL)], encoding, littleEndian);

        Assert.Equal(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), list.Pack());
    }

    [Fact]
    public void In_xdr_an_empty_array_counts_a_word_that_is_not_there()
    {
        var inner = new NvList([new("e", NvType.UInt64Array, Array.Empty<ulong>())]);
        var packed = new NvList([new("l", NvType.NvList, inner)], NvEncoding.Xdr).Pack();

        Assert.Equal(packed.Length - 12 - 8 + 4, BinaryPrimitives.ReadInt32BigEndian(packed.AsSpan(12)));
        Assert.Empty(NvList.Parse([.. packed, 0, 0, 0, 0], out var consumed).List("l")!.UInt64Array("e")!);
        Assert.Equal(packed.Length, consumed);
    }

    [Fact]
    public void In_xdr_an_extended_sign_is_read_and_not_written()
    {
        var list = new NvList([new("n", NvType.UInt8Array, new byte[] { 200 })], NvEncoding.Xdr);
        var kernel = list.Pack();
        var library = kernel.ToArray();
        var word = library.Length - 12;
        Assert.Equal([0, 0, 0, 200], library[word..(word + 4)]);
        library.AsSpan(word, 3).Fill(0xff);

        Assert.Equal(new byte[] { 200 }, NvList.Parse(library, out _).Bytes("n"));
        Assert.Equal(kernel, NvList.Parse(library, out _).Pack());
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Bytes_that_are_no_utf8_survive(NvEncoding encoding, bool littleEndian)
    {
        var seed = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var bytes = Enumerable.Range(0, 12).Select(_ => (byte)(seed.Next(3) == 0 ? seed.Next(1, 128) : seed.Next(128, 256))).ToArray();
            var packed = new NvList([new("twelve bytes", NvType.String, "twelve bytes")], encoding, littleEndian).Pack();
            for (int at; (at = packed.AsSpan().IndexOf("twelve bytes"u8)) >= 0;) bytes.CopyTo(packed, at);

            Assert.Equal(packed, NvList.Parse(packed, out _).Pack());
        }
    }

    [Fact]
    public void Valid_utf8_reads_as_text()
    {
        Assert.Equal("héllo \uDCFF", NvList.Parse(NvListSample.OfAllTypes(NvEncoding.Native, true).Pack(), out _).Text("string"));
        Assert.Equal("żółć 🐘", NvList.Parse(new NvList([new("s", NvType.String, "żółć 🐘")]).Pack(), out _).Text("s"));
    }

    [Fact]
    public void Getters_give_null_for_what_is_absent_or_of_another_type()
    {
        var list = NvListSample.OfAllTypes(NvEncoding.Native, true);

        Assert.True(list.Has("boolean") && !list.Has("Boolean"));
        Assert.Equal((18446744073709551612UL, null, null), (list.UInt64("uint64"), list.UInt64("uint32"), list.UInt64("absent")));
        Assert.Equal([1, 2, 250], list.Bytes("byte_array")!);
        Assert.Equal([1, 255, 128, 0, 7], list.Bytes("uint8_array")!);
        Assert.Equal([1, 1UL << 63], list.UInt64Array("uint64_array"));
        Assert.Equal(5UL, list.List("nvlist")!.UInt64("a"));
        Assert.True(list.Text("uint64") is null && list.Bytes("string") is null && list.UInt64Array("int64_array") is null && list.List("nvlist_array") is null);
    }

    [Fact]
    public void Changed_copies_keep_order_encoding_and_the_original()
    {
        var list = new NvList([Number("a", 1), Number("b", 2), Number("c", 3)], NvEncoding.Xdr, littleEndian: false, flags: 2);

        var first = list.WithFirst(Number("r", 8), Number("b", 9));
        var with = list.With(Number("b", 4), Number("d", 5));

        Assert.Equal([Number("r", 8), Number("b", 9), Number("a", 1), Number("c", 3)], first.Pairs);
        Assert.Equal([Number("a", 1), Number("b", 4), Number("c", 3), Number("d", 5)], with.Pairs);
        Assert.Equal(["a", "c"], list.Without("b").Without("absent").Pairs.Select(p => p.Name));
        Assert.Equal((NvEncoding.Xdr, false, 2u), (first.Encoding, with.LittleEndian, list.Without("b").Flags));
        Assert.Equal(3, list.Pairs.Count);
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void What_cannot_be_packed_is_refused(NvEncoding encoding, bool littleEndian)
    {
        NvPair[] refused =
        [
            new("n", NvType.UInt64, 1), new("n", NvType.UInt64, null), new("n", NvType.Boolean, true), new("n", NvType.NvList, "list"),
            new("n", NvType.NvListArray, new NvList([])), new("n", NvType.NvList, Array.Empty<NvList>()), new("n", NvType.UInt64Array, new byte[8]),
            new("n", NvType.StringArray, new byte[8]), new("n", (NvType)28, 1), new("n", NvType.String, "a\0b"), new("n", NvType.String, "\uD800"),
            new("n", NvType.String, "\uDC7F"), new(new string('n', 32767), NvType.Boolean, null),
        ];

        foreach (var pair in refused) Assert.Throws<NvListException>(() => new NvList([pair], encoding, littleEndian).Pack());
    }

    static NvPair Number(string name, ulong value) => new(name, NvType.UInt64, value);

    static string GoldenFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "ZfsArchive.sln"))) folder = folder.Parent;
        return Path.Combine(folder.FullName, "tests", "golden");
    }

    // As much of the framing as is needed to come from one BEGIN to the next; a damaged stream ends where it makes no sense any more.
    static IEnumerable<byte[]> BeginPayloads(byte[] stream)
    {
        for (long at = 0, size; at + 312 <= stream.Length; at += 312 + size)
        {
            var record = stream.AsSpan((int)at, 312);
            var type = (int)U32(record, 0);
            size = type switch
            {
                0 => U32(record, 4),
                1 => U32(record, 36) != 0 ? U32(record, 36) : (U32(record, 28) + 7) / 8 * 8,
                3 => U32(record, record[50] != 0 ? 96 : 32),
                7 => U32(record, U32(record, 40) != 0 ? 40 : 16),
                8 => (U32(record, 52) + 7) / 8 * 8,
                _ => 0,
            };
            if (type > 10 || at + 312 + size > stream.Length) yield break;
            if (type == 0 && U32(record, 8) == 0xF5BACBAC && size > 0) yield return stream[((int)at + 312)..((int)(at + size) + 312)];
        }
    }

    static long U32(ReadOnlySpan<byte> record, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(record[offset..]);
}
