using System.Collections.Immutable;
using System.Security.Cryptography;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Processes;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>Who may work in a repository at once: many that share it, or one that has it alone.</summary>
public enum LeaseKind
{
    /// <summary>Reads or adds.</summary>
    Shared,

    /// <summary>Removes or replaces.</summary>
    Exclusive,
}

/// <summary>The times of a lease.</summary>
/// <param name="Hold">How long each object of the series holds, by the store's clock; whole seconds, at most <see cref="LeaseRecord.LongestHold"/>.</param>
/// <param name="Refresh">How often the next one is created, by this host's clock.</param>
/// <param name="Closing">How long closing may take at most.</param>
public sealed record LeaseTerms(TimeSpan Hold, TimeSpan Refresh, TimeSpan Closing)
{
    public static LeaseTerms Standard { get; } = new(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(30));
}

/// <summary>
/// A word left in a repository that somebody works there: a series of objects, each created once, so that a store that allows nothing
/// else will do. It is refreshed until it is disposed of; closing never fails, for it must not change the result of the work.
/// </summary>
public sealed class Lease : IAsyncDisposable
{
    const int ParallelRemovals = 8;
    readonly ArchiveRepository _repository;
    readonly LeaseKind _kind;
    readonly LeaseRecord _record;
    readonly LeaseTerms _terms;
    readonly TimeProvider _clock;
    readonly SemaphoreSlim _turn = new(1, 1);
    readonly CancellationTokenSource _stop = new();
    Task _refreshing = Task.CompletedTask;
    int _number;
    ObjectKey _newest;
    DateTimeOffset? _seenAt;
    DateTimeOffset _since;
    bool _lapsed;
    int _closed;

    Lease(ArchiveRepository repository, LeaseKind kind, LeaseRecord record, LeaseTerms terms, TimeProvider clock) =>
        (_repository, _kind, _record, _terms, _clock) = (repository, kind, record, terms, clock);

