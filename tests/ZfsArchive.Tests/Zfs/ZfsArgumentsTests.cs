using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Zfs;

public sealed class ZfsArgumentsTests
{
    [Theory]
    [InlineData(true, false, false, null, "zfs send -w tank/e@s1")]
    [InlineData(true, true, true, "tank/e#b", "zfs send -w -i tank/e#b tank/e@s1")]
    [InlineData(false, false, false, "tank/e@s0", "zfs send -i tank/e@s0 tank/e@s1")]
    [InlineData(false, true, true, null, "zfs send -L -c tank/e@s1")]
    public void A_send_has_the_options_of_its_request(bool raw, bool large, bool compressed, string? from, string expected) =>
        Assert.Equal(expected, string.Join(' ', ZfsArguments.Send(new("tank/e@s1", from, raw, large, compressed))));

    [Fact]
    public void An_estimate_is_a_send_that_does_nothing() =>
        Assert.Equal("zfs send -nvP -w tank/e@s1", string.Join(' ', ZfsArguments.Estimate(new("tank/e@s1", null, true, false, false))));

    [Fact]
    public void A_receive_never_mounts() =>
        Assert.Equal(["zfs", "receive", "-u", "tank/new"], ZfsArguments.Receive(new("tank/new", new Dictionary<string, string>(), false, null, false)));

    [Fact]
    public void A_receive_has_the_options_of_its_request() =>
        Assert.Equal(
            ["zfs", "receive", "-u", "-s", "-F", "-o", "origin=tank/a b@s", "-o", "readonly=on", "-o", "com.x:y=a b", "tank/new"],
            ZfsArguments.Receive(new("tank/new", new Dictionary<string, string> { ["readonly"] = "on", ["com.x:y"] = "a b" }, true, "tank/a b@s", true)));

    [Theory]
    [InlineData("-rf")]
    [InlineData("")]
    [InlineData("tank/e@s")]
    [InlineData("tank/e#b")]
    [InlineData("tank/")]
    [InlineData("tank/ü")]
    [InlineData("tank\tx")]
    [InlineData("/tank")]
    [InlineData("tank/a'b")]
    public void What_is_no_dataset_never_becomes_an_argument(string name)
    {
        Assert.Contains($"'{name}'", Assert.Throws<ZfsException>(() => ZfsArguments.Snapshots(name)).Message, StringComparison.Ordinal);
        Assert.Throws<ZfsException>(() => ZfsArguments.Receive(new(name, new Dictionary<string, string>(), false, null, false)));
    }

    [Theory]
    [InlineData("tank/e")]
    [InlineData("tank/e@s")]
    [InlineData("tank/e#")]
    [InlineData("tank/e#a#b")]
    [InlineData("tank/e#a/b")]
    [InlineData("#b")]
    [InlineData("-r#b")]
    public void Only_a_bookmark_is_ever_destroyed(string name) =>
        Assert.Throws<ZfsException>(() => ZfsArguments.DestroyBookmark(name));

    [Theory]
    [InlineData("tank/e")]
    [InlineData("tank/e@")]
    [InlineData("tank/e@a@b")]
    [InlineData("@s")]
    [InlineData("-R@s")]
    [InlineData("tank/e@-s%x,y")]
    public void Only_one_snapshot_is_sent_or_held(string name)
    {
        Assert.Throws<ZfsException>(() => ZfsArguments.Send(new(name, null, true, false, false)));
        Assert.Throws<ZfsException>(() => ZfsArguments.Hold("tag", name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-r")]
    [InlineData("a\nb")]
    public void A_tag_is_no_option(string tag) => Assert.Throws<ZfsException>(() => ZfsArguments.Release(tag, "tank/e@s"));

    [Theory]
    [InlineData("-S")]
    [InlineData("a=b")]
    [InlineData("")]
    public void A_property_is_no_option(string property)
    {
        Assert.Throws<ZfsException>(() => ZfsArguments.Inherit("tank/e", property));
        Assert.Throws<ZfsException>(() => ZfsArguments.Set("tank/e", new Dictionary<string, string> { [property] = "x" }));
    }

    [Fact]
    public void Names_with_blanks_colons_and_percent_are_names()
    {
        Assert.Equal("pool:1/a b/%recv", ZfsArguments.Snapshots("pool:1/a b/%recv")[^1]);
        Assert.Equal("src/e#zfsarchive:deadbeef:0123456789abcdef", ZfsArguments.DestroyBookmark("src/e#zfsarchive:deadbeef:0123456789abcdef")[^1]);
    }
}
