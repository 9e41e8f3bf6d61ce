using ZfsArchive.Processes;
using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Night;
using ZfsArchive.Fetch;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Restore;
using ZfsArchive.Verify;
using ZfsArchive.Zfs;

namespace ZfsArchive.Cli.Commands;

sealed record RestoreArguments(
    string What, string To, RepositoryPlace Repo, string? Zfs, bool Recursive, bool DryRun, bool VerifyFirst, bool Force, string? AsOf, string? Via, bool Json, bool Quiet, bool Verbose, string? LogFile);

static class RestoreCommand
{
    public static Command Build(IHost host)
    {
        var what = new Argument<string>("what") { Description = "DATASET[@SNAPSHOT], the snapshot by name or GUID; without one the newest that can be restored" };
        var to = new Option<string>("--to") { Description = "The new dataset, POOL/NAME", Required = true };
        var recursive = Options.Recursive("And all datasets that were below it");
        var verifyFirst = new Option<bool>("--verify-first") { Description = "Read and check everything once before the first byte is received" };
        var force = new Option<bool>("--force", "-F") { Description = "Roll back what was changed on the target, and destroy its newer snapshots" };
        var asOf = new Option<string?>("--as-of") { Description = "The newest snapshot that is not younger: 2026-11-01 or 2026-11-01T12:00:00Z" };
        var via = new Option<string?>("--via") { Description = "End with this archive, when the snapshot has several" };
        var (repo, zfs, dryRun, json, quiet, verbose, log) = (Options.Repo(), Options.ZfsPrefixOption(), Options.DryRun(), Options.Json(), Options.Quiet(), Options.Verbose(), Options.LogFile());
        var command = new Command("restore", "Bring a dataset back, up to a snapshot, into a new one") { what, to, recursive, verifyFirst, force, asOf, via, repo, zfs, dryRun, json, quiet, verbose, log };
        command.SetAction((parsed, cancel) => new RestoreVerb(host, new(
            parsed.GetValue(what)!, parsed.GetValue(to)!, Options.PlaceOf(parsed, repo), parsed.GetValue(zfs), parsed.GetValue(recursive), parsed.GetValue(dryRun), parsed.GetValue(verifyFirst),
            parsed.GetValue(force), parsed.GetValue(asOf), parsed.GetValue(via), parsed.GetValue(json), parsed.GetValue(quiet), parsed.GetValue(verbose), parsed.GetValue(log))).RunAsync(cancel));
        return command;
    }
}

/// <summary>Select, survey the target, plan, look at what will be read, say it, carry it out; again by another path when one is damaged.</summary>
sealed class RestoreVerb(IHost host, RestoreArguments arguments)
{
    readonly HashSet<string> _damaged = [];
    readonly List<(string Text, int Code)> _failures = [];
    ArchiveRepository _repository = null!;
    Catalog _catalog = null!;
    IZfs _zfs = null!;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var log = new EventLog(host, arguments.Verbose, arguments.LogFile);
        await using var repository = _repository = await Options.OpenRepositoryAsync(host, arguments.Repo, RepositoryUse.Read, cancel, movesMuch: !arguments.DryRun);
        await using var lease = arguments.DryRun ? null : await Options.LeaseToReadAsync(host, repository, "restore", arguments.Quiet, cancel);
        _catalog = await _repository.CatalogAsync(cancel);
        _zfs = Options.OpenZfs(host, arguments.Zfs);
        if (!arguments.To.Contains('/', StringComparison.Ordinal)) throw new ArchiveException(FailureKind.Usage, $"--to {arguments.To} names a pool: name a new dataset in it, such as {arguments.To}/restored");

