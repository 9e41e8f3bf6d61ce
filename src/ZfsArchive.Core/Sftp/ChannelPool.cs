using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>
/// The channels of a store: some connections, each with several channels, because OpenSSH lets one channel have no more than 2 MiB
/// on the way. They are made when transfers need them; what has died is made anew at the next need.
/// </summary>
sealed class ChannelPool : IAsyncDisposable
{
    /// <summary>Bytes from which on an object far away is worth several channels.</summary>
    public const int WorthMore = 4 << 20;

    /// <summary>Nearby a second one uses the moments in which the first waits for the disk; far away each carries little. A server allows ten.</summary>
    const int ChannelsNearby = 2, ChannelsFarAway = 4;

    /// <summary>Channels for one large object far away: with many, those at work do not all wait for their ends at the same time.</summary>
    const int WidthFarAway = 8;

    /// <summary>How long a channel that could not be had is not asked for again, while there are others.</summary>
    static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    /// <summary>A round trip from which on the window of a channel, and no longer the processor, is what limits it.</summary>
    static readonly TimeSpan s_far = TimeSpan.FromMilliseconds(8);

    readonly Lock _gate = new();
    readonly ChannelPlace[] _places;
    readonly SshConnector _connector;
    readonly TimeProvider _clock;
    bool _hasEverOpened;
    bool _isDisposed;

    public ChannelPool(SshConnector connector, int connections, TimeProvider clock)
    {
        (_connector, _clock) = (connector, clock);
        connections = int.Max(1, connections);
        _places = [.. Enumerable.Range(0, connections * ChannelsFarAway).Select(i => new ChannelPlace(this, i / ChannelsFarAway, i % ChannelsFarAway))];
    }

    /// <summary>Channels that one large object is to be moved by: one, unless a channel is slow because the way is long.</summary>
    public int Width
    {
        get { lock (_gate) return IsFar ? WidthFarAway : 1; }
    }

    /// <summary>Begins to make all connections and their channels, where that takes long: large transfers are going to come. Nobody waits for it.</summary>
    public void Prepare() => _ = PrepareAsync();

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
        // all at once: the ssh of a first channel, which carries the others, ends by itself when they have
        await Task.WhenAll(_places.Select(p => EndAsync(p.Opening)));
        _connector.Dispose();
    }

    // Under the gate. As long as nothing is known, it is near.
    bool IsFar => _places.Where(p => p.IsOpen).Select(p => p.Opening!.GetAwaiter().GetResult().RoundTrip).Where(t => t < TimeSpan.MaxValue).DefaultIfEmpty().Min() > s_far;

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

    async Task PrepareAsync()
    {
        try
        {
            using var first = await TakeAsync(false, CancellationToken.None);
            await first.Session.Measured;
            lock (_gate)
            {
                if (_isDisposed || !IsFar) return;
                // in their order: a further channel waits for its connection
                foreach (var place in _places.Where(IsFree)) place.Opening = OpenAsync(place, place.Opening);
            }
        }
        catch (Exception e) when (e is SftpFault or ObjectDisposedException)
        {
            // whoever needs one will see why there is none
        }
    }

    // The open channel with the least to do. While all are busy with what is large, more are made. Nearby it is one at a time: a connection
    // costs as much as some MiB of data, so a short run must not make all of them. Far away a channel carries little, and each has its own.
    ChannelPlace Pick(bool isTransfer, out Task<SftpSession> opening)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var usable = _places.Where(p => p.IsOpenOrOpening).ToList();
            var grows = usable.Count == 0 || (isTransfer && usable.All(p => p.Load > 0 && (p.IsOpen || IsFar)));
            ChannelPlace? added = null;
            if (grows && (added = NewPlace(usable.Count == 0)) is not null)
            {
                added.Opening = OpenAsync(added, added.Opening);
                usable.Add(added);
            }
            var place = (IsFar && isTransfer ? added ?? usable.MinBy(p => p.Load + (p.IsOpen ? 0 : 1)) : usable.Where(p => p.IsOpen).MinBy(p => p.Load)) ?? usable.MinBy(p => p.Load)!;
            place.Load++;
            opening = place.Opening!;
            return place;
        }
    }

    // Under the gate: whether a channel may be made there now.
    bool IsFree(ChannelPlace place) => !place.IsOpenOrOpening && place.RefusedUntil <= _clock.GetUtcNow() && (!place.IsFurther || First(place.Connection).IsOpenOrOpening);

    ChannelPlace? NewPlace(bool isNeeded)
    {
        var free = _places.Where(IsFree);
        // nearby a further channel is the cheapest; far away each connection has a rate of its own
        var place = IsFar ? free.OrderBy(p => p.Channel).FirstOrDefault() : free.FirstOrDefault(p => p.Channel < ChannelsNearby);
        return place ?? (isNeeded ? _places[0] : null);
    }

    async Task<SftpSession> OpenAsync(ChannelPlace place, Task<SftpSession>? dead)
    {
        await Task.Yield();
        await EndAsync(dead);
        try
        {
            var session = place.IsFurther ? await OpenFurtherAsync(place) : await OpenFirstAsync(place);
            lock (_gate) _hasEverOpened = true;
            return session;
        }
        catch (SftpFault)
        {
            Refuse(place);
            throw;
        }
    }

    // What a server refuses to one connection that lives, it refuses to the others: they need not all be asked.
    void Refuse(ChannelPlace refused)
    {
        lock (_gate)
        {
            var isLimit = refused.IsFurther && First(refused.Connection).IsOpen;
            var until = _clock.GetUtcNow() + s_pause;
            foreach (var place in _places.Where(p => p == refused || (isLimit && p.IsFurther && p.Channel >= refused.Channel))) place.RefusedUntil = until;
        }
    }

    // One connection has to succeed before others are tried: a wrong key is not shown four times.
    async Task<SftpSession> OpenFirstAsync(ChannelPlace place)
    {
        if (place != _places[0] && FirstEver() is { } first) await first;
        place.Socket = _connector.NewSocket();
        return await _connector.OpenFirstAsync(place.Socket);
    }

    async Task<SftpSession> OpenFurtherAsync(ChannelPlace place)
    {
        ChannelPlace first;
        Task<SftpSession> opening;
        lock (_gate)
        {
            first = First(place.Connection);
            opening = first.IsOpenOrOpening ? first.Opening! : throw new SftpFault(StoreFailure.Transient, "the connection has ended");
        }
        await opening;
        return first.Socket is { } socket ? await _connector.OpenFurtherAsync(socket) : throw new SftpFault(StoreFailure.Permanent, "there is no socket to join by");
    }

    ChannelPlace First(int connection) => _places[connection * ChannelsFarAway];

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

    void GiveBack(ChannelPlace place)
    {
        lock (_gate) place.Load--;
    }

    internal sealed class Lease(ChannelPlace place, SftpSession session) : IDisposable
    {
        public SftpSession Session => session;

        public void Dispose() => place.Pool.GiveBack(place);
    }
}
