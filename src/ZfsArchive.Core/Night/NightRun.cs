using System.Collections.Immutable;
using ZfsArchive.Config;

namespace ZfsArchive.Night;

/// <summary>A whole night: every job, then in each repository prune and verify. What is not reached or fails is told, and the rest goes on.</summary>
public sealed class NightRun(Configuration configuration, INightWorld world, bool dryRun)
{
    /// <param name="only">Names of jobs; empty: all.</param>
    public async Task<NightResult> ExecuteAsync(IReadOnlyCollection<string> only, CancellationToken cancel)
    {
        var (started, since) = (world.Clock.GetUtcNow(), world.Clock.GetTimestamp());
        var jobs = ImmutableArray.CreateBuilder<JobNight>();
        var chosen = new Dictionary<string, ImmutableHashSet<string>>();
        var selected = configuration.Jobs.Where(j => only.Count == 0 || only.Contains(j.Name)).ToList();
        await using var opened = new OpenedRepositories(world, dryRun);
        foreach (var job in selected)
        {
            var run = new JobRun(job, configuration, opened, world, dryRun);
            jobs.Add(await run.ExecuteAsync(cancel));
            chosen[job.Name] = run.Chosen;
        }
        var rules = configuration.Repositories.Where(r => selected.Exists(j => j.Repositories.Contains(r.Name))).ToList();
        await opened.EndJobsAsync();
        var nights = ImmutableArray.CreateBuilder<RepositoryNight>();
        foreach (var rule in rules) nights.Add(await new RepositoryRun(rule, configuration, chosen, opened, world, dryRun).ExecuteAsync(cancel));
        return new(world.HostName, world.Version, started, world.Clock.GetElapsedTime(since).TotalSeconds, StateOf(jobs, nights), dryRun, jobs.ToImmutable(), nights.ToImmutable());
    }

    static NightState StateOf(IReadOnlyCollection<JobNight> jobs, IReadOnlyCollection<RepositoryNight> repositories) =>
        jobs.All(j => j.State is NightState.Ok) && repositories.All(r => r.State is NightState.Ok) ? NightState.Ok
        : jobs.Any(j => j.State is not NightState.Failed) ? NightState.Partly
        : NightState.Failed;
}
