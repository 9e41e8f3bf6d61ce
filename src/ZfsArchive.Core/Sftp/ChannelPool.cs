using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>
/// The channels of a store: some connections, each with up to two channels, because OpenSSH lets one channel have no more than 2 MiB
/// on the way. They are made when transfers need them; what has died is made anew at the next need.
/// </summary>
sealed class ChannelPool : IAsyncDisposable
{
    const int ChannelsPerConnection = 2;

    /// <summary>How long a channel that could not be had is not asked for again, while there are others.</summary>
    static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    /// <summary>A round trip from which on the window of a channel, and no longer the processor, is what limits it.</summary>
    static readonly TimeSpan s_far = TimeSpan.FromMilliseconds(8);

    readonly Lock _gate = new();
    readonly Place[] _places;
    readonly SshConnector _connector;
    readonly TimeProvider _clock;
    bool _hasEverOpened;
    bool _isFar;
    bool _isDisposed;

    public ChannelPool(SshConnector connector, int connections, TimeProvider clock)
    {
        (_connector, _clock) = (connector, clock);
        connections = int.Max(1, connections);
        _places = [.. Enumerable.Range(0, connections * ChannelsPerConnection).Select(i => new Place(this, i / ChannelsPerConnection, i % ChannelsPerConnection > 0))];
    }

    /// <summary>Whether one channel is slow because the way is long.</summary>
    public bool IsFar
    {
        get { lock (_gate) return _isFar; }
    }

    /// <summary>A channel for one operation, given back by disposing of the lease.</summary>
    /// <param name="isTransfer">Whether much will be moved: then it is worth a new channel.</param>
    /// <exception cref="SftpFault">No channel is to be had.</exception>
    public async Task<Lease> TakeAsync(bool isTransfer, CancellationToken cancel)
    {
        for (;;)
        {
            var place = Pick(isTransfer, out var opening);
            try
            {
                return new(place, await opening.WaitAsync(cancel));
            }
            catch (SftpFault) when (IsAnyOpen())
            {
                GiveBack(place);
            }
            catch
            {
                GiveBack(place);
                throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate) _isDisposed = true;
        // second channels first: the first one's ssh carries them
        foreach (var second in new[] { true, false })
            await Task.WhenAll(_places.Where(p => p.IsSecond == second).Select(p => EndAsync(p.Opening)));
        _connector.Dispose();
    }

    static async Task EndAsync(Task<SftpSession>? opening)
    {
        try
        {
            if (opening is not null) await (await opening).DisposeAsync();
        }
        catch (SftpFault)
        {
            // it never came about
        }
    }

    // The open channel with the least to do. While all are busy with what is large, more are made. Nearby it is one at a time: a connection
    // costs as much as some MiB of data, so a short run must not make all of them. Far away a channel carries little, and each has its own.
    Place Pick(bool isTransfer, out Task<SftpSession> opening)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var usable = _places.Where(p => p.IsOpenOrOpening).ToList();
            var grows = usable.Count == 0 || (isTransfer && usable.All(p => p.Load > 0 && (p.IsOpen || _isFar)));
            Place? added = null;
            if (grows && (added = NewPlace(usable.Count == 0)) is not null)
            {
                added.Opening = OpenAsync(added, added.Opening);
                usable.Add(added);
            }
            var place = (_isFar && isTransfer ? added ?? usable.MinBy(p => p.Load) : usable.Where(p => p.IsOpen).MinBy(p => p.Load)) ?? usable.MinBy(p => p.Load)!;
            place.Load++;
            opening = place.Opening!;
            return place;
        }
    }

    Place? NewPlace(bool isNeeded)
    {
        var now = _clock.GetUtcNow();
        return _places.FirstOrDefault(p => !p.IsOpenOrOpening && p.RefusedUntil <= now && (!p.IsSecond || First(p.Connection).IsOpenOrOpening)) ?? (isNeeded ? _places[0] : null);
    }

    async Task<SftpSession> OpenAsync(Place place, Task<SftpSession>? dead)
    {
        await Task.Yield();
        await EndAsync(dead);
        try
        {
            var session = place.IsSecond ? await OpenSecondAsync(place) : await OpenFirstAsync(place);
            lock (_gate) (_hasEverOpened, _isFar) = (true, _isFar || session.RoundTrip > s_far);
            return session;
        }
        catch (SftpFault)
        {
            lock (_gate) place.RefusedUntil = _clock.GetUtcNow() + s_pause;
            throw;
        }
    }

    // One connection has to succeed before others are tried: a wrong key is not shown four times.
    async Task<SftpSession> OpenFirstAsync(Place place)
    {
        if (place != _places[0] && FirstEver() is { } first) await first;
        place.Socket = _connector.NewSocket();
        return await _connector.OpenFirstAsync(place.Socket);
    }

    async Task<SftpSession> OpenSecondAsync(Place place)
    {
        Place first;
        Task<SftpSession> opening;
        lock (_gate)
        {
            first = First(place.Connection);
            opening = first.IsOpenOrOpening ? first.Opening! : throw new SftpFault(StoreFailure.Transient, "the connection has ended");
        }
        await opening;
        return first.Socket is { } socket ? await _connector.OpenSecondAsync(socket) : throw new SftpFault(StoreFailure.Permanent, "there is no socket to join by");
    }

    Place First(int connection) => _places[connection * ChannelsPerConnection];

    Task<SftpSession>? FirstEver()
    {
        lock (_gate)
        {
            if (_hasEverOpened) return null;
            if (!_places[0].IsOpenOrOpening) _places[0].Opening = OpenAsync(_places[0], _places[0].Opening);
            return _places[0].Opening;
        }
    }

    bool IsAnyOpen()
    {
        lock (_gate) return _places.Any(p => p.IsOpen);
    }

    void GiveBack(Place place)
    {
        lock (_gate) place.Load--;
    }

    /// <summary>Where a channel is, or may be.</summary>
    internal sealed class Place(ChannelPool pool, int connection, bool isSecond)
    {
        public ChannelPool Pool => pool;

        public int Connection => connection;

        public bool IsSecond => isSecond;

        /// <summary>The newest attempt.</summary>
        public Task<SftpSession>? Opening { get; set; }

        /// <summary>Of the connection that this place began.</summary>
        public string? Socket { get; set; }

        /// <summary>Operations that use it.</summary>
        public int Load { get; set; }

        public DateTimeOffset RefusedUntil { get; set; }

        public bool IsOpen => Opening is { IsCompletedSuccessfully: true } && IsOpenOrOpening;

        public bool IsOpenOrOpening => Opening is { } opening && (!opening.IsCompleted || (opening.IsCompletedSuccessfully && !opening.GetAwaiter().GetResult().IsDead));
    }

    internal sealed class Lease(Place place, SftpSession session) : IDisposable
    {
        public SftpSession Session => session;

        public void Dispose() => place.Pool.GiveBack(place);
    }
}
