using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Zfs;

public sealed class ZfsListingTests
{
    [Fact]
    public void An_encrypted_clone_is_read_with_all_it_has() =>
        Assert.Equal(
            new ZfsDataset("hz/e/clone", DatasetKind.Filesystem, 5963951673730960622, "aes-256-gcm", 7599309595140743556,
                "passphrase", "hz/e", "available", "hz/e@s1", true, "", 0),
            ZfsListing.Dataset("hz/e/clone\tfilesystem\t5963951673730960622\taes-256-gcm\t7599309595140743556\tpassphrase\thz/e\tavailable\thz/e@s1\tyes\t-\t0"));

    [Fact]
    public void A_plain_volume_has_nothing_where_a_dash_stands() =>
        Assert.Equal(
            new ZfsDataset("hz/vol", DatasetKind.Volume, 9564542508346157274, "off", 0, "none", "", "", "", false, "", 57344),
            ZfsListing.Dataset("hz/vol\tvolume\t9564542508346157274\toff\t-\tnone\t-\t-\t-\t-\t-\t57344"));

    [Fact]
    public void A_pool_that_does_not_know_encryption_is_not_encrypted() =>
        Assert.Equal(
            new ZfsDataset("old", DatasetKind.Filesystem, 1, "off", 0, "none", "", "", "", true, "", 0),
            ZfsListing.Dataset("old\tfilesystem\t1\t-\t-\t-\t-\t-\t-\tyes\t-\t-"));

    [Fact]
    public void A_half_received_dataset_has_its_token() =>
        Assert.Equal("1-e0-f0-789c", ZfsListing.Dataset("b/r\tfilesystem\t7\toff\t-\tnone\t-\t-\t-\tno\t1-e0-f0-789c\t0").ReceiveResumeToken);

    [Fact]
    public void Names_hold_blanks() =>
        Assert.Equal(
            new ZfsSnapshot("hz/with blank@s 1", 13263459404648799690, 17, 1795227144, 0, 0),
            ZfsListing.Snapshot("hz/with blank@s 1\t13263459404648799690\t17\t1795227144\t-\t0"));

    [Fact]
    public void A_guid_may_need_all_64_bits() =>
        Assert.Equal(ulong.MaxValue, ZfsListing.Snapshot("a@b\t18446744073709551615\t1\t1\t18446744073709551615\t2").IvsetGuid);

    [Fact]
    public void A_bookmark_has_the_guid_of_its_snapshot() =>
        Assert.Equal(
            new ZfsBookmark("hz/e#b1", 14121636150532032873, 15, 1795227144, 29542573017308631),
            ZfsListing.Bookmark("hz/e#b1\t14121636150532032873\t15\t1795227144\t29542573017308631"));

    [Theory]
    [InlineData("hz/e@s1")]
    [InlineData("")]
    [InlineData("hz/e@s1\t1\t2\t3\t-\t0\t-")]
    [InlineData("hz/e@s1\t-\t2\t3\t-\t0")]
    [InlineData("hz/e@s1\t1\t2\t+3\t-\t0")]
    [InlineData("hz/e@s1\t1\t2\t3K\t-\t0")]
    public void A_line_of_another_form_is_refused_and_named(string line) =>
        Assert.Contains($"'{line}'", Assert.Throws<ZfsException>(() => ZfsListing.Snapshot(line)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_kind_that_is_not_known_is_refused() =>
        Assert.Throws<ZfsException>(() => ZfsListing.Dataset("hz/x\tsnapshot\t1\toff\t-\tnone\t-\t-\t-\t-\t-\t0"));

    [Fact]
    public void A_tag_may_hold_blanks_and_tabs()
    {
        Assert.Equal(new ZfsHold("hz/e@s1", "a b"), ZfsListing.Hold("hz/e@s1\ta b\tSat Nov 21 02:12 2026"));
        Assert.Equal(new ZfsHold("hz/e@s1", "a\tb"), ZfsListing.Hold("hz/e@s1\ta\tb\tSat Nov 21 02:12 2026"));
    }

    [Fact]
    public void Properties_keep_their_order_value_and_source() =>
        Assert.Equal(
            [
                new("type", "filesystem", "-"),
                new("mountpoint", "/a b", "inherited from tank"),
                new("com.x:empty", "", "local"),
            ],
            ZfsListing.Properties(["type\tfilesystem\t-", "mountpoint\t/a b\tinherited from tank", "com.x:empty\t\tlocal"]));

    [Fact]
    public void A_user_property_may_hold_tabs_and_line_breaks_and_can_not_pass_itself_off_as_another() =>
        Assert.Equal(
            [
                new("guid", "6627985620871363316", "-"),
                new("com.x:multi", "one\ttab\nguid\t5\tlocal\n\nlast", "local"),
                new("com.x:next", "1", "received"),
            ],
            ZfsListing.Properties(["guid\t6627985620871363316\t-", "com.x:multi\tone\ttab", "guid\t5\tlocal", "", "last\tlocal", "com.x:next\t1\treceived"]));

    [Fact]
    public void A_property_without_a_source_is_refused() =>
        Assert.Contains("recordsize", Assert.Throws<ZfsException>(() => ZfsListing.Properties(["type\tfilesystem\t-", "recordsize\t131072"])).Message, StringComparison.Ordinal);

    [Fact]
    public void A_pool_has_its_features_without_their_prefix()
    {
        var pool = ZfsListing.Pool("hz", ["size\t503316480", "guid\t8031560514132864254", "version\t-", "free\t501342208", "feature@encryption\tactive", "feature@draid\tdisabled"]);

        Assert.Equal(("hz", 8031560514132864254ul, 501342208L), (pool.Name, pool.Guid, pool.Free));
        Assert.Equal(new Dictionary<string, string> { ["encryption"] = "active", ["draid"] = "disabled" }, pool.Features);
    }

    [Fact]
    public void A_pool_without_a_guid_is_refused() =>
        Assert.Throws<ZfsException>(() => ZfsListing.Pool("hz", ["free\t1"]));

    [Fact]
    public void An_estimate_is_the_total_or_nothing()
    {
        Assert.Equal(518992, ZfsListing.Estimate(["incremental\tsrc/e@s1\tsrc/e@r1\t518992", "size\t518992"]));
        Assert.Null(ZfsListing.Estimate([]));
        Assert.Throws<ZfsException>(() => ZfsListing.Estimate(["size\tmuch"]));
    }

    [Fact]
    public void A_version_has_two_lines()
    {
        Assert.Equal(new ZfsVersionText("zfs-2.3.9-1", "zfs-kmod-2.3.9-1"), ZfsListing.Version(["zfs-2.3.9-1", "zfs-kmod-2.3.9-1"]));
        Assert.Throws<ZfsException>(() => ZfsListing.Version(["zfs-2.3.9-1"]));
    }
}
