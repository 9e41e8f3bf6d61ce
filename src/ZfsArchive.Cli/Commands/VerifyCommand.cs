using System.CommandLine;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Commands;

static class VerifyCommand
{
    public static Command Build(IHost host)
    {
        var dataset = new Argument<string?>("dataset") { Description = "Look closely only at this dataset and those below it", Arity = ArgumentArity.ZeroOrOne };
        var level = new Option<string>("--level", "-l")
        {
            Description = "chain: manifests and their links; objects: and every chunk's presence and size; data: and its bytes; stream: and every record",
            DefaultValueFactory = _ => "stream",
        };
        var remote = new Option<bool>("--remote") { Description = "With --level data: let the far side hash its files (SFTP servers that run sha256sum) instead of reading them" };
        level.AcceptOnlyFromAmong("chain", "objects", "data", "stream");
        var sample = new Option<string?>("--sample") { Description = "With --level data or stream: read this part of what is stored, such as 5%; what was read longest ago comes first" };
        var bytes = new Option<string?>("--max-bytes") { Description = "… at most so many stored bytes, such as 100G" };
        var time = new Option<string?>("--max-time") { Description = "… for at most so long, such as 2h or 30m" };
        var (repo, json, quiet) = (Options.Repo(), Options.Json(), Options.Quiet());
        var command = new Command("verify", "Hold what is stored against the manifests: 0 sound, 20 damage") { dataset, level, remote, sample, bytes, time, repo, json, quiet };
        command.SetAction(async (parsed, cancel) =>
        {
            var depth = Enum.Parse<VerifyLevel>(parsed.GetValue(level)!, ignoreCase: true);
            if (parsed.GetValue(remote) && depth is not VerifyLevel.Data) throw new ArchiveException(FailureKind.Usage, "--remote goes with --level data: records can only be checked here");
            var budget = new VerifyBudget(Amounts.Share("--sample", parsed.GetValue(sample)), Amounts.Bytes("--max-bytes", parsed.GetValue(bytes)), null);
            var limit = Amounts.Time("--max-time", parsed.GetValue(time));
            var budgeted = budget is not { Share: null, MaxBytes: null } || limit is not null;
            if (budgeted && depth < VerifyLevel.Data) throw new ArchiveException(FailureKind.Usage, "--sample, --max-bytes and --max-time go with --level data or stream: the others read no chunks");
            await using var repository = await Options.OpenRepositoryAsync(host, Options.PlaceOf(parsed, repo), RepositoryUse.Read, cancel);
            await using var lease = await Options.LeaseToReadAsync(host, repository, "verify", parsed.GetValue(quiet), cancel);
            var report = await VerifyVerb.ExecuteAsync(host, repository, depth, parsed.GetValue(dataset), budgeted ? budget : null, limit, parsed.GetValue(remote), lease is not null, cancel);
            if (parsed.GetValue(json)) await host.Out.WriteLineAsync(JsonSerializer.Serialize(new VerifyResult(repository.Store.Location, report, report.Sound), CliJson.Default.VerifyResult));
            else await PrintAsync(host, report, parsed.GetValue(quiet));
            return report.Sound ? ExitCodes.Done : ExitCodes.Damage;
        });
        return command;
    }

    static async Task PrintAsync(IHost host, VerifyReport report, bool quiet)
    {
        foreach (var finding in report.Findings.Where(f => !quiet || f.Severity is Severity.Damage))
        {
            await host.Out.WriteLineAsync($"{(finding.Severity is Severity.Damage ? "DAMAGE" : "note")}  {finding.Object}: {finding.Reason}");
            if (!finding.Costs.IsEmpty) await host.Out.WriteLineAsync($"        costs {string.Join(", ", finding.Costs)}");
            await host.Out.WriteLineAsync($"        {finding.Mend}");
        }
        if (quiet && report.Sound) return;
        await host.Out.WriteLineAsync(report.Sound
            ? $"sound at level {report.Level.ToString().ToLowerInvariant()}: {Text.Plural(report.Archives, "archive")}, {Text.Plural(report.Chunks, "chunk")}, {Text.Bytes(report.BytesRead)} read{(report.BytesByWord > 0 ? $", {Text.Bytes(report.BytesByWord)} hashed by the far side" : "")}"
            : $"DAMAGED: {Text.Plural(report.Findings.Count(f => f.Severity is Severity.Damage), "finding")}; {(report.Lost.IsEmpty ? "no snapshot is lost" : $"cannot be restored: {string.Join(", ", report.Lost)}")}");
    }
}

/// <summary>One verification of one repository, by whoever asks for it.</summary>
static class VerifyVerb
{
    /// <param name="dataset">Only this one and those below it; null: all.</param>
    /// <param name="budget">Null: everything.</param>
    /// <param name="limit">How long chunks are read at most.</param>
    /// <param name="mayWrite">A lease is held, so that what was verified can be kept in the repository.</param>
    public static async Task<VerifyReport> ExecuteAsync(
        IHost host, ArchiveRepository repository, VerifyLevel level, string? dataset, VerifyBudget? budget, TimeSpan? limit, bool remote, bool mayWrite, CancellationToken cancel)
    {
        var catalog = await repository.CatalogAsync(cancel);
        var selected = (dataset is { } name ? ArchiveSelection.Tree(catalog, name) : [.. catalog.Folders]).ToHashSet();
        var archives = catalog.Graph.Archives.Where(a => selected.Contains(a.Folder)).ToList();
        var history = level >= VerifyLevel.Objects ? await VerifyRecords.LoadAsync(repository, cancel) : null;
        var now = await repository.Store.TimeAsync(cancel);
        var plan = budget is null ? null : VerifyPlanner.Plan(archives, history!, level, budget, now);
        if (plan?.Warning is { } warning) await host.Error.WriteLineAsync($"zfsarchive: note: {warning}");

        var since = host.Clock.GetTimestamp();
        using var line = new ProgressLine(host, "verifying", level >= VerifyLevel.Data ? plan?.Bytes ?? archives.Sum(a => a.Head.Totals.StoredLength) : null);
        var run = new VerifyRun(repository, level, line, remote, limit is { } most ? () => host.Clock.GetElapsedTime(since) > most : null);
        var report = plan is null ? await run.ExecuteAsync(catalog, a => selected.Contains(a.Folder), cancel) : await run.ExecuteAsync(catalog, plan.Parts, cancel);
        // What was found whole is what a later look is held against.
        if (report.Sound) new KnownHeads(repository.Folders, repository.Descriptor).Remember(catalog.Graph.Archives);
        if (history is not null)
        {
            history.Add(run.Trace(now), level, now);
            await VerifyRecords.SaveAsync(repository, history, catalog, host.HostName, mayWrite, cancel);
        }
        return report;
    }
}
