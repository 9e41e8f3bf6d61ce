using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Zfs;

namespace ZfsArchive.Backup;

/// <summary>Gathers the facts of datasets at the source.</summary>
/// <param name="all">Datasets that are known already: encryption roots are looked up among them first.</param>
public sealed class SourceSurvey(IZfs zfs, IReadOnlyList<ZfsDataset> all)
{
    readonly Dictionary<string, ulong> _pools = [];

    /// <summary>The named datasets, with <paramref name="recursive"/> those below them; parents first, clones after their origins.</summary>
    public static async Task<ImmutableArray<SourceFacts>> TakeAsync(IZfs zfs, IReadOnlyList<string> names, bool recursive, CancellationToken cancel)
    {
        var datasets = new List<ZfsDataset>();
        foreach (var name in names) datasets.AddRange(await zfs.DatasetsAsync(name, recursive, cancel));
        var survey = new SourceSurvey(zfs, datasets);
        var facts = ImmutableArray.CreateBuilder<SourceFacts>();
        foreach (var dataset in InOrder([.. datasets.DistinctBy(d => d.Name)])) facts.Add(await survey.OfAsync(dataset, cancel));
        return facts.ToImmutable();
    }

    /// <summary>One of the datasets, with one listing.</summary>
    public async Task<SourceFacts> OfAsync(ZfsDataset dataset, CancellationToken cancel)
    {
        var pool = dataset.Name.Split('/')[0];
        if (!_pools.ContainsKey(pool)) _pools[pool] = (await zfs.PoolAsync(pool, cancel)).Guid;
        var originDataset = dataset.Origin.Split('@')[0];
        var origin = dataset.Origin.Length == 0 ? null : (await zfs.SnapshotsAsync(originDataset, cancel)).FirstOrDefault(s => s.Name == dataset.Origin);
        var root = dataset.EncryptionRoot.Length == 0 ? null : all.FirstOrDefault(d => d.Name == dataset.EncryptionRoot) ?? await zfs.TryDatasetAsync(dataset.EncryptionRoot, cancel);
        var (snapshots, bookmarks) = await zfs.SnapshotsAndBookmarksAsync(dataset.Name, cancel);
        return new(dataset, _pools[pool], [.. snapshots], [.. bookmarks], origin, root?.Guid);
    }

    /// <summary>Parents first, clones after their origins.</summary>
    public static IEnumerable<ZfsDataset> InOrder(IReadOnlyList<ZfsDataset> datasets)
    {
        var left = datasets.OrderBy(d => d.Name, StringComparer.Ordinal).ToList();
        while (left.Count > 0)
        {
            var next = left.Find(d => d.Origin.Length == 0 || left.TrueForAll(other => other == d || other.Name != d.Origin.Split('@')[0])) ?? left[0];
            left.Remove(next);
            yield return next;
        }
    }
}

/// <summary>Carries out a plan, step by step: hold, send, store, bookmark, manifest, release.</summary>
public sealed class BackupRun(ArchiveRepository repository, IZfs zfs, WriterSettings settings, TimeProvider clock, Func<BackupStep, IProgress<WriteProgress>?> progress, StageTimes? times = null)
{

    /// <summary>What the stages of all steps took.</summary>
    public StageTimes Times { get; } = times ?? new(clock);

    /// <summary>Makes one archive; the catalog with it.</summary>
    /// <param name="lease">Held since before the plan was made.</param>
    public async Task<(WrittenArchive Written, Catalog Catalog)> ExecuteAsync(BackupPlan plan, BackupStep step, Catalog catalog, Lease lease, CancellationToken cancel)
    {
        var baseEntry = step.Base is { } planned
            ? catalog.Graph.Paths().Cheapest(planned.Node) ?? throw new ArchiveException(FailureKind.Failed, $"the base {planned.Name} cannot be restored from the repository any more: run the backup again")
            : null;
        var tag = SourceMarks.HoldTag(repository, settings.Host);
        await zfs.HoldAsync(tag, step.Snapshot.Name, cancel);
        (WrittenArchive, Catalog) done;
        try
        {
            var properties = DatasetProperties.WorthRestoring(await zfs.PropertiesAsync(plan.Source.Dataset.Name, cancel));
            var raw = plan.Source.Raw;
            await using var send = zfs.StartSend(new(step.Snapshot.Name, step.Base?.Name, raw, LargeBlocks: !raw, Compressed: !raw));
            var order = new DatasetOrder(repository, catalog, zfs, send, plan, step, baseEntry, properties);
            var writer = new ArchiveWriter(repository, lease, catalog, settings, clock, progress(step), Times);
            var written = (await WriteAsync(writer, send, order, cancel)).Single();
            written.RememberIn(repository);
            done = (WithKeyChange(written, baseEntry), catalog.With(written.Archive));
        }
        catch
        {
            // released also after a failure: what is to be kept for the next time is kept by the bookmark of the last archive
            try
            {
                await ReleaseAsync(tag, step);
            }
            catch (Exception e) when (e is ZfsException or OperationCanceledException)
            {
                // what came first tells more; the next run releases what is held
            }
            throw;
        }
        await ReleaseAsync(tag, step);
        return done;
    }

    // The passphrase of yesterday does not open it any more: who keeps it for the worst day has to hear of it.
    static WrittenArchive WithKeyChange(WrittenArchive written, ArchiveEntry? before) =>
        before?.Head.Encryption.WrappingId is { } wrapping && wrapping != written.Archive.Head.Encryption.WrappingId
            ? written with { Warnings = written.Warnings.Add($"the key of {written.Archive.Head.Dataset.Name} was changed: a restore up to {written.Archive.Head.Snapshot.Name} opens with the new one") }
            : written;

    async Task ReleaseAsync(string tag, BackupStep step)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), clock);
        await zfs.ReleaseAsync(tag, step.Snapshot.Name, patience.Token);
    }

    /// <summary>Makes the bookmark of the newest archived snapshot again when it is missing; true when it was.</summary>
    public async Task<bool> MendBookmarkAsync(SourceFacts source, Catalog catalog, CancellationToken cancel)
    {
        var paths = catalog.Graph.Paths();
        var newest = source.Snapshots.OrderBy(s => s.CreateTxg).LastOrDefault(s => paths.Cheapest(source.NodeOf(s.Guid, s.IvsetGuid)) is not null);
        if (newest is null) return false;
        var bookmark = SourceMarks.Bookmark(source.Dataset.Name, repository.ShortId, newest.Guid);
        if (source.Bookmarks.Any(b => b.Name == bookmark)) return false;
        await zfs.BookmarkAsync(newest.Name, bookmark, cancel);
        return true;
    }

    // A stream that is cut because the sender died is the sender's failure: its words tell more than ours.
    static async Task<ImmutableArray<WrittenArchive>> WriteAsync(ArchiveWriter writer, IZfsSend send, DatasetOrder order, CancellationToken cancel)
    {
        try
        {
            return await writer.WriteAsync(send.Output, order, null, cancel);
        }
        catch (SendStream.StreamDamageException)
        {
            await send.FinishAsync(cancel);
            throw;
        }
    }
}
