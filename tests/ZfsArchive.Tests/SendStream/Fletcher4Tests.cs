using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ZfsArchive.SendStream;

namespace ZfsArchive.Tests.SendStream;

public sealed class Fletcher4Tests
{
    static byte[] Bytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    static Fletcher4State Reference(ReadOnlySpan<byte> bytes, bool bigEndian)
    {
        ulong a = 0, b = 0, c = 0, d = 0;
        for (var i = 0; i + 4 <= bytes.Length; i += 4)
        {
            var word = bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes[i..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..]);
            unchecked { a += word; b += a; c += b; d += c; }
        }
        return new(a, b, c, d);
    }

    [Theory, InlineData(2), InlineData(4), InlineData(8)]
    public void Every_width_of_lanes_sums_as_the_plain_loop(int lanes)
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var words = MemoryMarshal.Cast<byte, uint>(Bytes(lanes * 4 * (1 + seed * 37), seed)).ToArray();
            var start = new Fletcher4State(1, ulong.MaxValue - 5, (ulong)seed << 50, 77);
            Assert.Equal(Fletcher4.AppendScalar(start, words), Fletcher4.AppendLanes(start, words, lanes));
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Pieces_of_any_size_give_the_sum_of_the_whole(bool bigEndian)
    {
        var bytes = Bytes(3_000_004, 1);
        var expected = Reference(bytes, bigEndian);
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var sum = new Fletcher4(bigEndian);
            for (var at = 0; at < bytes.Length;)
            {
                var take = int.Min(bytes.Length - at, random.Next(seed < 10 ? 9 : 2_500_000));
                sum.Append(bytes.AsSpan(at, take));
                at += take;
            }
            Assert.Equal(expected, sum.State);
        }
    }

    [Fact]
    public void All_ones_do_not_overflow_the_combination()
    {
        var bytes = new byte[5 << 20];
        bytes.AsSpan().Fill(0xff);
        var sum = new Fletcher4(false);
        sum.Append(bytes);
        Assert.Equal(Reference(bytes, false), sum.State);
    }

    [Fact]
    public void A_tail_of_less_than_a_word_is_left_out()
    {
        var sum = new Fletcher4(false);
        sum.Append([1, 0, 0, 0, 9]);
        sum.EndUnit();
        sum.Append([2, 0, 0, 0]);
        Assert.Equal(new Fletcher4State(3, 4, 5, 6), sum.State);
    }

    [Fact]
    public void A_state_prints_as_zstream_does_and_reads_back()
    {
        var state = new Fletcher4State(0x1571f5859397, 0x2a45cfbfb72e3ce, 0xf1046f8b3031ff6a, 0);
        Assert.Equal("1571f5859397/2a45cfbfb72e3ce/f1046f8b3031ff6a/0", state.ToString());
        Assert.Equal(state, Fletcher4State.Parse(state.ToString()));
        Assert.Throws<FormatException>(() => Fletcher4State.Parse("1/2/3"));
    }
}
