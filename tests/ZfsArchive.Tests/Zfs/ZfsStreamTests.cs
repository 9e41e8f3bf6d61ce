using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Zfs;

public sealed class ZfsStreamTests : IDisposable
{
    static readonly SendRequest _send = new("tank@s", null, Raw: true, LargeBlocks: false, Compressed: false);
    static readonly ReceiveRequest _receive = new("tank/new", new Dictionary<string, string>(), Resumable: false, Origin: null, Force: false);

    readonly FakePrograms _programs = new();

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task A_stream_is_read_to_its_end()
    {
        _programs.WithZfs("exec head -c 67108864 /dev/zero");
        await using var send = _programs.Local().StartSend(_send);

        Assert.Equal(64 << 20, await ReadAllAsync(send));
        await send.FinishAsync(default);
    }

    [Theory]
    [InlineData("exit 1", 1)]
    [InlineData("kill -9 $$", 137)]
    [InlineData("exec env --default-signal=PIPE sh -c 'kill -PIPE $$'", 141)]
    public async Task A_stream_that_ends_is_not_believed_before_its_sender_has_ended_well(string end, int exitCode)
    {
        _programs.WithZfs($"head -c 100000 /dev/zero; echo 'warning: cannot send' >&2; {end}");
        await using var send = _programs.Local().StartSend(_send);

        Assert.Equal(100_000, await ReadAllAsync(send));

        var failure = await Assert.ThrowsAsync<ZfsException>(() => send.FinishAsync(default));
        Assert.Equal(exitCode, failure.ExitCode);
        Assert.Contains("warning: cannot send", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sender_that_talks_much_does_not_stop()
    {
        _programs.WithZfs("head -c 5000000 /dev/zero | tr '\\0' 'e' >&2; head -c 1000000 /dev/zero; head -c 5000000 /dev/zero | tr '\\0' 'e' >&2; echo the reason >&2; exit 3");
        await using var send = _programs.Local().StartSend(_send);

        Assert.Equal(1_000_000, await ReadAllAsync(send));

        var failure = await Assert.ThrowsAsync<ZfsException>(() => send.FinishAsync(default));
        Assert.EndsWith("the reason", failure.StandardError, StringComparison.Ordinal);
        Assert.InRange(failure.StandardError.Length, 8192, 9300);
    }

    [Fact]
    public async Task A_sender_whose_reader_goes_away_fails()
    {
        _programs.WithZfs("exec cat /dev/zero");
        await using var send = _programs.Local().StartSend(_send);
        _ = send.Output.ReadByte();

        await send.Output.DisposeAsync();

        // .NET hands an ignored SIGPIPE down to its children, so a sender mostly says so and exits with 1.
        Assert.Contains((await Assert.ThrowsAsync<ZfsException>(() => send.FinishAsync(default))).ExitCode, (int?[])[1, 141]);
    }

    [Fact]
    public async Task A_sender_that_is_not_read_to_its_end_fails()
    {
        _programs.WithZfs("head -c 100 /dev/zero");
        await using var send = _programs.Local().StartSend(_send);
        _ = send.Output.ReadByte();

        Assert.Contains("more to send", (await Assert.ThrowsAsync<ZfsException>(() => send.FinishAsync(default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dispose_kills_the_sender_and_wakes_its_reader()
    {
        _programs.WithZfs("echo $$ > \"$DIR/t\"; mv \"$DIR/t\" \"$DIR/ids\"; exec sleep 600");
        var send = _programs.Local().StartSend(_send);
        var ids = await _programs.LeftIdsAsync("ids");
        var reader = Task.Run(() => Record.Exception(() => Assert.Equal(-1, send.Output.ReadByte())));

        await send.DisposeAsync();

        Assert.DoesNotContain(ids, FakePrograms.IsRunning);
        var woken = await reader.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.True(woken is null or IOException or ObjectDisposedException, woken?.ToString());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => send.FinishAsync(default));
        await send.DisposeAsync();
    }

    [Fact]
    public async Task Cancelling_the_end_kills_the_sender()
    {
        _programs.WithZfs("echo $$ > \"$DIR/t\"; mv \"$DIR/t\" \"$DIR/ids\"; exec sleep 600");
        await using var send = _programs.Local().StartSend(_send);
        var ids = await _programs.LeftIdsAsync("ids");
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.FinishAsync(cancel.Token));

        Assert.DoesNotContain(ids, FakePrograms.IsRunning);
    }

    [Fact]
    public async Task A_stream_is_received_whole()
    {
        _programs.WithZfs("echo \"$@\" > \"$DIR/ran\"; echo chatter; cat | wc -c > \"$DIR/length\"");
        await using var receive = _programs.Local().StartReceive(_receive);

        for (var i = 0; i < 20; i++) receive.Input.Write(new byte[1 << 20]);
        await receive.FinishAsync(default);

        Assert.Equal(["20971520"], _programs.LeftLines("length"));
        Assert.Equal(["receive -u tank/new"], _programs.LeftLines("ran"));
    }

    [Theory]
    [InlineData("echo 'cannot receive: invalid stream (bad magic number)' >&2; exit 1", 1, "bad magic number")]
    [InlineData("echo 'cannot receive: invalid stream (bad magic number)' >&2; kill -9 $$", 137, "SIGKILL")]
    [InlineData("exit 0", 0, "before the stream did")]
    public async Task A_receiver_that_dies_early_tells_why(string end, int exitCode, string words)
    {
        _programs.WithZfs($"head -c 100 > /dev/null; {end}");
        await using var receive = _programs.Local().StartReceive(_receive);

        var broken = Assert.Throws<IOException>(() =>
        {
            for (var i = 0; i < 100; i++) receive.Input.Write(new byte[1 << 20]);
        });

        Assert.Contains("Broken pipe", broken.Message, StringComparison.Ordinal);
        var failure = await receive.FailureAsync(default);
        Assert.Equal(exitCode, failure.ExitCode);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_receiver_that_refuses_at_the_end_fails()
    {
        _programs.WithZfs("cat > /dev/null; echo 'cannot receive new filesystem stream: checksum mismatch' >&2; exit 1");
        await using var receive = _programs.Local().StartReceive(_receive);
        receive.Input.Write(new byte[1000]);

        var failure = await Assert.ThrowsAsync<ZfsException>(() => receive.FinishAsync(default));

        Assert.Contains("checksum mismatch", failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.Hint);
    }

    [Fact]
    public async Task A_receiver_that_is_dropped_never_sees_its_input_end()
    {
        _programs.WithZfs("echo $$ > \"$DIR/t\"; mv \"$DIR/t\" \"$DIR/ids\"; cat > /dev/null; echo > \"$DIR/ended\"");
        var receive = _programs.Local().StartReceive(_receive);
        receive.Input.Write(new byte[1000]);
        var ids = await _programs.LeftIdsAsync("ids");

        await receive.DisposeAsync();

        Assert.DoesNotContain(ids, FakePrograms.IsRunning);
        Assert.False(File.Exists(_programs.Left("ended")));
    }

    [Fact]
    public async Task Cancelling_the_end_kills_the_receiver()
    {
        _programs.WithZfs("echo $$ > \"$DIR/t\"; mv \"$DIR/t\" \"$DIR/ids\"; exec sleep 600");
        await using var receive = _programs.Local().StartReceive(_receive);
        var ids = await _programs.LeftIdsAsync("ids");
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive.FinishAsync(cancel.Token));

        Assert.DoesNotContain(ids, FakePrograms.IsRunning);
    }

    static async Task<long> ReadAllAsync(IZfsSend send) => await Task.Run(() =>
    {
        var buffer = new byte[1 << 20];
        var total = 0L;
        int read;
        while ((read = send.Output.Read(buffer)) > 0) total += read;
        return total;
    }).WaitAsync(TimeSpan.FromMinutes(1));
}
