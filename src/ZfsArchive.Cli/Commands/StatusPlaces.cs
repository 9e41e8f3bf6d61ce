using System.Collections.Immutable;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Night;
using ZfsArchive.Repository;
using ZfsArchive.Status;
using ZfsArchive.Stores;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Commands;

/// <summary>What status looks at, and what the configuration promises of it.</summary>
static class StatusPlaces
{
    /// <summary>The repository that is named; without a name all that are configured.</summary>
    /// <exception cref="ArchiveException">Usage: none, or none known, is named; or the configuration is broken.</exception>
    public static ImmutableArray<WatchedRepository> Of(IHost host, RepositoryPlace place)
    {
        var places = new ConfiguredPlaces(host, place.ConfigurationFile);
        if ((place.Text ?? host.Environment("ZFSARCHIVE_REPO")) is null && places.File is not null)
        {
            var configuration = places.Load();
            var reached = new ReachedPlaces(host.Folders);
            return [.. configuration.Repositories.Select(rule => Watch(host, place with { Text = rule.Name }, rule.Url, Promise(configuration, rule), rule.Optional) with { Broken = Broken(rule) })];

            // If it is not there now. Of several that take turns another one may be: then it was seen lately.
            string? Broken(RepositoryRule rule) => configuration.Jobs.Where(j => j.Repositories.Contains(rule.Name))
                .Select(j => reached.Broken(j, [.. j.Repositories.Select(configuration.Repository)], host.Clock.GetUtcNow())).FirstOrDefault(text => text is not null);
        }
        var (location, found) = places.Find(place.Text);
        StoreAddress.Parse(location);
        return [Watch(host, place, location, found is null ? new(location, _ => null, null, VerifyLevel.Stream, []) : Promise(places.Load(), found), found?.Optional ?? false)];
    }

    /// <summary>What the jobs that archive to a repository, and its own rule, promise. A dataset that names its job by a property is known at its source only.</summary>
    static StatusPromise Promise(Configuration configuration, RepositoryRule rule)
    {
        var jobs = configuration.Jobs.Where(j => j.Repositories.Contains(rule.Name)).ToImmutableArray();
        return new(rule.Name, MaxAgeOf, rule.Verify.Cycle, VerifyLevels.Parse(rule.Verify.Level),
            [.. jobs.SelectMany(j => j.Datasets.Where(d => !Glob.IsPattern(d) && DatasetSelection.Covers(j, d, ImmutableHashSet<string>.Empty))).Distinct()]);

        // What no job names has been chosen by its property, as far as can be told without its source.
        TimeSpan? MaxAgeOf(string dataset)
        {
            var named = jobs.Where(j => DatasetSelection.Covers(j, dataset, ImmutableHashSet<string>.Empty)).ToList();
            return (named.Count > 0 ? named : jobs.Where(j => j.ByProperty)).Min(j => j.MaxAge);
        }
    }

    static WatchedRepository Watch(IHost host, RepositoryPlace place, string location, StatusPromise promise, bool isOptional) =>
        new(location, cancel => Options.OpenRepositoryAsync(host, place, RepositoryUse.Read, cancel), promise, isOptional);
}
