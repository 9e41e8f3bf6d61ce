using ZfsArchive.Manifests;
using ZfsArchive.Repository;

namespace ZfsArchive.Verify;

/// <summary>What is to be verified of a repository, and how.</summary>
/// <param name="Budget">Null: all that is selected is read.</param>
/// <param name="Limit">For how long chunks are read at most; null: no limit.</param>
/// <param name="Remote">As for <see cref="VerifyRun"/>.</param>
public sealed record VerifyOrder(VerifyLevel Level, VerifyBudget? Budget = null, TimeSpan? Limit = null, bool Remote = false);

/// <summary>One verification from plan to record: what was looked at is known to the next one, and what was found whole is what a later look is held against.</summary>
public sealed class VerifyPass
{
    readonly ArchiveRepository _repository;
    readonly VerifyOrder _order;
    readonly Func<ArchiveEntry, bool> _selects;
    readonly VerifyHistory _history;
    readonly DateTimeOffset _now;

    VerifyPass(ArchiveRepository repository, Catalog catalog, VerifyOrder order, Func<ArchiveEntry, bool> selects, VerifyHistory history, DateTimeOffset now)
    {
        (_repository, Catalog, _order, _selects, _history, _now) = (repository, catalog, order, selects, history, now);
        var archives = catalog.Graph.Archives.Where(selects).ToList();
        Plan = order.Budget is { } budget ? VerifyPlanner.Plan(archives, history, order.Level, budget, now) : null;
        Bytes = Plan?.Bytes ?? archives.Sum(a => a.Head.Totals.StoredLength);
    }

    /// <summary>What the repository held when the verification was prepared.</summary>
    public Catalog Catalog { get; }

    /// <summary>Null where all is read.</summary>
    public VerifyPlan? Plan { get; }

    /// <summary>Stored bytes that will be read, about.</summary>
    public long Bytes { get; }

    /// <param name="read">Reads the catalog.</param>
    /// <param name="choose">Which of its archives are looked at closely.</param>
    public static async Task<VerifyPass> PrepareAsync(
        ArchiveRepository repository, Func<CancellationToken, Task<Catalog>> read, VerifyOrder order, Func<Catalog, Func<ArchiveEntry, bool>> choose, CancellationToken cancel)
    {
        // before the catalog: what is archived between the two would look as if it were gone
        repository.Seen.Load();
        // beside the catalog: with many archives both take their time
        var (loading, reading) = (Task.Run(() => VerifyRecords.LoadAsync(repository, cancel), cancel), read(cancel));
        await Task.WhenAll(loading, reading);
        var catalog = await reading;
        return new(repository, catalog, order, choose(catalog), await loading, await repository.Store.TimeAsync(cancel));
    }

    IEnumerable<(ArchiveEntry Archive, DamagedObject Damaged)> Known(VerifyTrace trace)
    {
        foreach (var (id, damaged) in _history.NotLookedAt(trace, _order.Level))
            if (Catalog.Graph.Find(id) is { } archive && _selects(archive) && _history.Of(archive) is not null) yield return (archive, damaged);
    }

    /// <param name="host">Which writes the record.</param>
    /// <param name="mayWrite">A lease is held, so that the record can be kept in the repository.</param>
    public async Task<VerifyReport> ExecuteAsync(string host, bool mayWrite, TimeProvider clock, IProgress<VerifyProgress>? progress, CancellationToken cancel)
    {
        var since = clock.GetTimestamp();
        var run = new VerifyRun(_repository, _order.Level, progress, _order.Remote, _order.Limit is { } most ? () => clock.GetElapsedTime(since) > most : null, Known);
        var report = Plan is null ? await run.ExecuteAsync(Catalog, _selects, cancel) : await run.ExecuteAsync(Catalog, Plan.Parts, cancel);
        if (report.Sound) _repository.Seen.Remember(Catalog.Graph.Archives);
        // the links alone are quickly looked at each time
        if (_order.Level < VerifyLevel.Objects) return report;
        // another host may have found damage meanwhile
        var history = await VerifyRecords.NewestAsync(_repository, _history, cancel);
        history.Add(run.Trace(_now), _order.Level, _now);
        await VerifyRecords.SaveAsync(_repository, history, Catalog, host, mayWrite, cancel);
        return report;
    }
}
