using System.Collections.Immutable;
using ZfsArchive.Backup;
using ZfsArchive.Config;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Processes;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Zfs;

namespace ZfsArchive.Night;

/// <summary>One job: hooks, snapshots, every dataset into every repository, and what is superfluous at the source afterwards. One failure does not stop the rest.</summary>
sealed class JobRun(JobRule job, Configuration configuration, OpenedRepositories repositories, INightWorld world, bool dryRun)
{
    readonly ImmutableArray<string>.Builder _taken = ImmutableArray.CreateBuilder<string>();
    readonly ImmutableArray<ArchivedNight>.Builder _archives = ImmutableArray.CreateBuilder<ArchivedNight>();
    readonly ImmutableArray<string>.Builder _released = ImmutableArray.CreateBuilder<string>();
    readonly ImmutableArray<string>.Builder _notes = ImmutableArray.CreateBuilder<string>();
    readonly ImmutableArray<NightFailure>.Builder _failures = ImmutableArray.CreateBuilder<NightFailure>();
    readonly IZfs _zfs = world.Zfs(job.Source);
    int _datasets, _well;

    /// <summary>Datasets that name this job by their property, known when it has run.</summary>
    public ImmutableHashSet<string> Chosen { get; private set; } = [];

    public async Task<JobNight> ExecuteAsync(CancellationToken cancel)
    {
        var since = world.Clock.GetTimestamp();
        try
        {
            if (await HooksAsync(job.Hooks.Before, "", cancel)) await TryAsync(job.Name, () => ArchiveAsync(cancel));
        }
        finally
        {
            // What was stopped before has to be started again, whatever happened; each command has a time limit of its own.
            await HooksAsync(job.Hooks.After, _failures.Count == 0 && !cancel.IsCancellationRequested ? "ok" : "failed", CancellationToken.None);
        }
        var state = _failures.Count == 0 ? NightState.Ok : _well > 0 ? NightState.Partly : NightState.Failed;
        return new(job.Name, state, _datasets, world.Clock.GetElapsedTime(since).TotalSeconds, _taken.ToImmutable(), _archives.ToImmutable(), _released.ToImmutable(), _notes.ToImmutable(), _failures.ToImmutable());
    }

    async Task ArchiveAsync(CancellationToken cancel)
    {
        (var datasets, Chosen) = await DatasetSelection.ListAsync(job, _zfs, cancel);
        _datasets = datasets.Length;
        if (datasets.IsEmpty) _notes.Add($"no dataset belongs to job {job.Name}");
        if (job.SnapshotPrefix is { } prefix) await TakeSnapshotsAsync(datasets, prefix, cancel);

        // the way to a repository may be as long as the listing of the pool
        var surveying = SurveyAsync(datasets, cancel);
        await Task.WhenAll(Task.Run(() => OpenAllAsync(cancel), CancellationToken.None), surveying);
        var sources = await surveying;
        var settings = WriterSettings.Of(job.Send.ChunkSize, job.Send.Level, world.Version, world.HostName, await _zfs.VersionAsync(cancel));
        var open = new List<OpenRepository>();
        foreach (var name in job.Repositories)
        {
            var rule = configuration.Repository(name);
            if (await repositories.ForJobsAsync(rule, cancel) is not { } repository)
            {
                NotReached(rule);
                continue;
            }
            open.Add(repository);
            var run = new BackupRun(repository.Repository, _zfs, settings, world.Clock, step => world.Progress(step.Snapshot.Name), repository.Times);
            foreach (var source in sources)
                if (await TryAsync($"{name}: {source.Dataset.Name}", () => ArchiveAsync(run, repository, source, cancel))) _well++;
        }
        if (repositories.Broken(job, configuration) is { } broken) _failures.Add(new(job.Name, broken, FailureKind.NoRepository));
        // A disk that is not always there must not keep everything at the source; its own bookmark is enough for it.
        if (dryRun || job.Repositories.Any(name => !configuration.Repository(name).Optional && open.TrueForAll(o => o.Rule.Name != name))) return;
        foreach (var source in sources) await TryAsync(source.Dataset.Name, () => CleanUpAsync(source, open, cancel));
    }

