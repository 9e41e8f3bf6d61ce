using ZfsArchive.Backup;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Repository;

namespace ZfsArchive.Night;

/// <summary>A repository while archives are written into it.</summary>
/// <param name="Lease">Null in a dry run.</param>
sealed record OpenRepository(RepositoryRule Rule, ArchiveRepository Repository, Lease? Lease, StageTimes Times)
{
    /// <summary>With what was archived in this night.</summary>
    public required Catalog Catalog { get; set; }
}

/// <summary>
/// The repositories of a night, each opened when it is needed first, and once. For the jobs there is a shared lease, from before planning
/// until after the last commit.
/// </summary>
sealed class OpenedRepositories(INightWorld world, bool dryRun) : IAsyncDisposable
{
    readonly Dictionary<string, ArchiveRepository> _stores = [];
    readonly Dictionary<string, OpenRepository> _forJobs = [];
    readonly Dictionary<string, StageTimes> _times = [];
    readonly Dictionary<string, NightFailure> _failures = [];
    readonly ReachedPlaces _reached = new(world.Folders);

    /// <summary>Where it is, as far as is known.</summary>
    public string LocationOf(RepositoryRule rule) => _stores.TryGetValue(rule.Name, out var repository) ? repository.Store.Location : rule.Url;

    /// <summary>What its archives took; null when none were asked for.</summary>
    public StageTimes? TimesOf(RepositoryRule rule) => _times.GetValueOrDefault(rule.Name);

    /// <summary>Why a repository could not be opened for the jobs; null: it was, or none needed it.</summary>
    public NightFailure? FailureOf(RepositoryRule rule) => _failures.GetValueOrDefault(rule.Name);

    /// <summary>A repository for the jobs; null when it cannot be had.</summary>
    public async Task<OpenRepository?> ForJobsAsync(RepositoryRule rule, CancellationToken cancel)
    {
        if (_forJobs.TryGetValue(rule.Name, out var open)) return open;
        if (_failures.ContainsKey(rule.Name)) return null;
        try
        {
            open = _forJobs[rule.Name] = await BeginAsync(rule, cancel);
            _times[rule.Name] = open.Times;
            if (!dryRun) _reached.Saw(rule.Name, world.Clock.GetUtcNow());
            return open;
        }
        catch (Exception e) when (e is not OperationCanceledException && FailureWords.Of(e) is not null)
        {
            _failures[rule.Name] = new(rule.Name, FailureWords.Of(e)!, FailureWords.KindOf(e));
            if (!dryRun) _reached.Missed(rule.Name, world.Clock.GetUtcNow());
            return null;
        }
    }

    /// <summary>What is to be said of a job none of whose repositories was there for too long; null: nothing.</summary>
    public string? Broken(JobRule job, Configuration configuration) =>
        _reached.Broken(job, [.. job.Repositories.Select(configuration.Repository).Where(r => _failures.ContainsKey(r.Name))], world.Clock.GetUtcNow());

    /// <summary>A repository without a lease.</summary>
    /// <exception cref="Model.ArchiveException">It cannot be had.</exception>
    public async Task<ArchiveRepository> OpenAsync(RepositoryRule rule, CancellationToken cancel) =>
        _stores.TryGetValue(rule.Name, out var repository) ? repository : _stores[rule.Name] = await world.OpenAsync(rule, dryRun ? RepositoryUse.Read : RepositoryUse.Write, cancel);

    async Task<OpenRepository> BeginAsync(RepositoryRule rule, CancellationToken cancel)
    {
        var repository = await OpenAsync(rule, cancel);
        var lease = dryRun ? null : await Lease.TakeAsync(repository, LeaseKind.Shared, "run", world.HostName, world.Clock, cancel);
        try
        {
            return new(rule, repository, lease, new(world.Clock)) { Catalog = await repository.KnownCatalogAsync(cancel) };
        }
        catch
        {
            if (lease is not null) await lease.DisposeAsync();
            throw;
        }
    }

    /// <summary>Gives back all leases: who removes has to be alone. What the jobs knew is forgotten: others may have been there since.</summary>
    public async Task EndJobsAsync()
    {
        foreach (var open in _forJobs.Values)
            if (open.Lease is { } lease) await lease.DisposeAsync();
        _forJobs.Clear();
    }

    /// <summary>Gives back the leases that are left, and closes all stores.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndJobsAsync();
        foreach (var repository in _stores.Values) await repository.DisposeAsync();
    }
}
