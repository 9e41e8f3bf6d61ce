using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using ZfsArchive.Backup;
using ZfsArchive.Cli.Output;
using ZfsArchive.Night;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Zfs;

namespace ZfsArchive.Cli.Commands;

/// <summary>The parsed options of <c>backup</c>.</summary>
sealed record BackupArguments(
    string[] Datasets, bool Stdin, string? DatasetName, RepositoryPlace Repo, string? Zfs, bool Recursive, bool DryRun, bool Snapshot, FirstArchive First,
    bool AllowPlaintext, bool AllowFull, bool Adopt, bool Insist, string? ExpectSha256, long? ExpectLength, int Level, int? ChunkTarget, bool Json, bool Quiet, bool Verbose, string? LogFile);

static class BackupCommand
{
    public static Command Build(IHost host)
    {
        var datasets = new Argument<string[]>("dataset") { Description = "Datasets whose snapshots are archived", Arity = ArgumentArity.ZeroOrMore };
        var stdin = new Option<bool>("--stdin") { Description = "Archive the stream or package on standard input" };
        var name = new Option<string?>("--dataset") { Description = "With --stdin: archive it under this name" };
        var recursive = Options.Recursive("And all datasets below");
        var snapshot = new Option<bool>("--snapshot") { Description = "Take a snapshot of them first" };
        var first = new Option<string>("--first") { Description = "The first archive of a dataset is of its oldest or its newest snapshot", DefaultValueFactory = _ => "oldest" };
        first.AcceptOnlyFromAmong("oldest", "newest");
        var plaintext = new Option<bool>("--allow-plaintext") { Description = "What is not encrypted may leave" };
        var full = new Option<bool>("--allow-full") { Description = "Send a new full where no base is left" };
        var adopt = new Option<bool>("--adopt") { Description = "Continue the chain of another dataset that has the same snapshots" };
        var insist = new Option<bool>("--insist") { Description = "With --stdin: store what cannot be restored by itself" };
        var sha = new Option<string?>("--expect-sha256") { Description = "With --stdin: SHA-256 that the input must have" };
        var length = new Option<long?>("--expect-length") { Description = "With --stdin: bytes that the input must have" };
        var level = new Option<int>("--compress") { Description = "zstd level 1 to 19, or 0 for none", DefaultValueFactory = _ => 3 };
        var target = new Option<int?>("--chunk-size") { Description = "MiB of a chunk, 1 to 64, fixed for the archive; else 32, later 64" };
        var (repo, zfs, dryRun, json, quiet, verbose, log) = (Options.Repo(), Options.ZfsPrefixOption(), Options.DryRun(), Options.Json(), Options.Quiet(), Options.Verbose(), Options.LogFile());
        var command = new Command("backup", "Archive the snapshots that are not archived yet")
        {
            datasets, stdin, name, recursive, snapshot, first, plaintext, full, adopt, insist, sha, length, level, target, repo, zfs, dryRun, json, quiet, verbose, log,
        };
        command.SetAction((parsed, cancel) => RunAsync(host, new(
            parsed.GetValue(datasets) ?? [], parsed.GetValue(stdin), parsed.GetValue(name), Options.PlaceOf(parsed, repo), parsed.GetValue(zfs), parsed.GetValue(recursive), parsed.GetValue(dryRun),
            parsed.GetValue(snapshot), parsed.GetValue(first) == "newest" ? FirstArchive.Newest : FirstArchive.Oldest, parsed.GetValue(plaintext), parsed.GetValue(full), parsed.GetValue(adopt),
            parsed.GetValue(insist), parsed.GetValue(sha), parsed.GetValue(length), parsed.GetValue(level), parsed.GetValue(target), parsed.GetValue(json), parsed.GetValue(quiet),
            parsed.GetValue(verbose), parsed.GetValue(log)), cancel));
        return command;
    }

