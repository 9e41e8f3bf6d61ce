using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using ZfsArchive.Backup;
using ZfsArchive.Cli.Output;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Night;
using ZfsArchive.Repository;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Commands;

static class CanPruneCommand
{
    public static Command Build(IHost host)
    {
        var what = new Argument<string>("snapshot") { Description = "DATASET@SNAPSHOT at the source" };
        var unverified = new Option<bool>("--unverified") { Description = "Enough that it is archived, verified or not" };
        var (json, quiet) = (Options.Json(), Options.Quiet());
        var command = new Command("can-prune", "Ask whether a snapshot may go at the source: 0 yes, 1 no") { what, unverified, json, quiet };
        command.SetAction(async (parsed, cancel) =>
        {
            var file = parsed.GetValue(Options.ConfigurationFile);
            var configuration = new ConfiguredPlaces(host, file).Load();
            var (dataset, name) = ArchiveSelection.Split(parsed.GetValue(what)!);
            if (name is null) throw new ArchiveException(FailureKind.Usage, $"can-prune takes DATASET@SNAPSHOT, not '{dataset}'");
            var question = new CanPruneVerb(host, configuration, [.. parsed.GetValue(Options.Settings) ?? []], file, !parsed.GetValue(unverified));
            var objections = await question.AskAsync(dataset, $"{dataset}@{name}", cancel);
            if (parsed.GetValue(json)) await host.Out.WriteLineAsync(JsonSerializer.Serialize(new CanPruneResult($"{dataset}@{name}", objections.IsEmpty, objections), CliJson.Default.CanPruneResult));
            else if (!parsed.GetValue(quiet)) await host.Out.WriteLineAsync(objections.IsEmpty ? $"{dataset}@{name} may go" : $"{dataset}@{name} has to stay:\n  {string.Join("\n  ", objections)}");
            return objections.IsEmpty ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }
}

/// <summary>Looks at the source and into every repository that a job puts the dataset into.</summary>
sealed class CanPruneVerb(IHost host, Configuration configuration, ImmutableArray<string> settings, string? file, bool mustBeVerified)
{
    public async Task<ImmutableArray<string>> AskAsync(string dataset, string snapshot, CancellationToken cancel)
    {
        var jobs = new List<JobRule>();
        SourceFacts? source = null;
        foreach (var job in configuration.Jobs)
        {
            var zfs = Options.OpenZfs(host, job.Source);
            var chosen = await DatasetSelection.ChosenAsync(job, zfs, cancel);
            if (!DatasetSelection.Covers(job, dataset, chosen)) continue;
            jobs.Add(job);
            source ??= (await SourceSurvey.TakeAsync(zfs, [dataset], recursive: false, cancel))[0];
        }
        if (source is null) return [$"no job archives {dataset}: nobody else has it"];
        var found = source.Snapshots.FirstOrDefault(s => s.Name == snapshot) ?? throw new ArchiveException(FailureKind.Usage, $"there is no snapshot {snapshot}");

        var (witnesses, unknown) = (new List<PruneWitness>(), new List<string>());
        foreach (var rule in configuration.Repositories.Where(r => jobs.Exists(j => j.Repositories.Contains(r.Name))))
        {
            try
            {
                witnesses.Add(await WitnessAsync(rule, cancel));
            }
            catch (ArchiveException e)
            {
                unknown.Add($"{rule.Name} cannot be asked now: {e.Message}");
            }
        }
        return witnesses.Count > 0 ? [.. PruneAdvice.Objections(source, found, witnesses), .. unknown] : [.. unknown];
    }

    async Task<PruneWitness> WitnessAsync(RepositoryRule rule, CancellationToken cancel)
    {
        await using var repository = await Options.OpenRepositoryAsync(host, new(rule.Name, settings, file ?? configuration.File), RepositoryUse.Read, cancel);
        VerifyLevel? level = mustBeVerified ? VerifyLevels.Parse(rule.Verify.Level) : null;
        return new(rule.Name, repository.ShortId, await repository.KnownCatalogAsync(cancel), await VerifyRecords.LoadAsync(repository, cancel), level);
    }
}
