namespace ZfsArchive.Verify;

/// <summary>Ranges that lie in order and apart.</summary>
static class VerifiedRanges
{
    /// <summary>The same with one that was looked at just now; what was looked at more deeply before stays as it was.</summary>
    public static IReadOnlyList<VerifiedRange> With(IReadOnlyList<VerifiedRange> ranges, VerifiedRange added)
    {
        var deeper = ranges.Where(r => r.Level > added.Level).ToList();
        var all = ranges.Where(r => r.Level <= added.Level).SelectMany(r => Without(r, added)).Concat(deeper)
            .Concat(deeper.Aggregate<VerifiedRange, IEnumerable<VerifiedRange>>([added], (parts, d) => parts.SelectMany(p => Without(p, d)))).OrderBy(r => r.From);
        var joined = new List<VerifiedRange>();
        foreach (var range in all)
        {
            if (joined.Count > 0 && joined[^1] is var last && last.To == range.From && last.Level == range.Level && last.At == range.At) joined[^1] = last with { To = range.To };
            else joined.Add(range);
        }
        return joined;
    }

    static IEnumerable<VerifiedRange> Without(VerifiedRange range, VerifiedRange cut)
    {
        if (cut.To <= range.From || range.To <= cut.From)
        {
            yield return range;
            yield break;
        }
        if (range.From < cut.From) yield return range with { To = cut.From };
        if (cut.To < range.To) yield return range with { From = cut.To };
    }
}
