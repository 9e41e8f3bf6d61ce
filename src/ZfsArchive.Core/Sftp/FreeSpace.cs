using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>What room there is on the far side, asked now and then and reckoned in between.</summary>
sealed class FreeSpace(string root, TimeProvider clock)
{
    /// <summary>An answer that is older is asked for anew.</summary>
    static readonly TimeSpan s_freshness = TimeSpan.FromSeconds(3);

    /// <summary>Bytes below which a disk is full: file systems keep a little for themselves.</summary>
    const long Nothing = 1 << 20;

    readonly Lock _gate = new();
    long _free;
    long _askedAt;
    bool _isKnown;

    /// <summary>Takes the room for an object that is about to be sent.</summary>
    /// <exception cref="SftpFault">Full: there is not so much.</exception>
    public async Task TakeAsync(SftpSession session, long needed, CancellationToken cancel)
    {
        if (!session.Traits.TellsSpace || TryTake(needed)) return;
        var free = await AskAsync(session, cancel);
        if (!TryTake(needed)) throw Full(free, needed);
    }

    /// <summary>Why a write failed for no given reason: null when there would have been room.</summary>
    public async Task<SftpFault?> FullAsync(SftpSession session, long needed, CancellationToken cancel)
    {
        if (!session.Traits.TellsSpace) return null;
        var free = await AskAsync(session, cancel);
        return free < long.Max(needed, Nothing) ? Full(free, needed) : null;
    }

    static SftpFault Full(long free, long needed) => new(StoreFailure.Full, $"there is no room: {free} bytes are free, {needed} are needed");

    bool TryTake(long needed)
    {
        lock (_gate)
        {
            if (!_isKnown || clock.GetElapsedTime(_askedAt) > s_freshness || _free < needed) return false;
            _free -= needed;
            return true;
        }
    }

    async Task<long> AskAsync(SftpSession session, CancellationToken cancel)
    {
        long free;
        try
        {
            free = await session.FreeAsync(root, cancel);
        }
        catch (SftpFault e) when (e.Status is not null)
        {
            // announced and then refused: a write will show whether there is room
            free = long.MaxValue;
        }
        lock (_gate) (_free, _askedAt, _isKnown) = (free, clock.GetTimestamp(), true);
        return free;
    }
}
