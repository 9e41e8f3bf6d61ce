using ZfsArchive.Sftp;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Sftp;

/// <summary>What a server sends is believed only as far as it fits.</summary>
public sealed class ReplyReaderTests : IDisposable
{
    readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    static Request Asked(int wanted, out byte[] into)
    {
        into = new byte[wanted];
        return new(1, [], [], into, isBulk: false);
    }

    void Read(Request request, params string[] hex)
    {
        File.WriteAllBytes(_temp["replies"], Convert.FromHexString(string.Concat(hex)));
        using var file = File.OpenHandle(_temp["replies"]);
        new ReplyReader(file, () => { }, () => { }).ReadReply(id => id == request.Id ? request : throw SftpFault.Broken($"answer {id}"));
    }

    [Fact]
    public async Task Data_go_where_they_are_wanted()
    {
        var request = Asked(70_000, out var into);
        var data = new byte[70_000];
        new Random(1).NextBytes(data);
        Read(request, (9 + data.Length).ToString("x8"), "67", "00000001", data.Length.ToString("x8"), Convert.ToHexString(data));
        Assert.Equal(new(PacketType.Data, [], data.Length), (await request.Answer) with { Body = [] });
        Assert.Equal(data, into);
    }

    [Fact]
    public async Task What_was_abandoned_is_not_touched()
    {
        var request = Asked(3, out var into);
        request.Abandon();
        Read(request, "0000000c", "67", "00000001", "00000003", "010203");
        Assert.Equal(3, (await request.Answer).Data);
        Assert.Equal(new byte[3], into);
    }

    [Theory]
    [InlineData("ffffffff67")]
    [InlineData("0004040167")]
    [InlineData("0000000067")]
    [InlineData("000000046700000001")]
    [InlineData("0000000c" + "67" + "00000002" + "00000003" + "010203")]
    [InlineData("0000000d" + "67" + "00000001" + "00000004" + "01020304")]
    [InlineData("0000000c" + "67" + "00000001" + "7fffffff" + "010203")]
    [InlineData("00000006" + "67" + "00000001" + "01")]
    public void What_does_not_fit_is_refused(string hex) =>
        Assert.Equal(StoreFailure.Permanent, Assert.Throws<SftpFault>(() => Read(Asked(3, out _), hex)).Failure);

    [Fact]
    public void An_end_in_the_middle_is_an_end() => Assert.Throws<EndOfStreamException>(() => Read(Asked(3, out _), "0000000c", "67", "00000001", "00000003", "01"));
}
