using System.CommandLine;
using System.Collections.Immutable;
using System.Text.Json;
using ZfsArchive.Alerts;
using ZfsArchive.Backup;
using ZfsArchive.Cli.Output;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Night;
using ZfsArchive.Repository;
using ZfsArchive.Zfs;

namespace ZfsArchive.Cli.Commands;

static class RunCommand
{
    public static Command Build(IHost host)
    {
        var jobs = new Argument<string[]>("job") { Description = "Only these jobs; all of the configuration if none is named", Arity = ArgumentArity.ZeroOrMore };
        var (dryRun, json, quiet, verbose, log) = (Options.DryRun(), Options.Json(), Options.Quiet(), Options.Verbose(), Options.LogFile());
        quiet.Description = "Print nothing when all is well";
        var command = new Command("run", "Do all that the configuration says: archive, prune, verify, notify") { jobs, dryRun, json, quiet, verbose, log };
        command.SetAction(async (parsed, cancel) =>
        {
            var file = parsed.GetValue(Options.ConfigurationFile);
            var configuration = new ConfiguredPlaces(host, file).Load();
            var only = parsed.GetValue(jobs) ?? [];
            if (configuration.Jobs.IsEmpty) throw new ArchiveException(FailureKind.Usage, $"{configuration.File} has no jobs: nothing to do");
            foreach (var unknown in only.Where(name => configuration.Jobs.All(j => j.Name != name)))
                throw new ArchiveException(FailureKind.Usage, $"{configuration.File} has no job '{unknown}'; jobs are {string.Join(", ", configuration.Jobs.Select(j => j.Name))}");
            using var events = new EventLog(host, parsed.GetValue(verbose), parsed.GetValue(log));
            using var verb = new RunVerb(host, configuration, [.. parsed.GetValue(Options.Settings) ?? []], file, events, parsed.GetValue(dryRun));
            return await verb.RunAsync(only, parsed.GetValue(json), parsed.GetValue(quiet), cancel);
        });
        return command;
    }
}

/// <summary><c>run</c>: tell that it begins, do it, print it, tell how it ended.</summary>
sealed class RunVerb(IHost host, Configuration configuration, ImmutableArray<string> settings, string? file, EventLog events, bool dryRun) : INightWorld, IDisposable
{
    /// <summary>Who is stopped has no time left for those who do not answer.</summary>
    static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(20);

    /// <summary>Entries of each list in what is sent to a webhook.</summary>
    const int MostToTell = 200;

    readonly AlertRun _alerts = new(dryRun ? [] : configuration.Notify, new Secrets(host.Environment).Read, host.Clock);
    readonly HashSet<string> _untold = [];
    ProgressLine? _line;

    public TimeProvider Clock => host.Clock;

    public string HostName => host.HostName;

    public LocalFolders Folders => host.Folders;

    public string Version => Options.Version;

    public Task<ArchiveRepository> OpenAsync(RepositoryRule rule, RepositoryUse use, CancellationToken cancel) =>
        Options.OpenRepositoryAsync(host, new(rule.Name, settings, file ?? configuration.File), use, cancel);

    public IZfs Zfs(string source) => Options.OpenZfs(host, source);

    public IProgress<WriteProgress>? Progress(string snapshot)
    {
        _line?.Dispose();
        return _line = new(host, snapshot, null);
    }

    public void Say(string text) => events.Said(text);

    public void Dispose() => _line?.Dispose();

    public async Task<int> RunAsync(IReadOnlyCollection<string> only, bool json, bool quiet, CancellationToken cancel)
    {
        RunLock? runLock = null;
        NightResult night;
        try
        {
            if (!dryRun) runLock = RunLock.Take(Folders, Clock);
            await TellAsync(new(AlertPhase.Start, "start", $"zfsarchive on {HostName}: begins", "", "", HostName), cancel);
            night = await new NightRun(configuration, this, dryRun).ExecuteAsync(only, cancel);
        }
        // the one that is under way is well, as far as is known: only who started this one is told
        catch (Exception e) when (e is not ArchiveException { Kind: FailureKind.Locked } || runLock is not null)
        {
            Dispose();
            var words = FailureWords.Of(e) ?? e.Message;
            var failure = JsonSerializer.Serialize(new FailureResult(words, ExitCodes.Of(e)), CliJson.Default.FailureResult);
            using var limit = new CancellationTokenSource(s_lastWords, Clock);
            await TellAsync(new(AlertPhase.Failure, "failed", $"zfsarchive on {HostName}: FAILED", words, failure, HostName), limit.Token);
            throw;
        }
        finally
        {
            runLock?.Dispose();
        }
        Dispose();
        foreach (var failure in night.Failures) events.Failed($"{failure.Where}: {failure.Text}");
        var lines = NightSummary.Lines(night).ToList();
        if (json) await host.Out.WriteLineAsync(JsonSerializer.Serialize(night, CliJson.Default.NightResult));
        else if (!quiet || night.State is not NightState.Ok)
            foreach (var line in lines) await host.Out.WriteLineAsync(line);
        var phase = night.State is NightState.Ok ? AlertPhase.Success : AlertPhase.Failure;
        await TellAsync(new(phase, night.State.ToString().ToLowerInvariant(), night.Title, string.Join('\n', lines), JsonSerializer.Serialize(night.Brief(MostToTell), CliJson.Default.NightResult), HostName), cancel);
        return CodeOf(night);
    }

    async Task TellAsync(AlertMessage message, CancellationToken cancel)
    {
        // who is not reached at the start is mostly not reached at the end: once is enough
        foreach (var failure in (await _alerts.SendAsync(message, cancel)).Where(_untold.Add)) await host.Error.WriteLineAsync($"zfsarchive: note: nobody was told by {failure}");
    }

    // Damage outweighs everything; else what failed alike is told alike.
    static int CodeOf(NightResult night)
    {
        var kinds = night.Failures.Select(f => f.Kind).Distinct().ToList();
        return kinds.Count == 0 ? ExitCodes.Done
            : kinds.Contains(FailureKind.Damage) ? ExitCodes.Damage
            : night.State is NightState.Partly ? ExitCodes.Partly
            : kinds.Count == 1 ? (int)kinds[0] : ExitCodes.Failed;
    }
}
