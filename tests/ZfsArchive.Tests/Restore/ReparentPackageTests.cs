using ZfsArchive.Restore;
using ZfsArchive.SendStream;

namespace ZfsArchive.Tests.Restore;

public sealed class ReparentPackageTests
{
    [Fact]
    public void It_is_a_whole_package_of_one_empty_stream_that_names_every_child()
    {
        var package = ReparentPackage.Build("s6", 77, [5, ulong.MaxValue]);

        var header = new StreamWalker();
        var taken = header.Feed(package);
        Assert.Equal(WalkState.BetweenSubstreams, header.State);
        var properties = header.Package!.Properties!;
        Assert.True(properties.Has("raw"));
        Assert.Equal(["0x5", "0xffffffffffffffff"], properties.List("fss")!.Pairs.Select(p => p.Name));
        Assert.Equal(5UL, properties.List("fss")!.List("0x5")!.List("snaps")!.UInt64("x"));

        // BEGIN and END of the snapshot that is there already, and the conclusion
        var begin = new RecordHeader(package.AsSpan(taken, RecordHeader.Size), false);
        Assert.Equal((RecordType.Begin, 0u, 1UL << 24 << 2 | 1, 77UL, 1UL), (begin.Type, begin.BeginPayloadLength, begin.U64(16), begin.U64(40), begin.U64(48)));
        Assert.Equal(taken + 3 * RecordHeader.Size, package.Length);
        var sum = new Fletcher4(false);
        sum.Append(begin.Bytes);
        Assert.Equal(sum.State, new RecordHeader(package.AsSpan(taken + RecordHeader.Size, RecordHeader.Size), false).EndChecksum);
    }
}
