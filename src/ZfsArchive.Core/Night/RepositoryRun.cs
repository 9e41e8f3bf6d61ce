using System.Collections.Immutable;
using ZfsArchive.Backup;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Prune;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Verify;

namespace ZfsArchive.Night;

/// <summary>What a night does in a repository when all archives are there: prune, and verify a share.</summary>
/// <param name="chosen">Of each job, the datasets that name it by their property.</param>
sealed class RepositoryRun(
    RepositoryRule rule, Configuration configuration, IReadOnlyDictionary<string, ImmutableHashSet<string>> chosen, OpenedRepositories opened, INightWorld world, bool dryRun)
{
    static readonly TimeSpan s_lockedPatience = TimeSpan.FromMinutes(10);
    static readonly TimeSpan s_lockedPause = TimeSpan.FromSeconds(20);

    readonly ImmutableArray<string>.Builder _notes = ImmutableArray.CreateBuilder<string>();
    readonly ImmutableArray<NightFailure>.Builder _failures = ImmutableArray.CreateBuilder<NightFailure>();

    public async Task<RepositoryNight> ExecuteAsync(CancellationToken cancel)
    {
        var (pruned, verified) = ((PrunedNight?)null, (VerifiedNight?)null);
        var times = opened.TimesOf(rule);
        var stages = times is not null && times.Read + times.Stored > TimeSpan.Zero
            ? StageSeconds.Of(times) : null;
        if (opened.FailureOf(rule) is null)
        {
            if (rule.Prune) pruned = await TryAsync("prune", () => PruneAsync(cancel));
            if (rule.Verify.Cycle is not null && !dryRun) verified = await TryAsync("verify", () => VerifyAsync(cancel));
        }
        return new(rule.Name, opened.LocationOf(rule), _failures.Count == 0 ? NightState.Ok : NightState.Failed, stages, pruned, verified, _notes.ToImmutable(), _failures.ToImmutable());
    }

    async Task<PrunedNight?> PruneAsync(CancellationToken cancel)
    {
        var since = world.Clock.GetTimestamp();
        var repository = await opened.OpenAsync(rule, cancel);
        if (!dryRun) await repository.RequireAsync(RepositoryUse.Remove, cancel);
        await using var lease = dryRun ? null : await LeaseAsync(repository, cancel);
        if (lease is null && !dryRun) return null;
        var report = await new PruneRun(repository, lease, rule.Grace, world.HostName, world.Clock).ExecuteAsync(
            dataset => JobRules.RuleOf(rule, configuration, chosen, dataset), async stop => (await VerifyRecords.LoadAsync(repository, stop)).Damaged, cancel);
        _notes.AddRange(report.Plan.Notes);
        foreach (var dataset in report.Plan.Datasets.Where(d => d.HeldBack is not null)) _failures.Add(new($"{rule.Name}: prune", dataset.HeldBack!, FailureKind.Failed));
        var why = report.Plan.Datasets.SelectMany(d => d.Decisions).ToDictionary(d => d.Archive.Id, d => d.Why);
        var removed = dryRun ? report.Plan.Removals : report.Removed;
        return new(
            [.. removed.Select(a => new RemovedNight(a.Id, a.SnapshotName, why.GetValueOrDefault(a.Id, ""), a.Head.Totals.StoredLength))], removed.Sum(a => a.Head.Totals.StoredLength),
            report.Plan.Datasets.Sum(d => (long)d.Decisions.Length) - report.Plan.Removals.Length, report.Plan.Datasets.Sum(d => d.BytesForChain), report.BytesFreed, report.BytesInGrace, report.IsFirstLook,
            world.Clock.GetElapsedTime(since).TotalSeconds);
    }

    // Whoever works there, a backup or a restore, goes first; tomorrow is another night.
    async Task<Lease?> LeaseAsync(ArchiveRepository repository, CancellationToken cancel)
    {
        var since = world.Clock.GetTimestamp();
        while (true)
        {
            try
            {
                return await Lease.TakeAsync(repository, LeaseKind.Exclusive, "prune", world.HostName, world.Clock, cancel);
            }
            catch (ArchiveException e) when (e.Kind is FailureKind.Locked)
            {
                if (world.Clock.GetElapsedTime(since) < s_lockedPatience)
                {
                    await Task.Delay(s_lockedPause, world.Clock, cancel);
                    continue;
                }
                _notes.Add($"not pruned this time: {e.Message}");
                return null;
            }
        }
    }

    async Task<VerifiedNight?> VerifyAsync(CancellationToken cancel)
    {
        var since = world.Clock.GetTimestamp();
        var repository = await opened.OpenAsync(rule, cancel);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Shared, "verify", world.HostName, world.Clock, cancel);
        var order = new VerifyOrder(VerifyLevels.Parse(rule.Verify.Level), new(null, rule.Verify.MaxBytes, rule.Verify.Cycle), rule.Verify.MaxTime);
        var pass = await VerifyPass.PrepareAsync(repository, repository.KnownCatalogAsync, order, _ => _ => true, cancel);
        if (pass.Plan?.Warning is { } warning) _notes.Add(warning);
        var report = await pass.ExecuteAsync(world.HostName, mayWrite: true, world.Clock, null, cancel);
        var findings = report.Findings.Where(f => f.Severity is Severity.Damage).Select(f => $"{f.Object}: {f.Reason}").ToImmutableArray();
        if (!report.Sound)
            _failures.Add(new($"{rule.Name}: verify", $"DAMAGE: {findings[0]}{(findings.Length > 1 ? $" and {findings.Length - 1} more" : "")}; {SnapshotWords.OfLost(report.Lost)}; see zfsarchive verify --repo {rule.Name}", FailureKind.Damage));
        return new(rule.Verify.Level, report.Sound, report.BytesRead, pass.Catalog.Graph.Archives.Sum(a => a.Head.Totals.StoredLength), findings, report.Lost, world.Clock.GetElapsedTime(since).TotalSeconds);
    }

    async Task<T?> TryAsync<T>(string what, Func<Task<T?>> work) where T : class
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is not OperationCanceledException && FailureWords.Of(e) is not null)
        {
            world.Say($"{rule.Name}: {what}: {FailureWords.Of(e)}");
            _failures.Add(new($"{rule.Name}: {what}", FailureWords.Of(e)!, FailureWords.KindOf(e)));
            return null;
        }
    }
}
