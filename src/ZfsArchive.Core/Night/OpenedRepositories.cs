using ZfsArchive.Backup;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Repository;

namespace ZfsArchive.Night;

/// <summary>A repository while archives are written into it.</summary>
/// <param name="Lease">Null in a dry run.</param>
sealed record OpenRepository(RepositoryRule Rule, ArchiveRepository Repository, Lease? Lease, StageTimes Times) : IAsyncDisposable
{
    /// <summary>With what was archived in this night.</summary>
    public required Catalog Catalog { get; set; }

    public async ValueTask DisposeAsync()
    {
        if (Lease is not null) await Lease.DisposeAsync();
        await Repository.DisposeAsync();
    }
}

/// <summary>The repositories of a night, each opened when a job needs it first, with a shared lease from before planning until after the last commit.</summary>
sealed class OpenedRepositories(INightWorld world, bool dryRun) : IAsyncDisposable
{
    readonly Dictionary<string, (OpenRepository? Open, NightFailure? Failure)> _known = [];
    bool _isClosed;

    /// <summary>Where it is, as far as is known.</summary>
    public string LocationOf(RepositoryRule rule) => _known.TryGetValue(rule.Name, out var known) && known.Open is { } open ? open.Repository.Store.Location : rule.Url;

    public StageTimes? TimesOf(RepositoryRule rule) => _known.TryGetValue(rule.Name, out var known) ? known.Open?.Times : null;

    /// <summary>Why a repository could not be opened; null: it was, or nobody asked for it.</summary>
    public NightFailure? FailureOf(RepositoryRule rule) => _known.TryGetValue(rule.Name, out var known) ? known.Failure : null;

    public async Task<OpenRepository?> GetAsync(RepositoryRule rule, CancellationToken cancel)
    {
        if (_known.TryGetValue(rule.Name, out var known)) return known.Open;
        try
        {
            var open = await OpenAsync(rule, cancel);
            _known[rule.Name] = (open, null);
            return open;
        }
        catch (Exception e) when (e is not OperationCanceledException && FailureWords.Of(e) is not null)
        {
            _known[rule.Name] = (null, new(rule.Name, FailureWords.Of(e)!, FailureWords.KindOf(e)));
            return null;
        }
    }

    async Task<OpenRepository> OpenAsync(RepositoryRule rule, CancellationToken cancel)
    {
        var repository = await world.OpenAsync(rule, dryRun ? RepositoryUse.Read : RepositoryUse.Write, cancel);
        Lease? lease = null;
        try
        {
            lease = dryRun ? null : await Lease.TakeAsync(repository, LeaseKind.Shared, "run", world.HostName, world.Clock, cancel);
            return new(rule, repository, lease, new(world.Clock)) { Catalog = await repository.KnownCatalogAsync(cancel) };
        }
        catch
        {
            if (lease is not null) await lease.DisposeAsync();
            await repository.DisposeAsync();
            throw;
        }
    }

    /// <summary>Gives back all leases, and closes all stores; what is known of them stays.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isClosed) return;
        _isClosed = true;
        foreach (var (open, _) in _known.Values)
            if (open is not null) await open.DisposeAsync();
    }
}
