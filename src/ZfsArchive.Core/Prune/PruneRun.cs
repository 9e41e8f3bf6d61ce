using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Prune;

/// <summary>What a prune did, or for a dry run would do.</summary>
/// <param name="IsFirstLook">This host remembered nothing of the repository: what is there was written down, and nothing removed.</param>
/// <param name="Removed">Archives whose manifests are gone now.</param>
/// <param name="ChunksRemoved">Objects of archives removed before, whose grace time is over.</param>
/// <param name="BytesFreed">Stored bytes of those objects.</param>
/// <param name="BytesInGrace">Stored bytes of removed archives that are still there.</param>
public sealed record PruneReport(PrunePlan Plan, bool IsFirstLook, ImmutableArray<ArchiveEntry> Removed, long ChunksRemoved, long BytesFreed, long BytesInGrace);

/// <summary>
/// Removes what the plan says, in an order that leaves the repository whole whenever it ends: written down first, then manifests, those
/// that need others before them, then, after the grace time, chunks. A prune that was interrupted is planned again.
/// </summary>
/// <param name="lease">An exclusive one, held by the caller until all is done; null for a dry run.</param>
/// <param name="grace">How long chunks stay after their manifest, so that readers finish.</param>
public sealed class PruneRun(ArchiveRepository repository, Lease? lease, TimeSpan grace, string host, TimeProvider clock)
{
    const int Attempts = 3;

    /// <summary>So far clocks may differ without one of them being wrong.</summary>
    static readonly TimeSpan s_clocksDiffer = TimeSpan.FromDays(1);

    readonly List<ArchiveEntry> _removed = [];

    /// <summary>Chunks stay so long unless something else is configured.</summary>
    public static readonly TimeSpan StandardGrace = TimeSpan.FromDays(7);

