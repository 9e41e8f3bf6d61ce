using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Zfs;

public sealed class ZfsCliTests : IDisposable
{
    readonly FakePrograms _programs = new();

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task A_dataset_that_is_not_there_is_null_and_another_failure_is_not()
    {
        _programs.WithZfs("echo \"cannot open 'tank/x': dataset does not exist\" >&2; exit 1");
        Assert.Null(await _programs.Local().TryDatasetAsync("tank/x", default));

        _programs.WithZfs("echo 'internal error: out of memory' >&2; exit 1");
        await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().TryDatasetAsync("tank/x", default));
    }

    [Fact]
    public async Task A_dataset_that_is_there_is_given()
    {
        _programs.WithZfs("printf 'tank/x\tfilesystem\t7\toff\t-\tnone\t-\t-\t-\tno\t-\t0\n'");

        Assert.Equal(7ul, (await _programs.Local().TryDatasetAsync("tank/x", default))?.Guid);
    }

    [Fact]
    public async Task A_hold_that_is_there_and_one_that_is_gone_are_fine()
    {
        _programs.WithZfs("""
            case "$1" in
            hold) echo "cannot hold snapshot 'tank@s': tag already exists on this dataset" >&2 ;;
            release) echo "cannot release hold from snapshot 'tank@s': no such tag on this dataset" >&2 ;;
            esac
            exit 1
            """);

        await _programs.Local().HoldAsync("a b", "tank@s", default);
        await _programs.Local().ReleaseAsync("a b", "tank@s", default);
    }

    [Fact]
    public async Task A_hold_on_what_is_not_there_fails()
    {
        _programs.WithZfs("echo \"cannot $1 snapshot 'tank@s': dataset does not exist\" >&2; exit 1");

        await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().HoldAsync("t", "tank@s", default));
        await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().ReleaseAsync("t", "tank@s", default));
    }

    [Theory]
    [InlineData("5", "5", true)]
    [InlineData("5", "6", false)]
    public async Task A_bookmark_that_is_there_is_fine_if_it_marks_the_same(string snapshot, string bookmark, bool isFine)
    {
        _programs.WithZfs($"""
            case "$1" in
            bookmark) echo "cannot create bookmark '$3': bookmark exists" >&2; exit 1 ;;
            get) echo {snapshot}; echo {bookmark} ;;
            esac
            """);

        var failure = await Record.ExceptionAsync(() => _programs.Local().BookmarkAsync("tank@s", "tank#b", default));

        Assert.Equal(isFine, failure is null);
        if (!isFine) Assert.Contains("marks another snapshot", Assert.IsType<ZfsException>(failure).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bookmark_that_is_gone_is_fine()
    {
        _programs.WithZfs("echo \"bookmark '$2' does not exist.\" >&2; exit 1");

        await _programs.Local().DestroyBookmarkAsync("tank#b", default);
    }

    [Fact]
    public async Task Changes_are_the_commands_a_person_would_type()
    {
        _programs.WithZfs("printf '%s|' zfs \"$@\" >> \"$DIR/ran\"; echo >> \"$DIR/ran\"");
        var zfs = _programs.Local();

        await zfs.SnapshotAsync(["tank/a@x", "tank/b@x"], default);
        await zfs.SetAsync("tank/a", new Dictionary<string, string> { ["readonly"] = "on", ["com.x:y"] = "a b'c$HOME\t=" }, default);
        await zfs.SetAsync("tank/a", new Dictionary<string, string>(), default);
        await zfs.InheritAsync("tank/a", "readonly", default);
        await zfs.AbortReceiveAsync("tank/a", default);
        await zfs.ChangeKeyInheritAsync("tank/a", default);

        Assert.Equal(
            [
                "zfs|snapshot|tank/a@x|tank/b@x|",
                "zfs|set|readonly=on|com.x:y=a b'c$HOME\t=|tank/a|",
                "zfs|inherit|readonly|tank/a|",
                "zfs|receive|-A|tank/a|",
                "zfs|change-key|-i|tank/a|",
            ],
            _programs.LeftLines("ran"));
    }

    [Fact]
    public async Task A_pool_is_asked_for_with_zpool()
    {
        _programs.With("zpool", "test \"$*\" = 'get -H -p -o property,value all tank' && printf 'guid\t1\nfree\t2\nfeature@x\tactive\n'");

        Assert.Equal(2, (await _programs.Local().PoolAsync("tank", default)).Free);
    }

    [Fact]
    public async Task An_estimate_is_in_bytes()
    {
        _programs.WithZfs("test \"$*\" = 'send -nvP -w -i tank#b tank@s' && printf 'incremental\ttank#b\ttank@s\t111216\nsize\t111216\n'");

        Assert.Equal(111216, await _programs.Local().EstimateAsync(new("tank@s", "tank#b", true, false, false), default));
    }

    [Theory]
    [InlineData("cannot receive new filesystem stream: checksum mismatch or incomplete stream.", "damaged or cut off")]
    [InlineData("cannot receive incremental stream: most recent snapshot of dst/t1 does not\nmatch incremental source", "order")]
    [InlineData("cannot receive incremental stream: destination dst/m has been modified\nsince most recent snapshot", "mounting alone")]
    [InlineData("cannot receive new filesystem stream: kernel modules must be upgraded to receive this stream.", "from the start")]
    [InlineData("warning: cannot send 'src/e@s3': incremental source (src/e#none) does not exist", "base is gone")]
    [InlineData("cannot open 'src/e@none': dataset does not exist", "not imported")]
    [InlineData("sudo: a password is required", "NOPASSWD")]
    [InlineData("cannot create snapshots : permission denied\nno snapshots were created", "zfs allow USER snapshot DATASET")]
    [InlineData("warning: cannot send 'r/e@s': permission denied", "zfs allow USER send DATASET")]
    [InlineData("cannot hold: permission denied", "zfs allow USER hold DATASET")]
    [InlineData("cannot release: permission denied", "zfs allow USER release DATASET")]
    [InlineData("cannot create bookmark 'r/e#b': permission denied", "zfs allow USER bookmark DATASET")]
    [InlineData("cannot destroy bookmark: permission denied", "zfs allow USER destroy DATASET")]
    [InlineData("cannot destroy snapshots: permission denied", "zfs allow USER destroy,mount DATASET")]
    [InlineData("cannot rollback 'r/p': permission denied", "lacks a right")]
    public void A_known_text_has_a_hint(string text, string hint) =>
        Assert.Contains(hint, ZfsHints.For(1, text), StringComparison.Ordinal);

    [Fact]
    public void A_text_that_is_not_known_has_none() => Assert.Null(ZfsHints.For(1, "the moon is full"));
}
