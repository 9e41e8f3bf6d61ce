using System.Diagnostics;
using System.Net.Sockets;
using ZfsArchive.Servers;

namespace ZfsArchive.Tests.Servers;

public sealed class FaultProxyTests : IDisposable
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);
    readonly EchoServer _server = new();
    readonly FaultProxy _proxy;

    public FaultProxyTests() => _proxy = new(_server.Address);

    [Fact]
    public async Task What_goes_through_is_the_same_and_is_counted()
    {
        var sent = Bytes(9_000_001);
        Assert.Equal(sent, await EchoAsync(sent));
        Assert.Equal((sent.Length, sent.Length, 1), (_proxy.BytesUp, _proxy.BytesDown, _proxy.Connections));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => Assert.Equal(sent, await EchoAsync(sent))));
        Assert.Equal((9L * sent.Length, 9), (_proxy.BytesDown, _proxy.Connections));
    }

    [Fact]
    public async Task A_delay_is_added_to_each_round_trip_and_to_the_first_for_the_handshake()
    {
        _proxy.Delay = TimeSpan.FromMilliseconds(60);
        var since = Stopwatch.StartNew();
        using var client = await ConnectAsync();
        await RoundTripAsync(client);
        Assert.InRange(since.ElapsedMilliseconds, 119, 10_000);
        Assert.InRange(await RoundTripAsync(client), 59, 10_000);
    }

    [Fact]
    public async Task A_delay_alone_does_not_limit_the_rate()
    {
        _proxy.Delay = TimeSpan.FromMilliseconds(200);
        var sent = Bytes(24 << 20);
        var since = Stopwatch.StartNew();
        Assert.Equal(sent, await EchoAsync(sent));
        // with one buffer of 256 KiB for each round trip it would be 19 seconds
        Assert.InRange(since.ElapsedMilliseconds, 399, 15_000);
    }

    [Theory]
    [InlineData(false, 250)]
    [InlineData(true, 550)]
    public async Task A_rate_is_kept(bool oneForBoth, int atLeast)
    {
        (_proxy.BytesPerSecond, _proxy.OneRateForBoth) = (1_000_000, oneForBoth);
        var since = Stopwatch.StartNew();
        await EchoAsync(Bytes(300_000));
        Assert.InRange(since.ElapsedMilliseconds, atLeast - 1, 10_000);
    }

    [Fact]
    public async Task A_cut_resets_all_connections_after_its_bytes_and_new_ones_work()
    {
        using var idle = await ConnectAsync();
        await RoundTripAsync(idle);
        var (up, sent) = (_proxy.BytesUp, Bytes(3_000_000));
        _proxy.CutAfter(1_000_000, Flow.Up);
        await Assert.ThrowsAsync<IOException>(() => EchoAsync(sent));
        Assert.Equal(1_000_000, _proxy.BytesUp - up);
        await IsResetAsync(idle);
        Assert.Equal(sent, await EchoAsync(sent));
    }

    [Fact]
    public async Task A_cut_now_is_a_reset()
    {
        using var client = await ConnectAsync();
        await RoundTripAsync(client);
        _proxy.CutNow();
        await IsResetAsync(client);
    }

    [Fact]
    public async Task The_end_of_the_server_arrives()
    {
        using var client = await ConnectAsync();
        await RoundTripAsync(client);
        var stream = client.GetStream();
        client.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(s_limit));
        for (var i = 0; i < 500 && _proxy.OpenConnections > 0; i++) await Task.Delay(10);
        Assert.Equal(0, _proxy.OpenConnections);
    }

    [Fact]
    public async Task Stalled_nothing_goes_through_and_nothing_is_lost()
    {
        using var client = await ConnectAsync();
        await RoundTripAsync(client);
        _proxy.Stall();
        using var second = await ConnectAsync();
        var (answer, another) = (RoundTripAsync(client), RoundTripAsync(second));
        await Task.Delay(200);
        Assert.False(answer.IsCompleted || another.IsCompleted);
        _proxy.Unstall();
        await Task.WhenAll(answer, another).WaitAsync(s_limit);
    }

    [Fact]
    public async Task Refused_only_old_connections_work()
    {
        using var old = await ConnectAsync();
        await RoundTripAsync(old);
        _proxy.Refuse = true;
        // it may be closed before the client sees that it was open
        await Assert.ThrowsAnyAsync<Exception>(async () => await RoundTripAsync(await ConnectAsync()));
        await RoundTripAsync(old);
        _proxy.Refuse = false;
        Assert.Equal([1, 2], await EchoAsync([1, 2]));
    }

    [Fact]
    public async Task One_byte_is_garbled()
    {
        await EchoAsync([1]);
        _proxy.Garble(500_000, Flow.Down);
        var sent = Bytes(1_000_000);
        var received = await EchoAsync(sent);
        Assert.Equal((byte)~sent[499_999], received[499_999]);
        received[499_999] = sent[499_999];
        Assert.Equal(sent, received);
        Assert.Equal(sent, await EchoAsync(sent));
    }

    public void Dispose()
    {
        _proxy.Dispose();
        _server.Dispose();
    }

    static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", _proxy.Port);
        return client;
    }

    async Task<byte[]> EchoAsync(byte[] sent)
    {
        using var client = await ConnectAsync();
        var received = new byte[sent.Length];
        await Task.WhenAll(client.GetStream().WriteAsync(sent).AsTask(), client.GetStream().ReadExactlyAsync(received).AsTask()).WaitAsync(s_limit);
        return received;
    }

    static async Task<long> RoundTripAsync(TcpClient client)
    {
        var since = Stopwatch.StartNew();
        await client.GetStream().WriteAsync(new byte[] { 7 });
        await client.GetStream().ReadExactlyAsync(new byte[1]).AsTask().WaitAsync(s_limit);
        return since.ElapsedMilliseconds;
    }

    static async Task IsResetAsync(TcpClient client)
    {
        var e = await Assert.ThrowsAsync<IOException>(() => client.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(s_limit));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
    }
}
