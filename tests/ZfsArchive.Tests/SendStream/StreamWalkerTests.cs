using System.Globalization;
using System.Text.RegularExpressions;
using ZfsArchive.SendStream;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.SendStream;

public sealed partial class StreamWalkerTests
{
    public static TheoryData<string> Whole => Golden.Whole;
    public static TheoryData<string> Damaged => Golden.Damaged;

    static StreamWalker Walk(ReadOnlySpan<byte> bytes, Func<int, int>? pieces = null)
    {
        var walker = new StreamWalker();
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..int.Min(bytes.Length, pieces?.Invoke(bytes.Length) ?? bytes.Length)];
            bytes = bytes[walker.Feed(piece)..];
        }
        return walker;
    }

    static StreamDamage? DamageIn(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Walk(bytes).Finish();
        }
        catch (StreamDamageException e)
        {
            return e.Damage;
        }
    }

    [Theory, MemberData(nameof(Whole))]
    public void A_real_stream_is_whole_and_counted_as_zstream_counts_it(string name)
    {
        var walker = Walk(Golden.Bytes(name));

        Assert.Null(walker.Finish());
        var dump = Golden.Dump(name);
        foreach (Match total in Totals().Matches(dump))
        {
            var type = Enum.GetValues<RecordType>().Single(t => t.WireName() == total.Groups[1].Value);
            var counted = walker.Ended.Sum(s => s.Counts[(int)type]);
            if (walker.Package is not null && type is RecordType.Begin or RecordType.End) continue;
            Assert.Equal(long.Parse(total.Groups[2].Value, CultureInfo.InvariantCulture), counted);
        }
    }

    [Theory, MemberData(nameof(Whole))]
    public void A_real_stream_tells_who_it_is(string name)
    {
        var walker = Walk(Golden.Bytes(name));
        var expected = Golden.Entry(name).GetProperty("streams").EnumerateArray().Where(s => s.GetProperty("hdrtype").GetString() == "substream").ToList();

        Assert.Equal(expected.Count, walker.Ended.Length);
        foreach (var (seen, entry) in walker.Ended.Zip(expected))
        {
            var begin = seen.Begin!;
            Assert.Equal(entry.GetProperty("toname").GetString(), begin.ToName);
            Assert.Equal(entry.GetProperty("toguid").GetString(), begin.ToGuid.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(entry.GetProperty("fromguid").GetString(), begin.FromGuid.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(entry.GetProperty("begin_flags").GetUInt32(), (uint)begin.Flags);
            Assert.Equal(entry.GetProperty("features_hex").GetString(), $"0x{begin.Features.Bits:x}");
            Assert.Equal(entry.GetProperty("features").EnumerateArray().Select(f => f.GetString()!.ToUpperInvariant()), begin.Features.Names);
            Assert.Equal(begin.Features.Raw, begin.Crypt is not null);
            Assert.Empty(seen.Warnings);
        }
    }

    [Theory, MemberData(nameof(Damaged))]
    public void A_damaged_stream_is_noticed(string name) => Assert.NotNull(DamageIn(Golden.Bytes(name)));

    [Theory]
    [InlineData("damaged-cut-mid-payload", 57500)]
    [InlineData("damaged-cut-mid-header", 57500)]
    [InlineData("damaged-cut-at-record", 57500)]
    [InlineData("damaged-cut-before-end", 108468)]
    [InlineData("damaged-empty", 0)]
    [InlineData("damaged-flip-payload", 58324)]
    [InlineData("damaged-flip-header", 57500)]
    [InlineData("damaged-flip-begin", 1340)]
    [InlineData("damaged-flip-end", 108468)]
    [InlineData("damaged-extra-tail", 108780)]
    public void Damage_has_its_place(string name, long offset) => Assert.Equal(offset, DamageIn(Golden.Bytes(name))!.Offset);

    [Fact]
    public void A_damaged_stream_still_tells_what_it_was_as_far_as_it_was_read()
    {
        var walker = new StreamWalker();
        Assert.Throws<StreamDamageException>(() => walker.Feed(Golden.Bytes("damaged-flip-payload")));
        Assert.Equal("tank/chain@s0", Assert.Single(walker.Substreams).Begin!.ToName);
        Assert.Equal(58324, walker.Position);
    }

    [Fact]
    public void Pieces_of_any_size_walk_the_same()
    {
        foreach (var name in new[] { "chain-incr1", "R-raw-full", "lz4-full-e" })
        {
            var bytes = Golden.Bytes(name);
            var whole = Walk(bytes);
            for (var seed = 0; seed < 30; seed++)
            {
                var random = new Random(seed);
                var walker = Walk(bytes, left => 1 + random.Next(int.Min(left, seed < 10 ? 7 : 5000)));
                Assert.Null(walker.Finish());
                Assert.Equal(whole.Ended.Select(s => (s.Length, s.EndChecksum)), walker.Ended.Select(s => (s.Length, s.EndChecksum)));
            }
        }
    }

    [Theory, InlineData("plain-incr-empty"), InlineData("raw-pass-incr-empty"), InlineData("zvol-plain-incr")]
    public void Every_prefix_is_refused(string name)
    {
        var bytes = Golden.Bytes(name);
        for (var length = 0; length < bytes.Length; length++) Assert.NotNull(DamageIn(bytes.AsSpan(0, length)));
    }

    [Theory, InlineData("chain-incr2"), InlineData("R-raw-incr-I"), InlineData("large-dnode-full-c")]
    public void No_flipped_bit_goes_unseen(string name)
    {
        var bytes = Golden.Bytes(name);
        var random = new Random(7);
        for (var i = 0; i < 1000; i++)
        {
            var (at, bit) = (random.Next(bytes.Length), random.Next(8));
            bytes[at] ^= (byte)(1 << bit);
            Assert.True(DamageIn(bytes) is not null, $"byte {at}, bit {bit}");
            bytes[at] ^= (byte)(1 << bit);
        }
    }

    [Fact]
    public void A_missing_checksum_in_END_is_damage_where_other_records_have_theirs()
    {
        var bytes = Golden.Bytes("chain-incr2");
        bytes.AsSpan(^32..).Clear();
        Assert.Equal(bytes.Length - RecordHeader.Size, DamageIn(bytes)!.Offset);
    }

    [Fact]
    public void A_walk_can_begin_at_any_record_with_the_sum_before_it()
    {
        var bytes = Golden.Bytes("chain-full");
        var first = new SubstreamWalker();
        var cut = first.Feed(bytes, stopAt: 50_000);
        Assert.True(first.AtBoundary);

        var second = new SubstreamWalker(first.Begin!.BigEndian, first.Begin.Features.Raw, first.Checksum, cut);
        second.Feed(bytes.AsSpan(cut));
        Assert.True(second.Ended);
        Assert.Equal(new RecordKey(RecordType.Object, second.FirstRecord!.Value.Object, 0).Type, second.FirstRecord.Value.Type);
        Assert.Throws<StreamDamageException>(() => new SubstreamWalker(first.Begin!.BigEndian, first.Begin.Features.Raw, first.Checksum with { A = 1 }, cut).Feed(bytes.AsSpan(cut)));
    }

    [Fact]
    public void A_record_type_that_nobody_knows_makes_the_rest_opaque_if_its_checksum_is_right()
    {
        var bytes = Golden.Bytes("plain-incr-empty");
        var output = new MemoryStream();
        var writer = new RecordWriter(output, false);
        writer.Begin(new(bytes.AsSpan(0, RecordHeader.Size), false), []);
        var unknown = new byte[RecordHeader.Size];
        unknown[0] = 11;
        writer.Write(new(unknown, false), []);
        output.Write("whatever"u8);
        var stream = output.ToArray();

        var walker = Walk(stream);
        Assert.Null(walker.Finish());
        Assert.Equal(RecordHeader.Size, walker.Current.OpaqueFrom);
        stream[RecordHeader.Size + 20] ^= 1;
        Assert.NotNull(DamageIn(stream));
    }

    [Theory, MemberData(nameof(Whole))]
    public void A_stream_rewritten_field_by_field_is_the_same_bytes(string name)
    {
        var bytes = Golden.Bytes(name);
        var output = new MemoryStream();
        RewriteAll(bytes, output);
        Assert.Equal(bytes, output.ToArray());
    }

    static void RewriteAll(ReadOnlySpan<byte> bytes, Stream output)
    {
        RecordWriter? writer = null;
        while (!bytes.IsEmpty)
        {
            var header = new RecordHeader(bytes[..RecordHeader.Size], false);
            var payload = bytes.Slice(RecordHeader.Size, (int)header.PayloadLength);
            var draft = new RecordDraft(header.Type, false);
            foreach (var field in RecordLayout.FieldsOf(header.Type))
            {
                if (field.IsNumber) draft.Set(field, new RecordDraft(header).Get(field));
                else header.Bytes.Slice(field.Offset, field.Size).CopyTo(draft.Raw(field));
            }
            if (header.Type is RecordType.Begin)
            {
                var begin = BeginRecord.Decode(header, payload.ToArray());
                writer = new(output, false, unsealedEnd: begin.IsPackage);
                writer.Begin(draft.Header, begin.Properties?.Pack() is { } packed ? [.. packed, .. new byte[payload.Length - packed.Length]] : []);
            }
            else if (writer is null)
            {
                output.Write(draft.Header.Bytes);
            }
            else
            {
                writer.Write(draft.Header, payload);
                if (header.Type is RecordType.End) writer = null;
            }
            bytes = bytes[(RecordHeader.Size + payload.Length)..];
        }
    }

    [Fact]
    public void A_big_endian_stream_walks_as_well()
    {
        var output = new MemoryStream();
        var writer = new RecordWriter(output, bigEndian: true);
        var begin = new RecordDraft(RecordType.Begin, true) { ["magic"] = BeginRecord.Magic, ["versioninfo"] = 4 << 2 | 1, ["type"] = 2, ["toguid"] = 77, ["creation_time"] = 5 };
        "tank/be@s"u8.CopyTo(begin.Raw(RecordLayout.FieldsOf(RecordType.Begin)[^1]));
        writer.Begin(begin.Header, []);
        writer.Write(new RecordDraft(RecordType.Object, true) { ["object"] = 1, ["type"] = 19, ["blksz"] = 512, ["bonuslen"] = 12 }.Header, new byte[16]);
        var data = new byte[70_000 / 512 * 512];
        new Random(1).NextBytes(data);
        writer.Write(new RecordDraft(RecordType.Write, true) { ["object"] = 1, ["type"] = 19, ["logical_size"] = (ulong)data.Length }.Header, data);
        writer.Write(new RecordDraft(RecordType.End, true) { ["toguid"] = 77 }.Header, []);

        var stream = output.ToArray();
        var walker = Walk(stream);
        Assert.Null(walker.Finish());
        Assert.True(walker.Ended[0].Begin!.BigEndian);
        Assert.Equal(77UL, walker.Ended[0].Begin!.ToGuid);
        stream[5000] ^= 4;
        Assert.NotNull(DamageIn(stream));
    }

    [GeneratedRegex("Total DRR_(\\w+) records = (\\d+)")]
    private static partial Regex Totals();
}
