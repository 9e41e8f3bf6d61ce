using System.CommandLine;
using System.Collections.Immutable;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Night;
using ZfsArchive.Prune;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Commands;

static class PruneCommand
{
    public static Command Build(IHost host)
    {
        var dataset = new Argument<string?>("dataset") { Description = "Only archives of this dataset and those below it", Arity = ArgumentArity.ZeroOrOne };
        var (last, hourly, daily) = (Keep("last", "So many of the newest snapshots"), Keep("hourly", "The first snapshot of so many hours that have any"), Keep("daily", "… of so many days (UTC)"));
        var (weekly, monthly, yearly) = (Keep("weekly", "… of so many weeks, which begin on Monday"), Keep("monthly", "… of so many months"), Keep("yearly", "… of so many years"));
        var within = new Option<string?>("--keep-within") { Description = "All that are not older than the newest by more than this, such as 36h or 14d" };
        var grace = new Option<string?>("--grace") { Description = "How long chunks stay after their archive was removed; 7d if not said" };
        var yes = new Option<bool>("--yes") { Description = "Also if more than half of a dataset's snapshots go" };
        var (repo, dryRun, json, quiet) = (Options.Repo(), Options.DryRun(), Options.Json(), Options.Quiet());
        var command = new Command("prune", "Remove archives that the policy does not want and nothing that it wants needs")
        {
            dataset, last, hourly, daily, weekly, monthly, yearly, within, grace, yes, repo, dryRun, json, quiet,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            foreach (var option in new[] { last, hourly, daily, weekly, monthly, yearly })
                if (parsed.GetValue(option) < 0) throw new ArchiveException(FailureKind.Usage, $"{option.Name} takes a number from 0, not {parsed.GetValue(option)}");
            var policy = new RetentionPolicy(
                parsed.GetValue(last), parsed.GetValue(hourly), parsed.GetValue(daily), parsed.GetValue(weekly), parsed.GetValue(monthly), parsed.GetValue(yearly),
                Amounts.Time("--keep-within", parsed.GetValue(within)));
            var only = parsed.GetValue(dataset);
            var place = Options.PlaceOf(parsed, repo);
            var (ruleOf, configuredGrace) = policy.IsEmpty ? await PruneRules.OfConfigurationAsync(host, place, cancel) : (_ => new(policy), PruneRun.StandardGrace);
            PruneRule RuleOf(string name) => (only is null || name == only || name.StartsWith(only + "/", StringComparison.Ordinal) ? ruleOf(name) : new(null)) is var rule && parsed.GetValue(yes) ? rule with { RemoveAtMost = 1 } : rule;

            await using var repository = await Options.OpenRepositoryAsync(host, place, RepositoryUse.Remove, cancel);
            var wait = parsed.GetValue(grace) is "0" ? TimeSpan.Zero : Amounts.Time("--grace", parsed.GetValue(grace)) ?? configuredGrace;
            var report = await PruneVerb.ExecuteAsync(host, repository, RuleOf, wait, parsed.GetValue(dryRun), cancel);
            if (only is not null && report.Plan.Datasets.All(d => d.Policy is null)) throw new ArchiveException(FailureKind.Usage, $"no dataset '{only}' is archived here; what is: {string.Join(", ", report.Plan.Datasets.Select(d => d.Name).Distinct().Take(20))}");
            if (parsed.GetValue(json)) await host.Out.WriteLineAsync(JsonSerializer.Serialize(PruneVerb.Result(repository, report, parsed.GetValue(dryRun)), CliJson.Default.PruneResult));
            else await PruneVerb.PrintAsync(host, report, parsed.GetValue(dryRun), parsed.GetValue(quiet));
            return report.Plan.Datasets.Any(d => d.HeldBack is not null) ? ExitCodes.Partly : ExitCodes.Done;
        });
        return command;

        static Option<int> Keep(string word, string what) => new($"--keep-{word}") { Description = what };
    }
}

/// <summary>What the configuration says of a repository's archives.</summary>
static class PruneRules
{
    /// <exception cref="ArchiveException">Usage: there is no configuration that names the repository.</exception>
    public static async Task<(Func<string, PruneRule> RuleOf, TimeSpan Grace)> OfConfigurationAsync(IHost host, RepositoryPlace place, CancellationToken cancel)
    {
        var places = new ConfiguredPlaces(host, place.ConfigurationFile);
        if (places.File is null || places.Find(place.Text).Rule is not { } rule)
            throw new ArchiveException(FailureKind.Usage, "no policy: nothing would be removed; say what to keep, such as --keep-daily 7 --keep-weekly 4 --keep-monthly 12, or name a repository of the configuration");
        var configuration = places.Load();
        var chosen = new Dictionary<string, ImmutableHashSet<string>>();
        foreach (var job in configuration.Jobs.Where(j => j.ByProperty)) chosen[job.Name] = await DatasetSelection.ChosenAsync(job, Options.OpenZfs(host, job.Source), cancel);
        return (name => JobRules.RuleOf(rule, configuration, chosen, name), rule.Grace);
    }
}

