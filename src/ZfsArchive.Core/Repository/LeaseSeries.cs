using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Processes;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>Whether somebody is behind a lease.</summary>
public enum LeaseState
{
    Alive,

    /// <summary>Its holder has closed it.</summary>
    Ended,

    /// <summary>It was not refreshed in time, or its holder is known to be dead.</summary>
    Stale,
}

/// <summary>One holder's objects under <c>leases/</c>, as a listing shows them.</summary>
/// <param name="Id">16 hexadecimal digits.</param>
/// <param name="Objects">By number, the closing one last: in this order they are removed, so that what is left never says more than was true.</param>
/// <param name="Ended">The closing object is there.</param>
/// <param name="SeenAt">When the newest was created, by the store's clock.</param>
/// <param name="Record">What the newest says; null when it cannot be read.</param>
public sealed record LeaseSeries(string Id, ImmutableArray<ObjectKey> Objects, bool Ended, DateTimeOffset SeenAt, LeaseRecord? Record)
{
    /// <summary>How much later than its time a lease still counts: clocks differ, and answers take their time.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(10);

    const int LongestName = 255;

    /// <summary>Its holder was a process of this machine, and is no more.</summary>
    public bool HolderIsDead { get; } = Record?.Process is { } process && ProcessMark.HasEnded(process);

    /// <param name="now">The store's time. A lease from its future is alive.</param>
    public LeaseState StateAt(DateTimeOffset now) =>
        Ended ? LeaseState.Ended
        : HolderIsDead ? LeaseState.Stale
        : now - SeenAt > TimeSpan.FromSeconds(Record?.Seconds ?? LeaseRecord.LongestHold) + Tolerance ? LeaseState.Stale
        : LeaseState.Alive;

    /// <summary>Whether its holder and one of this kind may not work at once. One that cannot be read may be of either kind, and keeps out who removes.</summary>
    public bool Excludes(LeaseKind kind) => kind is LeaseKind.Exclusive || Record?.Kind == LeaseRecord.Exclusive;

    /// <summary>Who it is, since when, and when it was last seen.</summary>
    /// <param name="now">The store's time.</param>
    public string Describe(DateTimeOffset now)
    {
        var who = Record is null
            ? $"a lease that cannot be read ({Objects[^1]})"
            : string.Create(CultureInfo.InvariantCulture, $"{Record.Verb} on {Record.Host} (pid {Record.Pid}) since {Record.Started.UtcDateTime:yyyy-MM-dd HH:mm:ss'Z'}");
        var minutes = long.Max(0, (long)(now - SeenAt).TotalMinutes);
        return string.Create(CultureInfo.InvariantCulture, $"{who}, seen {minutes} minute{(minutes == 1 ? "" : "s")} ago");
    }

    /// <summary>All series of a repository, each with the record of its newest object; those that are ended only when wanted.</summary>
    /// <param name="except">The id of one that is left out.</param>
    /// <exception cref="StoreException">They cannot be listed or asked for; one that may not be read is no failure.</exception>
    public static async Task<ImmutableArray<LeaseSeries>> ListAsync(ArchiveRepository repository, bool withEnded, CancellationToken cancel, string? except = null)
    {
        var found = new List<(ObjectInfo Info, string Id, int? Number)>();
        await foreach (var info in repository.Store.ListAsync(Layout.Leases, cancel))
            if (Layout.ParseLease(info.Key.Text) is { } lease && lease.Id != except) found.Add((info, lease.Id, lease.Number));

        var series = ImmutableArray.CreateBuilder<LeaseSeries>();
        foreach (var group in found.GroupBy(f => f.Id))
        {
            var inOrder = group.OrderBy(f => f.Number ?? int.MaxValue).Select(f => f.Info).ToList();
            var ended = group.Any(f => f.Number is null);
            if (ended && !withEnded) continue;
            var (isThere, record) = await ReadAsync(repository, group.Key, inOrder[^1].Key, cancel);
            if (isThere) series.Add(new(group.Key, [.. inOrder.Select(i => i.Key)], ended, inOrder[^1].ModifiedAt, record));
        }
        return series.ToImmutable();
    }

    /// <summary>Removes its objects, those that were listed and no others.</summary>
    /// <exception cref="ArchiveException">The store refuses.</exception>
    public async Task RemoveAsync(IObjectStore store, CancellationToken cancel)
    {
        foreach (var key in Objects)
        {
            try
            {
                await store.DeleteAsync(key, cancel);
            }
            catch (StoreException e) when (e.Failure is StoreFailure.Denied)
            {
                throw new ArchiveException(FailureKind.Failed, $"{store.Location}: {key} cannot be removed, since these credentials may not delete: use some that may ({e.Message})", e);
            }
        }
    }

    // What went away since it was listed has been closed or unlocked.
    static async Task<(bool IsThere, LeaseRecord? Record)> ReadAsync(ArchiveRepository repository, string id, ObjectKey key, CancellationToken cancel)
    {
        try
        {
            var record = await ArchiveRepository.ReadDocumentAsync(repository.Store, key.Text, ManifestJson.Default.LeaseRecord, cancel);
            return (record is not null, record is not null && IsSound(record, id) ? record : null);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Absent)
        {
            return (false, null);
        }
        catch (StoreException e) when (e.Failure is not StoreFailure.Denied)
        {
            throw;
        }
        catch (ArchiveException)
        {
            return (true, null);
        }
    }

    static bool IsSound(LeaseRecord record, string id) =>
        record.Id == id && record.Kind is LeaseRecord.Shared or LeaseRecord.Exclusive && record.Seconds is > 0 and <= LeaseRecord.LongestHold
        && IsName(record.Verb) && IsName(record.Host) && (record.Process is null || IsName(record.Process));

    static bool IsName(string text) => text.Length is > 0 and <= LongestName && ManifestReader.IsPlain(text);
}