    static async Task<int> RunAsync(IHost host, BackupArguments arguments, CancellationToken cancel)
    {
        if (arguments.Stdin == arguments.Datasets.Length > 0) throw new ArchiveException(FailureKind.Usage, "name datasets, or use --stdin");
        if (arguments.Level is < 0 or > 19) throw new ArchiveException(FailureKind.Usage, $"--compress takes 0 to 19, not {arguments.Level}");
        if (arguments.ExpectSha256 is { } sha && (sha.Length != 64 || !sha.All(char.IsAsciiHexDigit))) throw new ArchiveException(FailureKind.Usage, $"--expect-sha256 takes 64 hexadecimal digits, not '{sha}'");
        if (arguments.ExpectLength < 0) throw new ArchiveException(FailureKind.Usage, $"--expect-length takes bytes, not {arguments.ExpectLength}");
        if (arguments.DatasetName is { } name && (name.Length == 0 || name.Contains('@', StringComparison.Ordinal) || !ManifestReader.IsPlain(name)))
            throw new ArchiveException(FailureKind.Usage, $"--dataset takes the name of a dataset, not '{name}'");
        if (arguments.ChunkTarget is < 1 or > 64) throw new ArchiveException(FailureKind.Usage, $"--chunk-size takes 1 to 64 MiB, not {arguments.ChunkTarget}");
        using var log = new EventLog(host, arguments.Verbose, arguments.LogFile);
        await using var repository = await Options.OpenRepositoryAsync(host, arguments.Repo, RepositoryUse.Write, cancel, movesMuch: !arguments.DryRun);
        if (arguments is { Stdin: true, DryRun: true }) throw new ArchiveException(FailureKind.Usage, "a stream on standard input cannot be looked at beforehand: use inspect");
        await using var lease = arguments.DryRun ? null : await Lease.TakeAsync(repository, LeaseKind.Shared, "backup", host.HostName, host.Clock, cancel);
        if (arguments.Stdin) return await new StdinBackup(host, repository, lease!, arguments, log).RunAsync(cancel);
        using var backup = new DatasetBackup(host, repository, lease, arguments, log);
        return await backup.RunAsync(cancel);
    }

    public static WriterSettings Settings(IHost host, BackupArguments arguments, ZfsVersionText? zfs) =>
        WriterSettings.Of(arguments.ChunkTarget, arguments.Level, Options.Version, host.HostName, zfs);
}

/// <summary><c>backup --stdin</c>: whatever comes is archived, each substream of a package by itself.</summary>
sealed class StdinBackup(IHost host, ArchiveRepository repository, Lease lease, BackupArguments arguments, EventLog log)
{
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        var catalog = await repository.KnownCatalogAsync(cancel);
        using var digest = arguments.ExpectSha256 is null ? null : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var line = new ProgressLine(host, "archiving", arguments.ExpectLength);
        var writer = new ArchiveWriter(repository, lease, catalog, BackupCommand.Settings(host, arguments, null), host.Clock, line);
        var order = new StdinOrder(
            catalog, new(arguments.DatasetName, arguments.AllowPlaintext, arguments.Insist, arguments.ExpectSha256, arguments.ExpectLength),
            () => digest is null ? null : Convert.ToHexStringLower(digest.GetCurrentHash()));
        var since = host.Clock.GetTimestamp();
        var written = await writer.WriteAsync(host.Input, order, digest, cancel);
        line.Dispose();

        var seconds = host.Clock.GetElapsedTime(since).TotalSeconds;
        foreach (var archive in written)
        {
            archive.RememberIn(repository);
            log.Archived(archive, seconds);
            await BackupReport.WarnAsync(host, archive);
        }
        await BackupReport.PrintAsync(host, arguments, repository, [.. written.Select(w => BackupReport.Step(w, "as it came"))], [], [], seconds, writer.Times);
        return ExitCodes.Done;
    }
}