    async Task<List<SourceFacts>> SurveyAsync(ImmutableArray<ZfsDataset> datasets, CancellationToken cancel)
    {
        var survey = new SourceSurvey(_zfs, datasets);
        var sources = new List<SourceFacts>();
        foreach (var dataset in SourceSurvey.InOrder(datasets))
            await TryAsync(dataset.Name, async () => sources.Add(await survey.OfAsync(dataset, cancel)));
        return sources;
    }

    // One after the other; what cannot be opened is told where it is needed.
    async Task OpenAllAsync(CancellationToken cancel)
    {
        foreach (var name in job.Repositories) await repositories.ForJobsAsync(configuration.Repository(name), cancel);
    }

    void NotReached(RepositoryRule rule)
    {
        if (repositories.FailureOf(rule) is not { } failure) return;
        if (rule.Optional) _notes.Add($"{rule.Name} is not there now: {failure.Text}");
        else _failures.Add(failure with { Where = $"{job.Name}: {rule.Name}" });
    }

    async Task ArchiveAsync(BackupRun run, OpenRepository open, SourceFacts source, CancellationToken cancel)
    {
        // What a dry run does not take, the night will take and archive.
        var plan = BackupPlanner.Plan(dryRun ? source.Foreseeing(_taken, world.Clock.GetUtcNow()) : source, open.Catalog, PolicyFor(open.Rule));
        foreach (var skipped in plan.Skipped) _notes.Add($"{open.Rule.Name}: skipped {skipped.Name}: {skipped.Because}");
        if (plan.Refusal is { } refusal) throw new ArchiveException(plan.RefusalIsUsage ? FailureKind.Usage : FailureKind.Failed, InConfiguration(refusal));
        if (dryRun)
        {
            foreach (var step in plan.Steps) _archives.Add(Of(open, source, step, null, 0));
            return;
        }
        if (await run.MendBookmarkAsync(source, open.Catalog, cancel)) _notes.Add($"{open.Rule.Name}: made the missing bookmark of the newest archived snapshot of {source.Dataset.Name} again");
        foreach (var step in plan.Steps)
        {
            var since = world.Clock.GetTimestamp();
            world.Say($"{open.Rule.Name}: {step.Snapshot.Name}: {step.Why}");
            (var written, open.Catalog) = await run.ExecuteAsync(plan, step, open.Catalog, open.Lease!, cancel);
            foreach (var warning in written.Warnings) _notes.Add($"{open.Rule.Name}: {step.Snapshot.Name}: {warning}");
            _archives.Add(Of(open, source, step, written, world.Clock.GetElapsedTime(since).TotalSeconds));
        }
    }

    static ArchivedNight Of(OpenRepository open, SourceFacts source, BackupStep step, WrittenArchive? written, double seconds) => new(
        open.Rule.Name, source.Dataset.Name, step.Snapshot.Name, step.Base is null ? ManifestHead.Full : ManifestHead.Incremental, step.Base?.Name, step.Why,
        written is null ? "planned" : written.AlreadyThere ? "already archived" : "archived", written?.Archive.Id, written?.Archive.Head.Stream.Length, written?.Archive.Head.Totals.StoredLength, written?.SentLength, seconds);

    BackupPolicy PolicyFor(RepositoryRule rule) => new(job.Send.FirstNewest ? FirstArchive.Newest : FirstArchive.Oldest, job.Send.AllowPlaintext, job.Send.AllowFull, job.Send.Adopt)
    {
        Chain = job.Chain, Filter = new(job.Snapshots, job.ExcludeSnapshots, job.Select), Retention = job.Retention ?? rule.Retention,
    };

    // What is a flag on the command line is a key here.
    string InConfiguration(string refusal) => refusal
        .Replace("with --allow-plaintext", $"with send: {{allow_plaintext: true}} in job {job.Name}", StringComparison.Ordinal)
        .Replace("run with --allow-full", $"allow it once with zfsarchive backup --allow-full, or always with send: {{allow_full: true}} in job {job.Name}", StringComparison.Ordinal)
        .Replace("with --adopt", $"with send: {{adopt: true}} in job {job.Name}", StringComparison.Ordinal);

