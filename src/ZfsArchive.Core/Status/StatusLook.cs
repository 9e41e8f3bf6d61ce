using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Verify;

namespace ZfsArchive.Status;

/// <summary>A repository that somebody keeps an eye on.</summary>
/// <param name="Location">Where it is, also when it cannot be opened.</param>
/// <param name="OpenAsync">Opens it for reading.</param>
/// <param name="IsOptional">A disk that is not always there: its absence is told, and is no failure.</param>
/// <param name="Broken">Which promise its absence breaks; null: none.</param>
public sealed record WatchedRepository(string Location, Func<CancellationToken, Task<ArchiveRepository>> OpenAsync, StatusPromise Promise, bool IsOptional, string? Broken = null);

/// <summary>Gathers what status tells. Takes no lease and writes nothing: who may only read may look.</summary>
public static class StatusLook
{
    /// <summary>Of prunes long ago the gaps say little, and each record costs a question.</summary>
    const int RemovalRecordsRead = 50;

    /// <summary>Looks at all of them at once; one that does not answer in time, or at all, is told as such.</summary>
    /// <param name="limit">For each.</param>
    public static async Task<StatusReport> AtAllAsync(IReadOnlyList<WatchedRepository> watched, string host, TimeProvider clock, TimeSpan limit, CancellationToken cancel)
    {
        var looks = watched.Select(w => Task.Run(() => AtAsync(w, clock, limit, cancel), cancel)).ToList();
        return new(clock.GetUtcNow(), host, [.. await Task.WhenAll(looks)]);
    }

    /// <summary>All facts of one that is open.</summary>
    public static async Task<StatusFacts> FactsAsync(ArchiveRepository repository, CancellationToken cancel)
    {
        // before the catalog: what is archived between the two would look as if it were gone
        repository.Seen.Load();
        var catalog = await repository.KnownCatalogAsync(cancel);
        var history = await VerifyRecords.LoadAsync(repository, cancel);
        var leases = await LeaseSeries.ListAsync(repository, withEnded: false, cancel);
        var removals = await RemovalRecords.NewestAsync(repository, RemovalRecordsRead, cancel);
        var pruned = removals.Where(r => r.Archives.Any(a => a.ManifestSha256 is not null)).ToList();
        return new(
            repository.Store.Location, repository.Descriptor.Id, catalog, history, leases, [.. pruned.SelectMany(r => r.Archives)], pruned.Count == 0 ? null : pruned.Max(r => r.At),
            await SeenChanges.FindAsync(repository, catalog, cancel), await repository.Store.TimeAsync(cancel), repository.DescriptorFault);
    }

    static async Task<RepositoryStatus> AtAsync(WatchedRepository watched, TimeProvider clock, TimeSpan limit, CancellationToken cancel)
    {
        // A disk that is gone may not even hear that it is waited for no longer.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var look = Task.Run(() => OpenAndLookAsync(watched, clock, stop.Token), CancellationToken.None);
        try
        {
            return await look.WaitAsync(limit, clock, cancel);
        }
        catch (TimeoutException)
        {
            await stop.CancelAsync();
            // Nobody waits for it any more; what it dies of is of no interest.
            _ = look.ContinueWith(t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            return Away(string.Create(CultureInfo.InvariantCulture, $"it did not answer within {limit.TotalSeconds:0.#} seconds"));
        }
        catch (Exception e) when (e is ArchiveException or IOException or UnauthorizedAccessException)
        {
            return Away(e.Message);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            // What else goes wrong with one must not hide the others; it keeps its kind, since it is a fault of the program.
            return Away($"{e.GetType().Name}: {e.Message}");
        }

        RepositoryStatus Away(string why) => StatusBuilder.Unreachable(watched.Promise.Name, watched.Location, why, watched.IsOptional, watched.Broken);
    }

    static async Task<RepositoryStatus> OpenAndLookAsync(WatchedRepository watched, TimeProvider clock, CancellationToken cancel)
    {
        await using var repository = await watched.OpenAsync(cancel);
        return StatusBuilder.Of(await FactsAsync(repository, cancel), watched.Promise, clock.GetUtcNow());
    }
}
