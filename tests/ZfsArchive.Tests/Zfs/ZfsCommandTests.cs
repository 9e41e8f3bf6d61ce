using System.Diagnostics;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Zfs;

public sealed class ZfsCommandTests : IDisposable
{
    readonly FakePrograms _programs = new();

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task A_failure_names_the_command_its_end_and_its_last_words()
    {
        _programs.WithZfs("echo 'cannot open: permission denied' >&2; exit 1");

        var failure = await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().SnapshotsAsync("tank/a b", default));

        Assert.Equal(1, failure.ExitCode);
        Assert.Equal("cannot open: permission denied", failure.StandardError);
        Assert.Equal("zfs list -H -p -d 1 -t snapshot -o name,guid,createtxg,creation,ivsetguid,userrefs 'tank/a b'", failure.Command);
        Assert.Equal($"`{failure.Command}` ended with exit status 1: cannot open: permission denied", failure.Message);
        Assert.Contains("zfs allow", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kill -KILL $$", 137, "signal 9 (SIGKILL)")]
    [InlineData("exec env --default-signal=PIPE sh -c 'kill -PIPE $$'", 141, "SIGPIPE")]
    [InlineData("kill -TERM $$", 143, "SIGTERM")]
    public async Task Death_by_a_signal_is_a_failure(string end, int exitCode, string words)
    {
        _programs.WithZfs($"echo 'tank@a\t1\t1\t1\t-\t0'; {end}");

        var failure = await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().SnapshotsAsync("tank", default));

        Assert.Equal(exitCode, failure.ExitCode);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_hangs_is_killed_after_its_time_with_all_it_started()
    {
        _programs.WithZfs("echo 'waiting for the pool' >&2; sleep 600 & echo $$ > \"$DIR/t\"; echo $! >> \"$DIR/t\"; mv \"$DIR/t\" \"$DIR/ids\"; wait");
        var watch = Stopwatch.StartNew();

        var failure = await Assert.ThrowsAsync<ZfsException>(() => _programs.Local(TimeSpan.FromSeconds(1)).VersionAsync(default));

        Assert.InRange(watch.Elapsed.TotalSeconds, 0.9, 20);
        Assert.Equal("`zfs version` was stopped: it had not ended after 1 seconds: waiting for the pool", failure.Message);
        Assert.Null(failure.ExitCode);
        Assert.DoesNotContain(await _programs.LeftIdsAsync("ids"), FakePrograms.IsRunning);
    }

    [Fact]
    public async Task Cancelling_kills_the_command()
    {
        _programs.WithZfs("echo $$ > \"$DIR/t\"; mv \"$DIR/t\" \"$DIR/ids\"; exec sleep 600");
        using var cancel = new CancellationTokenSource();
        var listing = _programs.Local().VersionAsync(cancel.Token);
        var ids = await _programs.LeftIdsAsync("ids");
        Assert.All(ids, id => Assert.True(FakePrograms.IsRunning(id)));

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listing);
        Assert.DoesNotContain(ids, FakePrograms.IsRunning);
    }

    [Fact]
    public async Task A_hundred_thousand_snapshots_are_listed()
    {
        _programs.WithZfs("seq 1 100000 | sed 's/.*/tank\\/fs@snapshot-&\\t&\\t&\\t1700000000\\t-\\t0/'");

        var snapshots = await _programs.Local().AllSnapshotsAsync("tank", default);

        Assert.Equal(100_000, snapshots.Count);
        Assert.Equal(new("tank/fs@snapshot-100000", 100_000, 100_000, 1_700_000_000, 0, 0), snapshots[^1]);
    }

    [Fact]
    public async Task Snapshots_and_bookmarks_come_in_the_order_they_were_made()
    {
        _programs.WithZfs("case \"$*\" in *bookmark*) printf 'a#z\t1\t3\t1\t-\na#y\t1\t20\t1\t-\na#x\t1\t1\t1\t-\n' ;; *) printf 'a@z\t1\t3\t1\t-\t0\na@y\t1\t20\t1\t-\t0\na@x\t1\t1\t1\t-\t0\n' ;; esac");

        Assert.Equal(["a@x", "a@z", "a@y"], (await _programs.Local().SnapshotsAsync("a", default)).Select(s => s.Name));
        Assert.Equal(["a#x", "a#z", "a#y"], (await _programs.Local().BookmarksAsync("a", default)).Select(b => b.Name));
    }

    [Fact]
    public async Task What_was_listed_before_a_failure_is_not_taken_for_all()
    {
        _programs.WithZfs("echo 'tank@a\t1\t1\t1\t-\t0'; exit 1");

        var failure = await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().SnapshotsAsync("tank", default));

        Assert.EndsWith("without a word", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_reason_is_found_before_pages_of_usage_and_behind_pages_of_warnings()
    {
        _programs.WithZfs("echo \"bad property list: invalid property 'x'\" >&2; echo usage: >&2; seq 1 20000 >&2; exit 2");
        var usage = await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().VersionAsync(default));
        Assert.EndsWith("exit status 2: bad property list: invalid property 'x'", usage.Message, StringComparison.Ordinal);
        Assert.InRange(usage.StandardError.Length, 8192, 9300);

        _programs.WithZfs("seq 1 20000 >&2; echo 'the reason' >&2; exit 2");
        var warnings = await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().VersionAsync(default));
        Assert.EndsWith("; 20000; the reason", warnings.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_characters_of_another_machine_are_not_passed_on()
    {
        _programs.WithZfs("printf 'gone\\r\\n\\033[31mred\\007\\r\\n' >&2; exit 1");

        Assert.Equal("gone\n?[31mred?", (await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().VersionAsync(default))).StandardError);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_named()
    {
        var failure = await Assert.ThrowsAsync<ZfsException>(() => _programs.Zfs(ZfsPrefix.Parse("no-such-program -n")).VersionAsync(default));

        Assert.StartsWith("`no-such-program -n zfs version` could not be started", failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.Hint);
    }

    [Fact]
    public async Task A_command_reads_nothing_of_what_is_meant_for_us()
    {
        _programs.WithZfs("test -z \"$(cat)\" && printf 'zfs-2.3.9-1\\nzfs-kmod-2.3.9-1\\n'");

        Assert.Equal("zfs-kmod-2.3.9-1", (await _programs.Local().VersionAsync(default)).Kernel);
    }

    [Fact]
    public async Task What_lives_on_behind_a_failed_command_is_not_waited_for()
    {
        _programs.WithZfs("echo reason >&2; sleep 60 >/dev/null & echo $! > \"$DIR/ids\"; exit 1");
        var watch = Stopwatch.StartNew();

        var failure = await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().VersionAsync(default));

        Assert.Equal("reason", failure.StandardError);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 30);
        foreach (var id in await _programs.LeftIdsAsync("ids")) Process.GetProcessById(id).Kill();
    }

    [Fact]
    public async Task A_listing_without_end_is_refused()
    {
        _programs.WithZfs("exec cat /dev/zero");

        Assert.Contains("too long", (await Assert.ThrowsAsync<ZfsException>(() => _programs.Local().VersionAsync(default))).Message, StringComparison.Ordinal);
    }
}
