using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ZfsArchive.Tests.Worlds;

/// <summary>Forwards HTTP/1.1 requests to a server on this machine, and spoils some as it is told.</summary>
sealed class HttpFaultProxy : IDisposable
{
    readonly Uri _target;
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly ConcurrentQueue<HttpHead> _requests = new();
    readonly List<(HttpFault Fault, int Seen)> _faults = [];
    readonly ConcurrentDictionary<Socket, bool> _open = [];
    readonly ConcurrentDictionary<Task<bool>, Task<bool>> _forwarded = [];

    public HttpFaultProxy(Uri target)
    {
        _target = target;
        _listener.Start(512);
        Endpoint = new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _ = AcceptAsync();
    }

    public Uri Endpoint { get; }

    /// <summary>Several may be waiting; the first that concerns a request spoils it.</summary>
    public void Add(HttpFault fault)
    {
        lock (_faults) _faults.Add((fault, 0));
    }

    /// <summary>How many faults have not happened yet, or not as often as they shall.</summary>
    public int Waiting
    {
        get { lock (_faults) return _faults.Count; }
    }

    /// <summary>How many requests came so far, also those that were not forwarded.</summary>
    public int Requests(string? method = null, string? path = null) =>
        _requests.Count(r => (method is null || r.Method == method) && (path is null || r.Target.Contains(path, StringComparison.Ordinal)));

    /// <summary>Method and target of each, in the order in which they came.</summary>
    public IReadOnlyList<string> Log => [.. _requests.Select(r => $"{r.Method} {r.Target}")];

    /// <summary>Waits until the server has answered whatever reached it whole: also for a client that is gone it may still be at work.</summary>
    public async Task SettledAsync()
    {
        foreach (var (answer, body) in _forwarded)
        {
            Task answered = answer;
            if (await body) await answered.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var socket in _open.Keys) Reset(socket);
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the end of the proxy
        }
    }

    async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            client.NoDelay = true;
            _open[client] = true;
            await server.ConnectAsync(_target.Host, _target.Port);
            using var ours = new NetworkStream(server);
            using var theirs = new NetworkStream(client);
            var (from, to) = (new HttpWire(theirs), new HttpWire(ours));
            while (await from.ReadHeadAsync() is { } request && await PassAsync(request, from, to))
            {
            }
            client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            Reset(client);
        }
        _open.TryRemove(client, out _);
        client.Dispose();
    }

    /// <returns>Whether the connection can take another request.</returns>
    async Task<bool> PassAsync(HttpHead request, HttpWire client, HttpWire server)
    {
        _requests.Enqueue(request);
        var fault = Take(request);
        if (fault is { Lost: false })
        {
            // who waits for leave to send the body shall not send it
            if (!request.Has("Expect", "100-continue")) await client.CopyBodyAsync(request, false, _ => default);
            await SpoilAsync(fault, request, client);
            return false;
        }
        await server.WriteAsync(request.Raw);
        var body = ForwardBodyAsync(request, client, server);
        var answer = AnswerAsync(fault, request, client, server);
        _forwarded[answer] = body;
        try
        {
            return await answer && await body;
        }
        finally
        {
            _forwarded.TryRemove(answer, out _);
        }
    }

    async Task<bool> AnswerAsync(HttpFault? fault, HttpHead request, HttpWire client, HttpWire server)
    {
        HttpHead? answer;
        while ((answer = await server.ReadHeadAsync()) is { Status: 100 }) await client.WriteAsync(answer.Raw);
        if (answer is null) return false;
        var hasBody = request.Method != "HEAD" && answer.Status is not (204 or 304);
        if (fault is { BodyBytes: null })
        {
            if (hasBody) await server.CopyBodyAsync(answer, true, _ => default);
            await SpoilAsync(fault, request, client);
            return false;
        }
        await client.WriteAsync(answer.Raw);
        var whole = !hasBody || await server.CopyBodyAsync(answer, true, client.WriteAsync, fault?.BodyBytes ?? long.MaxValue);
        return whole && fault is null && !answer.Has("Connection", "close") && (!hasBody || answer.Length is not null || answer.IsChunked);
    }

    HttpFault? Take(HttpHead request)
    {
        lock (_faults)
        {
            for (var i = 0; i < _faults.Count; i++)
            {
                var (fault, seen) = _faults[i];
                if (!fault.Concerns(request)) continue;
                _faults[i] = (fault, ++seen);
                if (seen == fault.Nth + fault.Times - 1) _faults.RemoveAt(i--);
                if (seen >= fault.Nth) return fault;
            }
        }
        return null;
    }

    static async Task SpoilAsync(HttpFault fault, HttpHead request, HttpWire client) =>
        await client.WriteAsync(fault.Answer(request) ?? throw new IOException("reset, as asked for"));

    /// <returns>False when one of the sides wanted no more of it; what counts is the answer.</returns>
    static async Task<bool> ForwardBodyAsync(HttpHead request, HttpWire client, HttpWire server)
    {
        try
        {
            return await client.CopyBodyAsync(request, false, server.WriteAsync);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // closed already
        }
        socket.Close();
    }
}
