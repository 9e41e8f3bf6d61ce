using ZfsArchive.Sftp;

namespace ZfsArchive.Tests.Sftp;

public sealed class PacketTests
{
    [Fact]
    public void A_request_is_written_as_the_protocol_says()
    {
        var packet = new PacketWriter(PacketType.Open, 7).Text("a").UInt32(0x2A).UInt64(1);
        Assert.Equal("00000016 03 00000007 00000001 61 0000002a 0000000000000001".Replace(" ", "", StringComparison.Ordinal), Convert.ToHexStringLower(packet.Finish()));
        Assert.Equal("00000119", Convert.ToHexStringLower(packet.Finish(0x103))[..8]);
    }

    [Fact]
    public void A_long_request_grows()
    {
        var name = new string('x', 5000);
        var packet = new PacketWriter(PacketType.Remove, 1).Text(name).Finish();
        var reader = new PacketReader(packet.AsSpan(9));
        Assert.Equal(name, reader.Text());
        Assert.True(reader.IsAtEnd);
    }

    [Theory, InlineData("00"), InlineData("00000002ff"), InlineData("ffffffff00"), InlineData("7fffffff")]
    public void A_field_that_is_longer_than_its_packet_is_refused(string hex) =>
        Assert.Throws<SftpFault>(() => new PacketReader(Convert.FromHexString(hex)).Bytes().Length);

    [Fact]
    public void Attributes_are_read_and_unknown_ones_skipped()
    {
        // size, owner, permissions, times, one extended pair
        var packet = new PacketReader(Convert.FromHexString("8000000f" + "0000000000000005" + "0000000100000002" + "000081a4" + "0000000a0000000b" + "00000001" + "0000000161" + "00000000"));
        Assert.Equal(new RemoteAttributes(5, 0x81a4, 11), RemoteAttributes.Read(ref packet));
        Assert.True(packet.IsAtEnd);
    }

    [Theory, InlineData("00000001ffffffffffffffff"), InlineData("80000000ffffffff")]
    public void Attributes_beyond_reason_are_refused(string hex) => Assert.Throws<SftpFault>(() =>
    {
        var packet = new PacketReader(Convert.FromHexString(hex));
        RemoteAttributes.Read(ref packet);
    });

    [Fact]
    public void Names_beyond_reason_are_refused() =>
        Assert.Throws<SftpFault>(() => SftpSession.NamesIn(new(PacketType.Name, Convert.FromHexString("7fffffff"), 0)));

    [Theory, InlineData(0, 261120), InlineData(32768, 32768), InlineData(ulong.MaxValue, 261120), InlineData(1, 1024)]
    public void A_server_s_limits_are_taken_within_ours(ulong told, int taken) =>
        Assert.Equal(taken, new ServerTraits(false, false, false, true, false).With(told, told).LongestWrite);

    [Fact]
    public void Text_of_another_machine_is_made_fit_for_a_message() => Assert.Equal("a?[31mb?c", SftpFault.Printable(" a\u001b[31mb\nc\r\n"));
}
