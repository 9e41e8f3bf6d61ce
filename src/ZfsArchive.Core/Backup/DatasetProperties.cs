using System.Collections.Immutable;
using ZfsArchive.Zfs;

namespace ZfsArchive.Backup;

/// <summary>Which properties of a dataset go into its manifest: those that somebody set, and a volume's shape.</summary>
static class DatasetProperties
{
    const int LongestValue = 1024;
    const int LongestTogether = 32 << 10;
    static readonly string[] s_shape = ["volblocksize", "volsize", "casesensitivity", "normalization", "utf8only"];

    public static ImmutableSortedDictionary<string, string> WorthRestoring(IEnumerable<ZfsProperty> properties)
    {
        var room = LongestTogether;
        return properties
            .Where(p => p.Source is "local" or "received" || (s_shape.Contains(p.Name) && p.Value != "-"))
            .Where(p => p.Value.Length <= LongestValue)
            .OrderBy(p => p.Name.Contains(':', StringComparison.Ordinal)).ThenBy(p => p.Name, StringComparer.Ordinal)
            // properties of users come last and may be many: the head of a manifest has a limit
            .TakeWhile(p => (room -= p.Name.Length + p.Value.Length + 16) > 0)
            .ToImmutableSortedDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
    }
}
