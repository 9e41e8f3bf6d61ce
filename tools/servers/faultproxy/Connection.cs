using System.Net;
using System.Net.Sockets;

namespace ZfsArchive.Servers;

/// <summary>A client, the server, and both ways between them.</summary>
sealed class Connection(FaultProxy proxy, Socket client) : IDisposable
{
    readonly Socket _server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    readonly CancellationTokenSource _ended = new();

    /// <summary>Until both sides have said all, or one is gone: then the other is reset too.</summary>
    public async Task RunAsync(EndPoint target)
    {
        try
        {
            client.NoDelay = true;
            await proxy.WhileStalledAsync(_ended.Token);
            await _server.ConnectAsync(target, _ended.Token);
            // as long as the handshake would take
            await Pacer.UntilAsync(TimeProvider.System.GetTimestamp() + 2 * proxy.HalfDelay, _ended.Token);
            using var up = new OneWay(proxy, Flow.Up, client, _server);
            using var down = new OneWay(proxy, Flow.Down, _server, client);
            await Task.WhenAll(new[] { up.ReadAsync(_ended.Token), up.WriteAsync(_ended.Token), down.ReadAsync(_ended.Token), down.WriteAsync(_ended.Token) }.Select(EndTogetherAsync));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            Reset();
        }
    }

    /// <summary>Both sides get a reset, not an end of data.</summary>
    public void Reset()
    {
        Drop(client);
        Drop(_server);
        try
        {
            _ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // it ended by itself at the same time
        }
    }

    public void Dispose()
    {
        client.Dispose();
        _server.Dispose();
        _ended.Dispose();
    }

    async Task EndTogetherAsync(Task part)
    {
        try
        {
            await part;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            Reset();
        }
    }

    static void Drop(Socket socket)
    {
        try
        {
            socket.LingerState = new(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // not connected, or closed already
        }
        socket.Close();
    }
}
