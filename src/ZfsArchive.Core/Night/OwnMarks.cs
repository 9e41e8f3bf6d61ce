using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using ZfsArchive.Backup;
using ZfsArchive.Config;
using ZfsArchive.Manifests;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Zfs;

namespace ZfsArchive.Night;

/// <summary>
/// What we leave at the source, and which of it nothing needs any more: bookmarks of the repositories in this configuration, and
/// snapshots that we took. What another repository or another program has made is never among it. Pure.
/// </summary>
public static partial class OwnMarks
{
    // After a rollback at the source an older bookmark is the newest that is left.
    const int KeptOfLinear = 3;

    /// <summary>What snapshots that we take are called by, unless something else is configured.</summary>
    public const string StandardPrefix = StandardRules.SnapshotPrefix;

    /// <summary>The name of a snapshot that we take.</summary>
    public static string SnapshotName(string dataset, string prefix, DateTimeOffset now) =>
        string.Create(CultureInfo.InvariantCulture, $"{dataset}@{prefix}{now.UtcDateTime:yyyy-MM-dd_HH.mm.ss}Z");

    /// <summary>The snapshots to take of datasets, all of a pool at once. What will be refused, because it is not encrypted, is not given one.</summary>
    public static IEnumerable<(string Pool, ImmutableArray<string> Names)> SnapshotNames(IEnumerable<ZfsDataset> datasets, string prefix, bool allowPlaintext, DateTimeOffset now) =>
        datasets.Where(d => allowPlaintext || d.Encryption != "off").Select(d => d.Name).Distinct().GroupBy(name => name.Split('/')[0])
            .Select(pool => (pool.Key, pool.Select(name => SnapshotName(name, prefix, now)).ToImmutableArray()));

    /// <summary>Whether a snapshot (full name) bears a name that we give with this prefix.</summary>
    public static bool IsOwnSnapshot(string snapshot, string prefix)
    {
        var name = snapshot[(snapshot.IndexOf('@', StringComparison.Ordinal) + 1)..];
        return name.StartsWith(prefix, StringComparison.Ordinal) && Stamp().IsMatch(name.AsSpan(prefix.Length));
    }

    /// <summary>
    /// Bookmarks of one repository that no archive will be based on any more: their snapshot cannot be restored from there, or the chain
    /// goes on from newer ones. The newest of each repository always stays.
    /// </summary>
    /// <param name="shortId">The first 8 digits of the repository's id.</param>
    public static ImmutableArray<string> Superfluous(SourceFacts source, string shortId, Catalog catalog, ChainKind chain)
    {
        var paths = catalog.Graph.Paths();
        var ours = source.Bookmarks.Where(b => b.Name == SourceMarks.Bookmark(source.Dataset.Name, shortId, b.Guid)).OrderByDescending(b => b.CreateTxg).ToList();
        var useful = ours.Where(b => paths.Cheapest(source.NodeOf(b.Guid, b.IvsetGuid)) is not null);
        var kept = (chain is ChainKind.Tiered ? useful : useful.Take(KeptOfLinear)).Concat(ours.Take(1)).ToHashSet();
        return [.. ours.Where(b => !kept.Contains(b)).Select(b => b.Name)];
    }

    /// <summary>
    /// Snapshots of ours beyond the newest so many, of those that every one of these repositories can restore. What the next archive in one
    /// of them is based on stays while no bookmark stands in for it: a restored dataset whose archive was refused has no bookmarks.
    /// </summary>
    /// <param name="repositories">The first 8 digits of the id of each, and what is in it.</param>
    public static ImmutableArray<string> SuperfluousSnapshots(SourceFacts source, string prefix, int keep, IReadOnlyList<(string ShortId, Catalog Catalog)> repositories)
    {
        var known = repositories.Select(r => (r.ShortId, Paths: r.Catalog.Graph.Paths())).ToList();
        return
        [
            .. source.Snapshots.Where(s => IsOwnSnapshot(s.Name, prefix)).OrderByDescending(s => s.CreateTxg).Skip(int.Max(1, keep))
                .Where(s => s.UserRefs == 0 && known.Count > 0 && known.TrueForAll(r =>
                    r.Paths.Cheapest(source.NodeOf(s.Guid, s.IvsetGuid)) is not null && !PruneAdvice.IsNeededAsBase(source, s, r.ShortId, r.Paths)))
                .Select(s => s.Name),
        ];
    }

    [GeneratedRegex("\\A[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}\\.[0-9]{2}\\.[0-9]{2}Z\\z")]
    private static partial Regex Stamp();
}