/// <summary>One prune of one repository, by whoever asks for it.</summary>
static class PruneVerb
{
    public static async Task<PruneReport> ExecuteAsync(IHost host, ArchiveRepository repository, Func<string, PruneRule> ruleOf, TimeSpan grace, bool dryRun, CancellationToken cancel)
    {
        await using var lease = dryRun ? null : await Lease.TakeAsync(repository, LeaseKind.Exclusive, "prune", host.HostName, host.Clock, cancel);
        return await new PruneRun(repository, lease, grace, host.HostName, host.Clock).ExecuteAsync(ruleOf, async stop => (await VerifyRecords.LoadAsync(repository, stop)).Damaged, cancel);
    }

    public static PruneResult Result(ArchiveRepository repository, PruneReport report, bool dryRun) => new(
        repository.Store.Location, dryRun, report.IsFirstLook,
        [.. report.Plan.Datasets.Select(d => new PrunedDataset(d.Name, d.Folder.Text, d.Policy?.ToString(), d.HeldBack, d.BytesForChain,
            [.. d.Decisions.Select(a => new PrunedArchive(a.Archive.Id, a.Archive.SnapshotName, a.Archive.Head.Kind, Word(a.Verdict), a.Why, a.Archive.Head.Totals.StoredLength))]))],
        dryRun ? report.Plan.Removals.Length : report.Removed.Length, (dryRun ? report.Plan.Removals : report.Removed).Sum(a => a.Head.Totals.StoredLength),
        report.ChunksRemoved, report.BytesFreed, report.BytesInGrace, report.Plan.Notes);

    public static async Task PrintAsync(IHost host, PruneReport report, bool dryRun, bool quiet)
    {
        if (dryRun && !quiet) await PrintDecisionsAsync(host, report.Plan);
        foreach (var note in report.Plan.Notes) await host.Error.WriteLineAsync($"zfsarchive: note: {note}");
        foreach (var held in report.Plan.Datasets.Where(d => d.HeldBack is not null)) await host.Error.WriteLineAsync($"zfsarchive: {held.HeldBack}");
        if (quiet) return;
        if (report.IsFirstLook && !dryRun)
        {
            await host.Out.WriteLineAsync($"first look from this host: {Text.Plural(report.Plan.Datasets.Sum(d => d.Decisions.Length), "archive")} written down, nothing removed; the next prune removes {report.Plan.Removals.Length} ({Text.Bytes(report.Plan.RemovedBytes)})");
            return;
        }
        foreach (var archive in dryRun ? [] : report.Removed) await host.Out.WriteLineAsync($"removed {archive.SnapshotName} ({archive.Head.Kind}), {Text.Bytes(archive.Head.Totals.StoredLength)}");
        await host.Out.WriteLineAsync(Summary(report, dryRun));
    }

    /// <summary>One line.</summary>
    public static string Summary(PruneReport report, bool dryRun)
    {
        var kept = report.Plan.Datasets.Sum(d => d.Decisions.Length) - report.Plan.Removals.Length;
        var removed = dryRun ? report.Plan.Removals : report.Removed;
        return $"{(dryRun ? "would remove" : "removed")} {Text.Plural(removed.Length, "archive")} ({Text.Bytes(removed.Sum(a => a.Head.Totals.StoredLength))}), {(dryRun ? "would keep" : "kept")} {kept} ({Text.Bytes(report.Plan.Datasets.Sum(d => d.BytesForChain))} only for the chain); "
            + $"{(dryRun ? "would free" : "freed")} {Text.Bytes(report.BytesFreed)} of earlier ones{(report.BytesInGrace > 0 ? $", {Text.Bytes(report.BytesInGrace)} go when their grace time is over" : "")}";
    }

    static async Task PrintDecisionsAsync(IHost host, PrunePlan plan)
    {
        foreach (var dataset in plan.Datasets)
        {
            await host.Out.WriteLineAsync($"{dataset.Name}: {(dataset.Policy is null ? "no policy, everything is kept" : $"keep {dataset.Policy}")}");
            List<string[]> rows = [["  SNAPSHOT", "TAKEN", "KIND", ">STORED", "", "WHY"]];
            rows.AddRange(dataset.Decisions.Select(d => new[]
            {
                $"  @{d.Archive.Head.Snapshot.Name}", Text.Time(d.Archive.Head.Snapshot.Creation), d.Archive.Head.Kind, Text.Bytes(d.Archive.Head.Totals.StoredLength), Word(d.Verdict), d.Why,
            }));
            foreach (var line in Text.Table(rows)) await host.Out.WriteLineAsync(line);
        }
    }

    static string Word(Verdict verdict) => verdict switch { Verdict.Keep => "keep", Verdict.KeepForChain => "keep for chain", _ => "remove" };
}
