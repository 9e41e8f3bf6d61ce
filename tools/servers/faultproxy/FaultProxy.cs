using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ZfsArchive.Servers;

/// <summary>Which way: up is from the client to the server.</summary>
[Flags]
enum Flow
{
    Up = 1,
    Down = 2,
    Both = Up | Down,
}

/// <summary>
/// Forwards TCP connections from a free port on 127.0.0.1, exactly and fast, until it is told to do worse.
/// Everything can be set while it runs, and holds for all connections together.
/// </summary>
sealed class FaultProxy : IDisposable
{
    readonly EndPoint _target;
    readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    readonly ConcurrentDictionary<Connection, bool> _open = [];
    readonly CancellationTokenSource _ended = new();
    readonly Lock _lock = new();
    readonly Pacer _up = new(), _down = new();
    (Flow Flow, long Left)? _cut, _garble;
    TaskCompletionSource? _stalled;
    long _delay, _bytesUp, _bytesDown;
    int _connections;

    public FaultProxy(EndPoint target)
    {
        _target = target;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Added to the round trip, half each way; a new connection waits for one round trip before anything goes through it.</summary>
    public TimeSpan Delay
    {
        get => new(Interlocked.Read(ref _delay));
        set => Interlocked.Exchange(ref _delay, value.Ticks);
    }

    /// <summary>The most that goes each way, over all connections; 0: no limit.</summary>
    public long BytesPerSecond
    {
        get => _up.BytesPerSecond;
        set => _up.BytesPerSecond = _down.BytesPerSecond = value;
    }

    /// <summary><see cref="BytesPerSecond"/> is for both ways together, as in the air.</summary>
    public bool OneRateForBoth { get; set; }

    /// <summary>A new connection is closed at once.</summary>
    public bool Refuse { get; set; }

    /// <summary>After a cut new connections are refused.</summary>
    public bool StaysCut { get; set; }

    public long BytesUp => Interlocked.Read(ref _bytesUp);

    public long BytesDown => Interlocked.Read(ref _bytesDown);

    /// <summary>So many were accepted so far, also to be refused.</summary>
    public int Connections => _connections;

    public int OpenConnections => _open.Count;

    /// <summary>All connections are reset when so many more bytes have gone; it happens once.</summary>
    public void CutAfter(long bytes, Flow flow = Flow.Both)
    {
        lock (_lock) _cut = (flow, bytes);
    }

    /// <summary>Resets all connections. New ones work.</summary>
    public void CutNow()
    {
        foreach (var connection in _open.Keys) connection.Reset();
    }

    /// <summary>Nothing goes through any more; connections stay open, and new ones are accepted.</summary>
    public void Stall()
    {
        lock (_lock) _stalled ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void Unstall()
    {
        lock (_lock)
        {
            _stalled?.SetResult();
            _stalled = null;
        }
    }

    /// <summary>The n-th byte from now arrives with all its bits turned over; 1 is the next.</summary>
    public void Garble(long nth, Flow flow = Flow.Up)
    {
        lock (_lock) _garble = (flow, nth);
    }

    public void Dispose()
    {
        _ended.Cancel();
        _listener.Dispose();
        CutNow();
    }

    internal long HalfDelay => (long)(Delay.TotalSeconds / 2 * TimeProvider.System.TimestampFrequency);

    internal Pacer Pacer(Flow flow) => flow == Flow.Up || OneRateForBoth ? _up : _down;

    internal ValueTask WhileStalledAsync(CancellationToken stop)
    {
        lock (_lock) return _stalled is null ? ValueTask.CompletedTask : new(_stalled.Task.WaitAsync(stop));
    }

    /// <summary>How many of these bytes may go, changed as they must be. After fewer than all, everything is cut.</summary>
    internal int Admit(Flow flow, Span<byte> bytes)
    {
        lock (_lock)
        {
            if (_garble is { } garble && garble.Flow.HasFlag(flow))
            {
                if (garble.Left <= bytes.Length) bytes[(int)garble.Left - 1] ^= 0xFF;
                _garble = garble.Left <= bytes.Length ? null : (garble.Flow, garble.Left - bytes.Length);
            }
            if (_cut is not { } cut || !cut.Flow.HasFlag(flow)) return bytes.Length;
            _cut = (cut.Flow, Math.Max(0, cut.Left - bytes.Length));
            return (int)Math.Min(cut.Left, bytes.Length);
        }
    }

    /// <summary>These have gone. The connection of the last byte before a cut resets them all.</summary>
    internal void Count(Flow flow, int bytes)
    {
        Interlocked.Add(ref flow == Flow.Up ? ref _bytesUp : ref _bytesDown, bytes);
        lock (_lock)
        {
            if (_cut is not { Left: 0 }) return;
            _cut = null;
            Refuse |= StaysCut;
        }
        CutNow();
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(_ended.Token);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // the end of the proxy
        }
    }

    async Task ServeAsync(Socket client)
    {
        using var connection = new Connection(this, client);
        _open[connection] = true;
        if (Refuse || _ended.IsCancellationRequested) connection.Reset();
        else await connection.RunAsync(_target);
        _open.TryRemove(connection, out _);
    }
}
