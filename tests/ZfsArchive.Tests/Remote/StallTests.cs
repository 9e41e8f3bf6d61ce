using ZfsArchive.Servers;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>The line stands still, or the server goes away and comes back.</summary>
public sealed class StallTests
{
    const int MiB = 1 << 20;
    static readonly byte[] s_stream = new SyntheticStream { Blocks = 96 }.Bytes();
    static readonly string[] s_backup = ["backup", "--stdin", "--allow-plaintext", "--chunk-size", "1", "--compress", "0"];

    [S3Fact]
    public Task A_stall_of_s3_is_given_up_and_said() => StallAsync(new S3Place(), "nothing moved for 2 s");

    [SftpFact]
    public Task A_stall_of_sftp_is_given_up_and_said() => StallAsync(new SftpPlace(), "no answer for 2 s", "no connection in 2 s", "timed out");

    [S3Fact]
    public async Task An_s3_service_that_comes_back_in_time_is_waited_for()
    {
        using var server = S3Server.StartPrivate();
        var place = new S3Place(server);
        await ComeBackAsync(place, server.Kill, server.Restart);
        await StayAwayAsync(place, server.Kill, server.Restart, $"on the way to http://127.0.0.1:{server.Endpoint.Port}");
    }

    [SftpFact]
    public async Task An_sftp_server_that_comes_back_in_time_is_waited_for()
    {
        using var server = SftpServer.Start();
        var place = new SftpPlace(server);
        await ComeBackAsync(place, server.Kill, server.Restart);
        await StayAwayAsync(place, server.Kill, server.Restart, "Connection refused");
    }

    static async Task StallAsync(RemotePlace place, params string[] words)
    {
        using var direct = await place.NewRepositoryAsync();
        using var proxy = place.NewProxy();
        using var host = place.NewHost(proxy.Port);
        host.Input = new Interrupted(s_stream, 6 * MiB, () =>
        {
            // when chunks are on their way
            SpinWait.SpinUntil(() => proxy.BytesUp > MiB, TimeSpan.FromSeconds(10));
            proxy.Stall();
        });
        Assert.Equal(1, await host.RunAsync([.. s_backup, "-o", "store.stall-limit=2", "-o", "store.retry-limit=1"]));
        var said = host.Error.ToString();
        Assert.Contains(host.Environment("ZFSARCHIVE_REPO")!, said, StringComparison.Ordinal);
        Assert.True(System.Text.RegularExpressions.Regex.IsMatch(said, "cannot (create|look at|list) archives/[^ ]+: ") && words.Any(said.Contains), said);
        Assert.Empty(StoredTruth.Streams(await place.ObjectsAsync()));

        proxy.Unstall();
        await host.ExpectAsync(0, s_stream, s_backup);
        await RequireWholeAsync(place);
    }

    static async Task ComeBackAsync(RemotePlace place, Action kill, Action restart)
    {
        using var host = await place.NewRepositoryAsync();
        host.Input = new Interrupted(s_stream, 6 * MiB, () =>
        {
            kill();
            _ = Task.Run(restart);
        });
        Assert.True(await host.RunAsync(s_backup) == 0, host.Error.ToString());
        await RequireWholeAsync(place);
    }

    static async Task StayAwayAsync(RemotePlace place, Action kill, Action restart, string word)
    {
        using var host = place.NewHost();
        var other = new SyntheticStream { Name = "tank/other@s1", ToGuid = 77, Seed = 5, Blocks = 96 }.Bytes();
        host.Input = new Interrupted(other, 6 * MiB, kill);
        Assert.Equal(1, await host.RunAsync([.. s_backup, "-o", "store.retry-limit=1"]));
        Assert.Contains(word, host.Error.ToString(), StringComparison.Ordinal);
        Assert.Contains(place.Location, host.Error.ToString(), StringComparison.Ordinal);
        restart();
        Assert.Single(StoredTruth.Streams(await place.ObjectsAsync()));
        await host.ExpectAsync(0, other, s_backup);
        Assert.Equal(2, StoredTruth.Streams(await place.ObjectsAsync()).Count);
    }

    static async Task RequireWholeAsync(RemotePlace place) =>
        Assert.True(Assert.Single(StoredTruth.Streams(await place.ObjectsAsync())).Value.AsSpan().SequenceEqual(s_stream));
}
