using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Manifests;
using ZfsArchive.Repository;

namespace ZfsArchive.Cli.Commands;

static class UnlockCommand
{
    public static Command Build(IHost host)
    {
        var all = new Option<bool>("--all") { Description = "Also leases that are alive: of a host that is gone" };
        var (repo, dryRun, json) = (Options.Repo(), Options.DryRun(), Options.Json());
        var command = new Command("unlock", "Remove the leases of those who are done or gone") { all, repo, dryRun, json };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var repository = await Options.OpenRepositoryAsync(host, Options.PlaceOf(parsed, repo), RepositoryUse.Write, cancel);
            return await new UnlockVerb(host, repository, parsed.GetValue(all), parsed.GetValue(dryRun), parsed.GetValue(json)).RunAsync(cancel);
        });
        return command;
    }
}

/// <summary>List, say who it is, remove; what somebody may be behind stays, unless all are to go.</summary>
sealed class UnlockVerb(IHost host, ArchiveRepository repository, bool all, bool dryRun, bool json)
{
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        var now = await repository.Store.TimeAsync(cancel);
        var found = (await LeaseSeries.ListAsync(repository, withEnded: true, cancel)).Select(s => (Series: s, State: s.StateAt(now))).ToImmutableArray();
        var removed = found.Where(f => all || f.State is not LeaseState.Alive).ToImmutableArray();
        var left = found.Except(removed).ToImmutableArray();

        if (removed.Count(r => r.State is LeaseState.Alive) is var alive and > 0)
            await SayAsync($"--all: {Text.Plural(alive, "lease")} that {(alive == 1 ? "is" : "are")} alive {(dryRun ? "would go" : "will go")} too; who is behind {(alive == 1 ? "it" : "them")} is no longer kept from being disturbed");
        foreach (var (series, state) in removed)
        {
            if (!dryRun) await series.RemoveAsync(repository.Store, cancel);
            await SayAsync($"{(dryRun ? "would remove" : "removed")}: {series.Describe(now)}, {Name(state)}");
        }
        // what a creation left that was killed
        if (!dryRun) await repository.Store.SweepAsync(Layout.Leases, cancel);
        foreach (var (series, _) in left) await SayAsync($"left: {series.Describe(now)}, alive; if that host is gone: --all");
        if (removed.IsEmpty) await SayAsync("no lease to remove");
        if (json)
        {
            var result = new UnlockResult(repository.Store.Location, dryRun, [.. removed.Select(r => Result(r.Series, r.State, now))], [.. left.Select(l => Result(l.Series, l.State, now))]);
            await host.Out.WriteLineAsync(JsonSerializer.Serialize(result, CliJson.Default.UnlockResult));
        }
        return ExitCodes.Done;
    }

    async Task SayAsync(string text)
    {
        if (!json) await host.Out.WriteLineAsync(text);
    }

    static string Name(LeaseState state) => state.ToString().ToLowerInvariant();

    static LeaseResult Result(LeaseSeries series, LeaseState state, DateTimeOffset now) => new(
        series.Id, Name(state), series.Record?.Kind, series.Record?.Verb, series.Record?.Host, series.Record?.Pid, series.Record?.Started, (long)(now - series.SeenAt).TotalSeconds);
}