    /// <summary>Writes a lease, then looks who else has one: of two that may not work at once, at least one sees the other and withdraws.</summary>
    /// <param name="verb">What is going to be done, for those who wait.</param>
    /// <param name="host">The name of this host.</param>
    /// <exception cref="ArchiveException">Locked: another one works here. A <see cref="StoreException"/>: nothing may be written here, or the store fails.</exception>
    public static async Task<Lease> TakeAsync(
        ArchiveRepository repository, LeaseKind kind, string verb, string host, TimeProvider clock, CancellationToken cancel, LeaseTerms? terms = null)
    {
        terms ??= LeaseTerms.Standard;
        var record = new LeaseRecord(
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), kind is LeaseKind.Shared ? LeaseRecord.Shared : LeaseRecord.Exclusive, verb, host,
            Environment.ProcessId, clock.GetUtcNow(), (long)terms.Hold.TotalSeconds, ProcessMark.Own);
        var lease = new Lease(repository, kind, record, terms, clock);
        try
        {
            await lease.CreateAloneAsync(cancel);
            lease._refreshing = lease.RefreshAsync();
            return lease;
        }
        catch
        {
            await lease.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Makes sure, just before something counts, that nobody can have come in meanwhile. True: it was held all the time. False: it had run
    /// out (a host that slept) or was removed, and was taken again; what was looked at before has to be looked at again.
    /// </summary>
    /// <exception cref="ArchiveException">Locked: it had run out, and another one works here now.</exception>
    public async Task<bool> RequireHeldAsync(CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            _lapsed |= !await IsHeldAsync(cancel);
            if (!_lapsed) return true;
            await CreateAloneAsync(cancel);
            _lapsed = false;
            return false;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Closes the lease and removes its objects; where that may not be done they stay, and count for nothing. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        using var limit = new CancellationTokenSource(_terms.Closing, _clock);
        await _stop.CancelAsync();
        await _refreshing.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await CloseAsync(limit.Token).WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _turn.Dispose();
    }

    async Task RefreshAsync()
    {
        while (true)
        {
            await Task.Delay(_terms.Refresh, _clock, _stop.Token);
            await _turn.WaitAsync(_stop.Token);
            try
            {
                // One that is refreshed too late looks young again: that it had run out must not be forgotten.
                _lapsed |= !await IsHeldAsync(_stop.Token);
                await SeeAsync(await CreateNextAsync(_stop.Token), _stop.Token);
            }
            catch (StoreException)
            {
                // The next one may arrive in time; if not, it is found out before anything is committed.
            }
            finally
            {
                _turn.Release();
            }
        }
    }

    // A number is used once, also when its creation failed: what arrived late must not pass for new.
    async Task<(ObjectKey Key, DateTimeOffset Since)> CreateNextAsync(CancellationToken cancel)
    {
        var key = new ObjectKey(Layout.Lease(_record.Id, ++_number));
        var since = await _repository.Store.TimeAsync(cancel);
        await _repository.CreateDocumentAsync(key.Text, _record, ManifestJson.Default.LeaseRecord, cancel);
        return (key, since);
    }

    async Task<DateTimeOffset> SeeAsync((ObjectKey Key, DateTimeOffset Since) created, CancellationToken cancel)
    {
        var (key, since) = created;
        var now = (await _repository.Store.StatAsync(key, cancel))?.ModifiedAt ?? await _repository.Store.TimeAsync(cancel);
        _lapsed |= now - _seenAt > _terms.Hold;
        (_newest, _seenAt, _since) = (key, now, since);
        return now;
    }

    // Against the time that the store told just before the creation: what a mounted disk writes on its files may come from another clock.
    async Task<bool> IsHeldAsync(CancellationToken cancel)
    {
        var (newest, time) = (_repository.Store.StatAsync(_newest, cancel), _repository.Store.TimeAsync(cancel));
        await Task.WhenAll(newest, time);
        return await newest is not null && await time - _since <= _terms.Hold;
    }

    async Task CreateAloneAsync(CancellationToken cancel)
    {
        var created = await CreateNextAsync(cancel);
        var (seeing, listing) = (SeeAsync(created, cancel), LeaseSeries.ListAsync(_repository, withEnded: false, cancel, except: _record.Id));
        await Task.WhenAll(seeing, listing);
        RequireNoOther(await listing, await seeing);
    }

    void RequireNoOther(ImmutableArray<LeaseSeries> others, DateTimeOffset now)
    {
        if (others.Where(o => o.Excludes(_kind) && o.StateAt(now) is LeaseState.Alive).MinBy(o => o.Record is null) is not { } other) return;
        var place = _repository.Store.Location;
        throw new ArchiveException(FailureKind.Locked, $"{place} is locked: {other.Describe(now)}; wait for it, or if that host is gone: zfsarchive unlock --repo {place} --all");
    }

    // Ended before anything of it goes, and the end goes last: it is never seen alive again.
    async Task CloseAsync(CancellationToken cancel)
    {
        if (_number == 1 && _seenAt is not null && await RemoveOnlyAsync(cancel)) return;
        var end = Layout.LeaseEnd(_record.Id);
        await _repository.CreateDocumentAsync(end, _record, ManifestJson.Default.LeaseRecord, cancel);
        var limits = new ParallelOptions { MaxDegreeOfParallelism = ParallelRemovals, CancellationToken = cancel };
        await Parallel.ForEachAsync(Enumerable.Range(1, _number), limits, async (number, stop) => await _repository.Store.DeleteAsync(new(Layout.Lease(_record.Id, number)), stop));
        await _repository.Store.DeleteAsync(new(end), cancel);
    }

    // One object that is known to be there is gone or it is not: nothing has to say that it ends.
    async Task<bool> RemoveOnlyAsync(CancellationToken cancel)
    {
        try
        {
            await _repository.Store.DeleteAsync(_newest, cancel);
            return true;
        }
        catch (StoreException)
        {
            // what may not be removed is ended by one more object
            return false;
        }
    }
}