/// <summary><c>backup DATASET…</c>: survey, plan, say it, carry it out; one dataset's failure does not stop the others.</summary>
/// <param name="lease">Null for a dry run.</param>
sealed class DatasetBackup(IHost host, ArchiveRepository repository, Lease? lease, BackupArguments arguments, EventLog log) : IDisposable
{
    readonly ImmutableArray<BackupStepResult>.Builder _steps = ImmutableArray.CreateBuilder<BackupStepResult>();
    readonly ImmutableArray<string>.Builder _skipped = ImmutableArray.CreateBuilder<string>();
    readonly List<(string Text, int Code)> _failures = [];
    readonly List<string> _foreseen = [];
    BackupRun _run = null!;
    ProgressLine? _line;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        var zfs = Options.OpenZfs(host, arguments.Zfs);
        var version = await zfs.VersionAsync(cancel);
        if (arguments.Snapshot) await TakeSnapshotsAsync(zfs, cancel);
        var sources = await SourceSurvey.TakeAsync(zfs, arguments.Datasets, arguments.Recursive, cancel);
        var catalog = await repository.KnownCatalogAsync(cancel);
        var policy = new BackupPolicy(arguments.First, arguments.AllowPlaintext, arguments.AllowFull, arguments.Adopt);
        _run = new(repository, zfs, BackupCommand.Settings(host, arguments, version), host.Clock, Progress);

        var since = host.Clock.GetTimestamp();
        var done = 0;
        foreach (var source in sources)
        {
            var plan = BackupPlanner.Plan(source.Foreseeing(_foreseen, host.Clock.GetUtcNow()), catalog, policy);
            _skipped.AddRange(plan.Skipped.Select(s => $"{s.Name}: {s.Because}"));
            if (plan.Refusal is { } refusal)
            {
                await FailAsync(refusal, plan.RefusalIsUsage ? ExitCodes.Usage : ExitCodes.Failed);
                continue;
            }
            (catalog, var well) = lease is null ? (await ForetellAsync(zfs, plan, catalog, cancel), true) : await CarryOutAsync(plan, catalog, lease, cancel);
            if (well) done++;
        }
        Dispose();
        if (_steps.Count == 0 && _failures.Count == 0) log.Said($"nothing to do for {string.Join(", ", arguments.Datasets)}: every snapshot is archived");
        await BackupReport.PrintAsync(host, arguments, repository, _steps.ToImmutable(), _skipped.ToImmutable(), [.. _failures.Select(f => f.Text)], host.Clock.GetElapsedTime(since).TotalSeconds, _run.Times);
        return _failures.Count == 0 ? ExitCodes.Done : done > 0 ? ExitCodes.Partly : _failures[0].Code;
    }

    public void Dispose() => _line?.Dispose();

    async Task<(Catalog, bool)> CarryOutAsync(BackupPlan plan, Catalog catalog, Lease held, CancellationToken cancel)
    {
        try
        {
            if (await _run.MendBookmarkAsync(plan.Source, catalog, cancel)) log.Said($"made the missing bookmark of the newest archived snapshot of {plan.Source.Dataset.Name} again");
            foreach (var step in plan.Steps)
            {
                var since = host.Clock.GetTimestamp();
                if (!arguments.Quiet && !arguments.Json) await host.Out.WriteLineAsync($"{step.Snapshot.Name}: {step.Why}");
                (var written, catalog) = await _run.ExecuteAsync(plan, step, catalog, held, cancel);
                await BackupReport.WarnAsync(host, written);
                log.Archived(written, host.Clock.GetElapsedTime(since).TotalSeconds);
                _steps.Add(BackupReport.Step(written, step.Why));
            }
            return (catalog, true);
        }
        catch (Exception e) when (e is not OperationCanceledException && FailureWords.Of(e) is not null)
        {
            await FailAsync(FailureWords.Of(e)!, ExitCodes.Of(e));
            return (catalog, false);
        }
    }

    async Task<Catalog> ForetellAsync(IZfs zfs, BackupPlan plan, Catalog catalog, CancellationToken cancel)
    {
        foreach (var step in plan.Steps)
        {
            var raw = plan.Source.Raw;
            // what is not taken yet has neither size nor GUID; it is the newest, and so never a base
            var isForeseen = _foreseen.Contains(step.Snapshot.Name);
            var estimate = isForeseen ? null : await zfs.EstimateAsync(new(step.Snapshot.Name, step.Base?.Name, raw, !raw, !raw), cancel);
            if (!arguments.Quiet && !arguments.Json) await host.Out.WriteLineAsync($"would archive {step.Snapshot.Name}, {(estimate is { } bytes ? $"about {Text.Bytes(bytes)}" : "of unknown size")}, {step.Why}");
            _steps.Add(new(plan.Source.Dataset.Name, step.Snapshot.Name, isForeseen ? null : step.Snapshot.Guid.ToString(CultureInfo.InvariantCulture), step.Base is null ? ManifestHead.Full : ManifestHead.Incremental,
                step.Base?.Name, step.Why, "planned", null, null, null, null, estimate));
        }
        return catalog;
    }

    async Task TakeSnapshotsAsync(IZfs zfs, CancellationToken cancel)
    {
        var datasets = new List<ZfsDataset>();
        foreach (var name in arguments.Datasets) datasets.AddRange(await zfs.DatasetsAsync(name, arguments.Recursive, cancel));
        var now = host.Clock.GetUtcNow();
        foreach (var (_, names) in OwnMarks.SnapshotNames(datasets, OwnMarks.StandardPrefix, arguments.AllowPlaintext, now))
        {
            if (!arguments.DryRun) await zfs.SnapshotAsync(names, cancel);
            else _foreseen.AddRange(names);
            if (arguments is { DryRun: true, Quiet: false, Json: false }) await host.Out.WriteLineAsync($"would take {string.Join(", ", names)}");
        }
    }

    // The line of the step before is wiped when the next one begins, and at the end.
    ProgressLine Progress(BackupStep step)
    {
        _line?.Dispose();
        return _line = new(host, step.Snapshot.Name, null);
    }

    async Task FailAsync(string text, int code)
    {
        _failures.Add((text, code));
        log.Failed(text);
        await host.Error.WriteLineAsync($"zfsarchive: {text}");
    }
}

