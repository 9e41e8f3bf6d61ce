using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>One mark of a drawn chain: an archive, or those of a period when they are too many.</summary>
/// <param name="Taken">The snapshot's time; of several, the newest's.</param>
/// <param name="Share">The verified part.</param>
/// <param name="IsOnWay">A restore of the newest snapshot reads it.</param>
/// <param name="IsStranded">It, or one of them, cannot be restored.</param>
/// <param name="IsBasedElsewhere">Its base is another dataset's.</param>
sealed record ChainMark(DateTimeOffset Taken, int Count, bool IsFull, bool IsDamaged, bool IsStranded, bool IsOnWay, bool IsBasedElsewhere, double Share, string Title);

/// <param name="From">Index of the base's mark.</param>
/// <param name="IsOnWay">A restore of the newest snapshot goes this way.</param>
readonly record struct ChainLink(int From, int To, bool IsOnWay);

/// <summary>What of a dataset is drawn: no more marks than can be told apart.</summary>
/// <param name="Period">How much time a mark stands for; null: each is one archive.</param>
sealed record ChainMarks(ImmutableArray<ChainMark> Marks, ImmutableArray<ChainLink> Links, ImmutableArray<DateTimeOffset> Gaps, TimeSpan? Period)
{
    // Weeks are counted from a Monday.
    static readonly DateTimeOffset s_origin = new(1, 1, 1, 0, 0, 0, TimeSpan.Zero);

    static readonly double[] s_hours = [1, 3, 6, 12, 24, 2 * 24, 4 * 24, 7 * 24, 14 * 24, 28 * 24, 91 * 24, 182 * 24, 365 * 24, 3650 * 24, 36500 * 24];

    /// <summary>Many more are no picture any more.</summary>
    const int MostLinks = 900;

    public static ChainMarks Of(DatasetStatus dataset, int most)
    {
        var way = Way(dataset);
        TimeSpan? period = dataset.Graph.Length <= most ? null
            : TimeSpan.FromHours(s_hours.First(h => h == s_hours[^1] || dataset.Graph.Select(a => Number(a.Taken, TimeSpan.FromHours(h))).Distinct().Count() <= most));
        var groups = period is { } each ? dataset.Graph.GroupBy(a => Number(a.Taken, each)).OrderBy(g => g.Key).Select(g => g.ToList()).ToList() : [.. dataset.Graph.Select(a => new List<ArchiveStatus> { a })];
        var place = groups.SelectMany((g, i) => g.Select(a => (a.Name, i))).DistinctBy(p => p.Name).ToDictionary(p => p.Name, p => p.i);
        return new([.. groups.Select(g => Mark(g, period, place, way))], [.. FindLinks(dataset, place, way).OrderByDescending(l => l.IsOnWay).Take(MostLinks)], FindGaps(dataset, period, most), period);
    }

    static ChainMark Mark(List<ArchiveStatus> archives, TimeSpan? period, Dictionary<string, int> place, HashSet<string> way)
    {
        var stored = archives.Sum(a => double.Max(1, a.StoredLength));
        return new(
            archives[^1].Taken, archives.Count, archives.Any(a => a.IsFull), archives.Any(a => a.Damage is not null), archives.Any(a => !a.IsRestorable), archives.Any(a => way.Contains(a.Name)),
            archives.Any(a => a.Base is { } from && !place.ContainsKey(from)), archives.Sum(a => a.VerifiedShare * double.Max(1, a.StoredLength)) / stored,
            archives is [var one] ? Title(one) : Title(archives, period!.Value));
    }

    static string Title(ArchiveStatus archive) =>
        $"@{Text.Clip(archive.Snapshot, 60)}, {(archive.IsFull ? "full" : "incremental")}\ntaken {Text.Time(archive.Taken)}\n{Text.Bytes(archive.StoredLength)}, verified {Text.Percent(archive.VerifiedShare, 1)}"
        + (archive.Damage is { } damage ? $"\nDAMAGED: {Text.Clip(damage, 120)}" : "") + (archive.IsRestorable ? "" : "\nCANNOT BE RESTORED");

    static string Title(List<ArchiveStatus> archives, TimeSpan period) => string.Create(CultureInfo.InvariantCulture,
        $"{archives.Count} archives, {archives.Count(a => a.IsFull)} of them full, in {Text.Span(period)}\nup to {Text.Time(archives[^1].Taken)}\n{Text.Bytes(archives.Sum(a => a.StoredLength))}")
        + (archives.Count(a => a.Damage is not null) is > 0 and var damaged ? $"\nDAMAGED: {damaged}" : "") + (archives.Count(a => !a.IsRestorable) is > 0 and var stranded ? $"\nCANNOT BE RESTORED: {stranded}" : "");

    static IEnumerable<ChainLink> FindLinks(DatasetStatus dataset, Dictionary<string, int> place, HashSet<string> way) =>
        dataset.Graph.Where(a => a.Base is not null && place.ContainsKey(a.Base)).Select(a => (From: place[a.Base!], To: place[a.Name], OnWay: way.Contains(a.Name))).Where(l => l.From != l.To)
            .GroupBy(l => (l.From, l.To)).Select(g => new ChainLink(g.Key.From, g.Key.To, g.Any(l => l.OnWay)));

    // The archives that a restore of the newest reads: back from one of it, over as many as the chain is long.
    static HashSet<string> Way(DatasetStatus dataset)
    {
        var byName = dataset.Graph.DistinctBy(a => a.Name).ToDictionary(a => a.Name);
        var longest = new HashSet<string>();
        foreach (var newest in dataset.Graph.Where(a => a.IsRestorable && a.Taken == dataset.Newest && a.Snapshot == dataset.NewestSnapshot))
        {
            var way = new HashSet<string>();
            for (var at = newest; at is not null && way.Add(at.Name); at = at.Base is null ? null : byName.GetValueOrDefault(at.Base)) ;
            if (way.Count == dataset.ChainLength) return way;
            if (way.Count > longest.Count) longest = way;
        }
        return longest;
    }

    static ImmutableArray<DateTimeOffset> FindGaps(DatasetStatus dataset, TimeSpan? period, int most)
    {
        if (dataset.Pruned.IsEmpty || (period is null && dataset.Pruned.Length <= most)) return dataset.Pruned;
        var width = (dataset.Pruned.Max() - dataset.Pruned.Min()) / most;
        if (period is { } each && each > width) width = each;
        if (width == TimeSpan.Zero) return [dataset.Pruned[0]];
        var marked = dataset.Graph.Select(a => Number(a.Taken, width)).ToHashSet();
        return [.. dataset.Pruned.Where(p => !marked.Contains(Number(p, width))).DistinctBy(p => Number(p, width)).Take(most)];
    }

    static long Number(DateTimeOffset time, TimeSpan period) => (time - s_origin).Ticks / period.Ticks;
}