    /// <exception cref="ArchiveException">The listing cannot be trusted, or the lease ran out again and again.</exception>
    public async Task<PruneReport> ExecuteAsync(Func<string, PruneRule> ruleOf, Func<CancellationToken, Task<IReadOnlySet<string>>> damaged, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            // before the catalog: a dry run has no lease, and what is archived between the two would look as if it were gone
            repository.Seen.Load();
            var catalog = await repository.KnownCatalogAsync(cancel);
            var facts = await ListingCheck.LookAsync(repository, catalog, cancel);
            var plan = PrunePlanner.Plan(catalog, ruleOf, await NowAsync(cancel), await damaged(cancel));
            if (facts.IsFirstLook && lease is not null)
            {
                if (!repository.Seen.Remember(catalog.Graph.Archives))
                    throw new ArchiveException(FailureKind.Failed, $"what is in {repository.Store.Location} cannot be remembered in {repository.Folders.State}, and without a memory nothing is removed: make that folder writable");
                return new(plan, true, [], 0, 0, 0);
            }
            var sweep = new ChunkSweep(repository, lease, grace, host);
            if (lease is null)
            {
                var (objects, bytes) = await sweep.DueAsync(facts, cancel);
                return new(plan, facts.IsFirstLook, [], objects, bytes, facts.Unclaimed.Sum(u => u.Bytes) - bytes);
            }
            if (await RemovalRecords.RetractAsync(repository, lease, host, catalog, cancel) && await RemoveManifestsAsync(plan, lease, cancel) && await sweep.ExecuteAsync(facts, cancel))
            {
                repository.Seen.Forget([.. _removed.Select(a => a.Id)]);
                repository.Seen.Remember(catalog.Graph.Archives.Except(_removed));
                await RemoveStaleLeasesAsync(cancel);
                await Probes.RemoveLeftAsync(repository.Store, cancel);
                return new(plan, false, [.. _removed], sweep.Objects, sweep.Bytes, facts.Unclaimed.Sum(u => u.Bytes) - sweep.Bytes + _removed.Sum(a => a.Head.Totals.StoredLength));
            }
            if (attempt == Attempts) throw new ArchiveException(FailureKind.Failed, $"{repository.Store.Location}: the lease ran out {Attempts} times while archives were being removed (a host that sleeps?): the rest is left for the next prune");
        }
    }

    // A clock that is too late would count snapshots that are dated in the future, and push out what is wanted. One that is too early
    // removes nothing more: where the host and the store differ much, the earlier one is believed.
    async Task<DateTimeOffset> NowAsync(CancellationToken cancel)
    {
        var (here, there) = (clock.GetUtcNow(), await repository.Store.TimeAsync(cancel));
        return here - there > s_clocksDiffer ? there : here;
    }

    // False: the lease had run out, and what was planned is not worth anything any more.
    async Task<bool> RemoveManifestsAsync(PrunePlan plan, Lease held, CancellationToken cancel)
    {
        if (plan.Removals.IsEmpty) return true;
        await RemovalRecords.WriteAsync(repository, host, [.. plan.Removals.Select(a => new RemovedArchive(a.Id, a.Sha256, a.SnapshotName))], cancel);
        foreach (var archive in plan.Removals)
        {
            if (!await held.RequireHeldAsync(cancel)) return false;
            if (!await RemoveManifestAsync(archive, held, cancel)) return false;
        }
        return true;
    }

    async Task<bool> RemoveManifestAsync(ArchiveEntry archive, Lease held, CancellationToken cancel)
    {
        using var manifest = await TryOpenAsync(archive, cancel);
        if (manifest is not null && manifest.Sha256 != archive.Sha256)
            throw new ArchiveException(FailureKind.Damage, $"{repository.Store.Location}: the manifest of {archive} is not the one that was planned with: nothing more is removed; run verify");
        var key = new ObjectKey(Layout.Manifest(archive.Folder, archive.Name));
        await DeleteAsync(repository.Store, key, cancel);
        var isHeld = false;
        try
        {
            isHeld = await held.RequireHeldAsync(cancel);
            if (isHeld) _removed.Add(archive);
            return isHeld;
        }
        finally
        {
            // A process that slept while it deleted may have taken away what another one, which could not see it, has built upon, and
            // which may work here still.
            if (!isHeld && manifest is not null) await PutBackAsync(archive, manifest, cancel);
        }
    }

    // Only what is whole: another prune may have removed it too, and by right what it needs; also in the moment in which it is put back.
    async Task PutBackAsync(ArchiveEntry archive, ManifestCopy manifest, CancellationToken cancel)
    {
        if (!await IsWholeAsync(archive, manifest, cancel)) return;
        var key = new ObjectKey(Layout.Manifest(archive.Folder, archive.Name));
        await repository.Store.CreateAsync(key, await manifest.BodyAsync(cancel), cancel);
        if (!await IsWholeAsync(archive, manifest, cancel)) await DeleteAsync(repository.Store, key, cancel);
    }

    async Task<bool> IsWholeAsync(ArchiveEntry archive, ManifestCopy manifest, CancellationToken cancel)
    {
        if (archive.Head.Base is { } link)
        {
            if (Layout.ParseManifest($"{Layout.Manifests}{link.Archive}.json") is not { } named) return false;
            using var found = await repository.OpenManifestAsync(named.Folder, named.Name, cancel);
            if (found?.Sha256 != link.ManifestSha256) return false;
        }
        var present = new HashSet<string>();
        await foreach (var info in repository.Store.ListAsync(Layout.ArchiveFolder(archive.Folder, archive.Name), cancel)) present.Add(info.Key.Name);
        return manifest.Chunks().All(c => present.Contains(c.Name));
    }

    // One that is damaged is superfluous all the same; there is only nothing to put back.
    async Task<ManifestCopy?> TryOpenAsync(ArchiveEntry archive, CancellationToken cancel)
    {
        try
        {
            return await repository.OpenManifestAsync(archive.Folder, archive.Name, cancel);
        }
        catch (DamageException)
        {
            return null;
        }
    }

    async Task RemoveStaleLeasesAsync(CancellationToken cancel)
    {
        var now = await repository.Store.TimeAsync(cancel);
        foreach (var series in await LeaseSeries.ListAsync(repository, withEnded: true, cancel))
            if (series.StateAt(now) is not LeaseState.Alive) await series.RemoveAsync(repository.Store, cancel);
    }

    internal static async Task DeleteAsync(IObjectStore store, ObjectKey key, CancellationToken cancel)
    {
        try
        {
            await store.DeleteAsync(key, cancel);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Denied)
        {
            throw new ArchiveException(FailureKind.Failed, $"{store.Location}: {key} cannot be removed, since these credentials may not delete: prune from where they may ({e.Message})", e);
        }
    }
}