        var restored = new List<RestoredDataset>();
        foreach (var (folder, target) in Targets())
        {
            try
            {
                restored.Add(await RestoreAsync(folder, target, restored, log, cancel));
            }
            catch (Exception e) when (arguments.Recursive && e is not OperationCanceledException && FailureWords.Of(e) is not null)
            {
                await host.Error.WriteLineAsync($"zfsarchive: {target}: {FailureWords.Of(e)}");
                _failures.Add((FailureWords.Of(e)!, ExitCodes.Of(e)));
            }
        }
        if (!arguments.DryRun) await RejoinAsync(restored, cancel);
        await PrintAsync(restored);
        return _failures.Count == 0 ? ExitCodes.Done : restored.Count > 0 ? ExitCodes.Partly : _failures[0].Code;
    }

    IEnumerable<(DatasetFolder Folder, string Target)> Targets()
    {
        var (dataset, snapshot) = ArchiveSelection.Split(arguments.What);
        var top = ArchiveSelection.Dataset(_catalog, dataset);
        if (!arguments.Recursive) return [(top, arguments.To)];
        var name = _catalog.NameOf(top);
        return ArchiveSelection.Tree(_catalog, dataset)
            .Where(f => f == top || snapshot is null || _catalog.Graph.Archives.Any(a => a.Folder == f && a.Head.Snapshot.Name == snapshot))
            .OrderBy(f => _catalog.NameOf(f), StringComparer.Ordinal).OrderBy(IsClone)
            .Select(f => (f, arguments.To + _catalog.NameOf(f)[name.Length..]));
    }

    // Clones come after what they were cloned from.
    bool IsClone(DatasetFolder folder) => _catalog.Graph.Archives.Any(a => a.Folder == folder && ((SendStream.BeginFlags)a.Head.Stream.Flags).HasFlag(SendStream.BeginFlags.Clone));

    async Task<RestoredDataset> RestoreAsync(DatasetFolder folder, string target, List<RestoredDataset> before, EventLog log, CancellationToken cancel)
    {
        while (true)
        {
            var facts = await TargetSurvey.TakeAsync(_zfs, target, arguments.DryRun ? before.Select(b => b.Plan.Target.Name).ToHashSet() : [], cancel);
            var plan = RestorePlanner.Plan(await HealthyPathAsync(folder, cancel), facts, arguments.Force);
            if (plan.Refusal is { } refusal && !(arguments.DryRun && plan.Origin is null && before.Exists(b => b.Plan.Path.Any(a => a.Node.Guid == plan.Remaining[0].Head.Stream.FromGuid))))
                throw new ArchiveException(FailureKind.Failed, refusal);
            foreach (var warning in plan.Warnings) await host.Error.WriteLineAsync($"zfsarchive: warning: {warning}");
            await SayAsync(plan);
            if (arguments.DryRun) return new(plan, []);
            try
            {
                var since = host.Clock.GetTimestamp();
                using var line = new ProgressLine(host, $"restoring {target}", plan.Length);
                long sent = 0;
                var run = new RestoreRun(_repository, _zfs, new Relay<long>(bytes => line.Report(sent += bytes)));
                await run.ExecuteAsync(plan, arguments.Force, cancel);
                log.Received(plan.Wanted.SnapshotName, target, host.Clock.GetElapsedTime(since).TotalSeconds);
                return new(plan, run.NotSet);
            }
            catch (DamagedArchiveException e)
            {
                // Another path may avoid it; without one, HealthyPath says what is damaged.
                await host.Error.WriteLineAsync($"zfsarchive: {e.Message}");
                _damaged.Add(e.Archive.Id);
            }
        }
    }

    /// <summary>The cheapest path whose manifests hold and whose chunks are all there; with --verify-first, whose every byte was read.</summary>
    async Task<ImmutableArray<ArchiveEntry>> HealthyPathAsync(DatasetFolder folder, CancellationToken cancel)
    {
        string? lastFault = null;
        while (true)
        {
            var paths = _catalog.Graph.Paths(a => !_damaged.Contains(a.Id));
            var path = PathTo(folder, paths) ?? throw new ArchiveException(FailureKind.Damage,
                $"{arguments.What} cannot be restored: {lastFault ?? (_damaged.Count > 0 ? $"damaged: {string.Join(", ", _damaged)}" : _catalog.Faults.IsEmpty ? "no chain of archives leads to it" : _catalog.Faults[0].Reason)}");
            var fault = await FirstFaultAsync(path, cancel);
            if (fault is not { } found) return path;
            lastFault = found.Reason;
            _damaged.Add(found.Archive.Id);
            await host.Error.WriteLineAsync($"zfsarchive: {found.Reason}");
        }
    }

    ImmutableArray<ArchiveEntry>? PathTo(DatasetFolder folder, ArchivePaths paths)
    {
        if (arguments.Via is { } via)
        {
            var forced = _catalog.Graph.Archives.FirstOrDefault(a => a.Folder == folder && (a.Name.Text == via || a.Id == via))
                ?? throw new ArchiveException(FailureKind.Usage, $"{_catalog.NameOf(folder)} has no archive '{via}'");
            return _damaged.Contains(forced.Id) ? null : paths.To(forced) ?? (forced.Head.IsFull && !forced.Counts ? [forced] : null);
        }
        var (_, snapshot) = ArchiveSelection.Split(arguments.What);
        if (snapshot is not null)
        {
            var archives = ArchiveSelection.Snapshot(_catalog, folder, snapshot);
            return archives.Where(paths.Reaches).OrderBy(paths.Cost).ThenBy(a => a.Id, StringComparer.Ordinal).Select(a => paths.To(a)).FirstOrDefault();
        }
        // The newest snapshot is meant, whether or not it can be restored: nobody gets an older one without asking for it.
        var newest = ArchiveSelection.Newest(_catalog, _catalog.Graph.Paths(), folder, AsOf());
        return paths.Cheapest(newest.Head.Snapshot.Guid) is { } archive ? paths.To(archive) : null;
    }

    ulong? AsOf() => arguments.AsOf is not { } text ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            // a day means until its end
            ? (ulong)long.Max(0, (text.Length == 10 ? time.AddDays(1).AddSeconds(-1) : time).ToUnixTimeSeconds())
            : throw new ArchiveException(FailureKind.Usage, $"--as-of {text} is no date: say 2026-11-01 or 2026-11-01T12:00:00Z");

    async Task<(ArchiveEntry Archive, string Reason)?> FirstFaultAsync(ImmutableArray<ArchiveEntry> path, CancellationToken cancel)
    {
        foreach (var archive in path)
            if (await ChunkPresence.FirstFaultAsync(_repository, archive, cancel) is { } reason) return (archive, reason);
        if (!arguments.VerifyFirst) return null;
        using var line = new ProgressLine(host, "verifying", path.Sum(a => a.Head.Totals.StoredLength));
        var report = await new VerifyRun(_repository, VerifyLevel.Stream, line).ExecuteAsync(_catalog, path.Contains, cancel);
        var wrong = report.Findings.FirstOrDefault(f => f.Severity is Severity.Damage && path.Any(a => a.Id == f.Archive));
        return wrong is null ? null : (path.First(a => a.Id == wrong.Archive), $"{wrong.Object}: {wrong.Reason}");
    }

    // Each raw child arrives as its own encryption root.
    async Task RejoinAsync(List<RestoredDataset> restored, CancellationToken cancel)
    {
        foreach (var root in restored.Where(r => r.Plan.Wanted.Head.Encryption.EncryptionRoot is { IsRoot: true }))
        {
            var children = restored.Where(r => r.Plan.Wanted.Head.Encryption.EncryptionRoot is { IsRoot: false } its && its.Guid == root.Plan.Wanted.Head.Dataset.Guid
                && r.Plan.Target.Name.StartsWith(root.Plan.Target.Name + "/", StringComparison.Ordinal)).Select(r => r.Plan).ToList();
            if (children.Count > 0) root.Keys.AddRange(await EncryptionRoots.RejoinAsync(_zfs, root.Plan, children, cancel));
        }
    }

    async Task SayAsync(RestorePlan plan)
    {
        if (arguments.Quiet || arguments.Json) return;
        if (plan.Remaining.IsEmpty)
        {
            await host.Out.WriteLineAsync($"{plan.Wanted.SnapshotName} is there already, in {plan.Target.Name}");
            return;
        }
        await host.Out.WriteLineAsync($"{(arguments.DryRun ? "would restore" : "restoring")} {plan.Wanted.SnapshotName} to {plan.Target.Name}: {Text.Plural(plan.Remaining.Length, "archive")}, {Text.Bytes(plan.StoredLength)} to read, {Text.Bytes(plan.Length)} to receive");
        if (plan.AbortsPartial) await host.Out.WriteLineAsync($"  a half-received {plan.Remaining[0].SnapshotName} on the target is received again");
        foreach (var archive in plan.Remaining) await host.Out.WriteLineAsync($"  {archive.SnapshotName} ({archive.Head.Kind}, {Text.Bytes(archive.Head.Totals.StoredLength)})");
        if (plan.Wanted.Head.Encryption is { Raw: true, EncryptionRoot: null or { IsRoot: true } } key)
            await host.Out.WriteLineAsync($"  opens with the {(key.KeyFormat == "passphrase" ? "passphrase" : $"{key.KeyFormat} key")} that {plan.Wanted.Head.Dataset.Name} had at {plan.Wanted.Head.Snapshot.Name}");
    }

    async Task PrintAsync(List<RestoredDataset> restored)
    {
        if (arguments.Json)
        {
            var summary = new RestoreSummary(arguments.DryRun, [.. restored.Select(Result)], [.. _failures.Select(f => f.Text)]);
            await host.Out.WriteLineAsync(JsonSerializer.Serialize(summary, CliJson.Default.RestoreSummary));
            return;
        }
        if (arguments.Quiet || arguments.DryRun) return;
        foreach (var result in restored.Where(r => !r.Plan.Remaining.IsEmpty)) await host.Out.WriteLineAsync($"restored {result.Plan.Wanted.SnapshotName} to {result.Plan.Target.Name}, not mounted");
        foreach (var root in restored.Where(r => r.Plan.Wanted.Head.Encryption is { Raw: true, EncryptionRoot: null or { IsRoot: true } }))
            await host.Out.WriteLineAsync($"next: zfs load-key {ShellQuoting.Quote(root.Plan.Target.Name)}, then zfs mount");
        foreach (var command in restored.SelectMany(r => r.Keys)) await host.Out.WriteLineAsync($"  {command}");
        var toDo = restored.SelectMany(ToDo).ToList();
        if (toDo.Count == 0) return;
        await host.Out.WriteLineAsync("archived properties that are not set by themselves; run what you trust:");
        foreach (var command in toDo) await host.Out.WriteLineAsync($"  {command}");
    }

    RestoreResult Result(RestoredDataset result)
    {
        var plan = result.Plan;
        var archives = plan.Path.Select(a => new RestoredArchive(a.Id, a.SnapshotName, plan.Remaining.Contains(a) ? arguments.DryRun ? "planned" : "received" : "there already", a.Head.Stream.Length));
        return new(plan.Wanted.Head.Dataset.Name, plan.Wanted.Head.Snapshot.Name, plan.Target.Name, [.. archives], [.. result.Keys, .. ToDo(result)]);
    }

    static IEnumerable<string> ToDo(RestoredDataset result) => result.NotSet.Concat(TargetProtection.ToDo(result.Plan.Wanted, result.Plan.Target.Name));

    sealed record RestoredDataset(RestorePlan Plan, IReadOnlyList<string> NotSet)
    {
        /// <summary>Commands that put children back under this one's key.</summary>
        public List<string> Keys { get; } = [];
    }
}

/// <summary>A progress that calls straight away, on the caller's thread.</summary>
sealed class Relay<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
