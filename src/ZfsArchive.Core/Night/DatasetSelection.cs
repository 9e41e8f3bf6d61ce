using System.Collections.Immutable;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Zfs;

namespace ZfsArchive.Night;

/// <summary>Which datasets a job is about. Pure, but for the listing that <see cref="ListAsync"/> takes.</summary>
public static class DatasetSelection
{
    /// <summary>The user property by which a dataset names its job.</summary>
    public const string Property = "zfsarchive:job";

    /// <summary>Whether a job names a dataset: by its name or a glob, or, for a recursive one, one above it; and nothing of it is excluded.</summary>
    /// <param name="chosen">Datasets whose property names the job.</param>
    public static bool Covers(JobRule job, string dataset, IReadOnlySet<string> chosen)
    {
        var above = WithAncestors(dataset).ToList();
        return !job.Exclude.Any(glob => above.Any(name => Glob.Fits(glob, name)))
            && (chosen.Contains(dataset) || job.Datasets.Any(glob => job.Recursive ? above.Any(name => Glob.Fits(glob, name)) : Glob.Fits(glob, dataset)));
    }

    /// <summary>Datasets whose property names the job, when it goes by that.</summary>
    public static async Task<ImmutableHashSet<string>> ChosenAsync(JobRule job, IZfs zfs, CancellationToken cancel) =>
        job.ByProperty ? [.. (await zfs.HavingAsync(Property, cancel)).Where(p => p.Value == job.Name).Select(p => p.Dataset)] : [];

    /// <summary>Lists what the job may be about, and takes out what it is.</summary>
    /// <exception cref="ZfsException">A dataset that is named without a glob is not there, or the listing fails.</exception>
    public static async Task<(ImmutableArray<ZfsDataset> Selected, ImmutableHashSet<string> Chosen)> ListAsync(JobRule job, IZfs zfs, CancellationToken cancel)
    {
        var chosen = await ChosenAsync(job, zfs, cancel);
        var listed = new Dictionary<string, ZfsDataset>();
        foreach (var (root, below) in Roots(job, chosen))
            foreach (var dataset in await zfs.DatasetsAsync(root, below, cancel)) listed.TryAdd(dataset.Name, dataset);
        return ([.. listed.Values.Where(d => Covers(job, d.Name, chosen))], chosen);
    }

    // A glob is looked for below the last part before it; what lies below another root is listed with it.
    static IEnumerable<(string Root, bool Below)> Roots(JobRule job, ImmutableHashSet<string> chosen)
    {
        var roots = job.Datasets.Select(d => Glob.IsPattern(d) ? (Root: BeforeGlob(d), Below: true) : (Root: d, Below: job.Recursive)).Concat(chosen.Select(c => (Root: c, Below: false))).Distinct().ToList();
        return roots.Where(r => !roots.Exists(other => other != r && other.Below && (r.Root.StartsWith(other.Root + "/", StringComparison.Ordinal) || (r.Root == other.Root && !r.Below))))
            .OrderBy(r => r.Root, StringComparer.Ordinal);
    }

    static string BeforeGlob(string pattern) => string.Join('/', pattern.Split('/').TakeWhile(part => !Glob.IsPattern(part)));

    static IEnumerable<string> WithAncestors(string dataset)
    {
        for (var name = dataset; ; name = name[..name.LastIndexOf('/')])
        {
            yield return name;
            if (!name.Contains('/', StringComparison.Ordinal)) yield break;
        }
    }
}