/// <summary>What a backup says when it is done.</summary>
static class BackupReport
{
    const string There = "already archived";

    public static BackupStepResult Step(WrittenArchive written, string why)
    {
        var head = written.Archive.Head;
        return new(
            head.Dataset.Name, written.Archive.SnapshotName, head.Snapshot.Guid.ToString(CultureInfo.InvariantCulture), head.Kind, head.Base?.Name, why,
            written.AlreadyThere ? There : "archived", written.Archive.Id, head.Stream.Length, head.Totals.StoredLength, written.SentLength, null);
    }

    public static async Task WarnAsync(IHost host, WrittenArchive written)
    {
        foreach (var warning in written.Warnings) await host.Error.WriteLineAsync($"zfsarchive: warning: {written.Archive.SnapshotName}: {warning}");
    }

    public static async Task PrintAsync(
        IHost host, BackupArguments arguments, ArchiveRepository repository, ImmutableArray<BackupStepResult> steps, ImmutableArray<string> skipped,
        ImmutableArray<string> failures, double seconds, StageTimes? times)
    {
        if (arguments.Json)
        {
            var stages = times is null ? null : StageSeconds.Of(times);
            var result = new BackupResult(repository.Store.Location, arguments.DryRun, steps, skipped, failures, seconds, stages);
            await host.Out.WriteLineAsync(JsonSerializer.Serialize(result, CliJson.Default.BackupResult));
            return;
        }
        if (arguments.Quiet) return;
        foreach (var skip in skipped) await host.Out.WriteLineAsync($"skipped {skip}");
        if (steps.IsEmpty && failures.IsEmpty) await host.Out.WriteLineAsync("nothing to do: every snapshot is archived");
        if (arguments.DryRun || steps.IsEmpty) return;
        foreach (var step in steps)
            await host.Out.WriteLineAsync($"{step.State}{(step is { State: There, SentLength: > 0 } ? ", and what was missing or damaged was put back" : "")}: {step.Snapshot} ({step.Kind}), {Text.Bytes(step.Length ?? 0)} as {Text.Bytes(step.StoredLength ?? 0)}, {Text.Bytes(step.SentLength ?? 0)} sent, as {step.Archive}");
        if (times is not null)
            await host.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s; {Text.Stages(StageSeconds.Of(times))}"));
    }
}