    async Task TakeSnapshotsAsync(ImmutableArray<ZfsDataset> datasets, string prefix, CancellationToken cancel)
    {
        var now = world.Clock.GetUtcNow();
        foreach (var (pool, names) in OwnMarks.SnapshotNames(datasets, prefix, job.Send.AllowPlaintext, now))
        {
            await TryAsync(pool, async () =>
            {
                if (!dryRun) await _zfs.SnapshotAsync(names, cancel);
                _taken.AddRange(names);
            });
        }
    }

    async Task CleanUpAsync(SourceFacts before, List<OpenRepository> open, CancellationToken cancel)
    {
        var (snapshots, bookmarks) = await MarksAsync(before, open, cancel);
        var source = before with { Snapshots = snapshots, Bookmarks = bookmarks };
        foreach (var repository in open)
        {
            foreach (var bookmark in OwnMarks.Superfluous(source, repository.Repository.ShortId, repository.Catalog, job.Chain.Kind))
            {
                await _zfs.DestroyBookmarkAsync(bookmark, cancel);
                _released.Add(bookmark);
            }
        }
        if (job is not { SnapshotPrefix: { } prefix, KeepOwnSnapshots: { } keep }) return;
        foreach (var snapshot in OwnMarks.SuperfluousSnapshots(source, prefix, keep, [.. open.Select(o => (o.Repository.ShortId, o.Catalog))]))
        {
            await _zfs.DestroySnapshotAsync(snapshot, cancel);
            _released.Add(snapshot);
        }
    }

    // Only where something was archived is there anything new at the source.
    async Task<(ImmutableArray<ZfsSnapshot>, ImmutableArray<ZfsBookmark>)> MarksAsync(SourceFacts before, List<OpenRepository> open, CancellationToken cancel)
    {
        await ReleaseStaleHoldsAsync(before, open, cancel);
        if (_archives.All(a => a.Dataset != before.Dataset.Name)) return (before.Snapshots, before.Bookmarks);
        var (snapshots, bookmarks) = await _zfs.SnapshotsAndBookmarksAsync(before.Dataset.Name, cancel);
        return ([.. snapshots], [.. bookmarks]);
    }

    // A run that was killed has left its hold; nobody else on this host runs now. What other hosts hold is theirs.
    async Task ReleaseStaleHoldsAsync(SourceFacts before, List<OpenRepository> open, CancellationToken cancel)
    {
        foreach (var snapshot in before.Snapshots.Where(s => s.UserRefs > 0))
        {
            foreach (var hold in await _zfs.HoldsAsync(snapshot.Name, cancel))
            {
                if (open.TrueForAll(o => hold.Tag != SourceMarks.HoldTag(o.Repository, world.HostName))) continue;
                await _zfs.ReleaseAsync(hold.Tag, snapshot.Name, cancel);
                _released.Add($"{snapshot.Name} (hold {hold.Tag})");
            }
        }
    }

    async Task<bool> HooksAsync(ImmutableArray<ImmutableArray<string>> commands, string result, CancellationToken cancel)
    {
        if (dryRun) return true;
        var environment = new Dictionary<string, string> { ["ZFSARCHIVE_JOB"] = job.Name, ["ZFSARCHIVE_RESULT"] = result };
        foreach (var command in commands)
        {
            world.Say($"{job.Name}: {string.Join(' ', command)}");
            if ((await ProgramRun.ExecuteAsync(command, "", environment, job.Hooks.Timeout, world.Clock, cancel)).Failure is not { } failure) continue;
            _failures.Add(new($"{job.Name}: hook", result.Length == 0 ? $"{failure}; the job was not done" : failure, FailureKind.Failed));
            if (result.Length == 0) return false;
        }
        return true;
    }

    async Task<bool> TryAsync(string where, Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException && FailureWords.Of(e) is not null)
        {
            var name = where == job.Name ? where : $"{job.Name}: {where}";
            world.Say($"{name}: {FailureWords.Of(e)}");
            _failures.Add(new(name, FailureWords.Of(e)!, FailureWords.KindOf(e)));
            return false;
        }
    }
}
