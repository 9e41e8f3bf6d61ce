using System.Globalization;

namespace ZfsArchive.Zfs;

/// <summary>
/// Reads what <c>-H -p</c> prints: fields between tabs, exact numbers, <c>-</c> where a property does not apply. Names may
/// hold blanks. A line that is not as expected is a <see cref="ZfsException"/> that names it.
/// </summary>
static class ZfsListing
{
    public const string DatasetColumns =
        "name,type,guid,encryption,keyguid,keyformat,encryptionroot,keystatus,origin,mounted,receive_resume_token,written";

    public const string SnapshotColumns = "name,guid,createtxg,creation,ivsetguid,userrefs";
    public const string BookmarkColumns = "name,guid,createtxg,creation,ivsetguid";
    public const string PropertyColumns = "property,value,source";
    public const string PoolColumns = "property,value";

    const string FeaturePrefix = "feature@";

    public static ZfsDataset Dataset(string line)
    {
        var fields = Split("zfs list", line, 12);
        return new(
            fields[0],
            fields[1] switch
            {
                "filesystem" => DatasetKind.Filesystem,
                "volume" => DatasetKind.Volume,
                _ => throw ZfsException.Unreadable("zfs list", line, "neither a filesystem nor a volume"),
            },
            Number("zfs list", line, fields[2]),
            // A pool without the feature of encryption has no such properties.
            fields[3] is "-" ? "off" : fields[3],
            NumberOrNone("zfs list", line, fields[4]),
            fields[5] is "-" ? "none" : fields[5],
            TextOrNone(fields[6]),
            TextOrNone(fields[7]) is "none" ? "" : TextOrNone(fields[7]),
            TextOrNone(fields[8]),
            fields[9] is "yes",
            TextOrNone(fields[10]),
            (long)NumberOrNone("zfs list", line, fields[11]));
    }

    public static ZfsSnapshot Snapshot(string line)
    {
        var fields = Split("zfs list", line, 6);
        return new(
            fields[0],
            Number("zfs list", line, fields[1]),
            Number("zfs list", line, fields[2]),
            (long)Number("zfs list", line, fields[3]),
            NumberOrNone("zfs list", line, fields[4]),
            (long)NumberOrNone("zfs list", line, fields[5]));
    }

    public static ZfsBookmark Bookmark(string line)
    {
        var fields = Split("zfs list", line, 5);
        return new(
            fields[0],
            Number("zfs list", line, fields[1]),
            Number("zfs list", line, fields[2]),
            (long)Number("zfs list", line, fields[3]),
            NumberOrNone("zfs list", line, fields[4]));
    }

    /// <summary>Dataset, value and source of one property; the value may hold anything, so the outer tabs count.</summary>
    public static (string Dataset, string Value, string Source) PropertyOf(string line) => SplitOuter("zfs get", line);

    /// <summary>Snapshot, tag and time; a tag may hold anything, so the outer tabs count.</summary>
    public static ZfsHold Hold(string line)
    {
        var (snapshot, tag, _) = SplitOuter("zfs holds", line);
        return new(snapshot, tag);
    }

    /// <summary>
    /// All properties of a dataset. The value of a user property may hold tabs and line breaks, so lines are put together until
    /// they end in a source; and behind the first user property only names with a colon begin another one, so that none
    /// of them can pass itself off as a native property.
    /// </summary>
    public static IReadOnlyList<ZfsProperty> Properties(IEnumerable<string> lines)
    {
        var properties = new List<ZfsProperty>();
        var pending = "";
        foreach (var line in lines)
        {
            if (pending.Length == 0)
            {
                pending = line;
            }
            else if (IsWhole(pending) && IsBeginning(line, behindUserProperty: NameOf(pending).Contains(':', StringComparison.Ordinal)))
            {
                properties.Add(Property(pending));
                pending = line;
            }
            else
            {
                pending += "\n" + line;
            }
        }

        if (pending.Length > 0) properties.Add(Property(pending));
        return properties;
    }

    /// <summary>A pool, from all that <c>zpool get</c> shows of it.</summary>
    public static ZfsPool Pool(string name, IEnumerable<string> lines)
    {
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            var fields = Split("zpool get", line, 2);
            properties[fields[0]] = fields[1];
        }

        return new(
            name,
            Number("zpool get", $"guid\t{properties.GetValueOrDefault("guid")}", properties.GetValueOrDefault("guid", "")),
            (long)Number("zpool get", $"free\t{properties.GetValueOrDefault("free")}", properties.GetValueOrDefault("free", "")),
            properties
                .Where(property => property.Key.StartsWith(FeaturePrefix, StringComparison.Ordinal))
                .ToDictionary(property => property.Key[FeaturePrefix.Length..], property => property.Value, StringComparer.Ordinal));
    }

    /// <summary>The total of <c>zfs send -nvP</c>; null when it prints none.</summary>
    public static long? Estimate(IEnumerable<string> lines)
    {
        var total = lines.LastOrDefault(line => line.StartsWith("size\t", StringComparison.Ordinal));
        return total is null ? null : (long)Number("zfs send", total, Split("zfs send", total, 2)[1]);
    }

    /// <summary>The two lines of <c>zfs version</c>.</summary>
    public static ZfsVersionText Version(IReadOnlyList<string> lines) => lines is [var userland, var kernel]
        ? new(userland, kernel)
        : throw ZfsException.Unreadable("zfs version", string.Join('\n', lines), "one line for the userland and one for the kernel were expected");

    public static ulong Guid(string line) => Number("zfs get", line, line);

    static ZfsProperty Property(string text)
    {
        var (name, value, source) = SplitOuter("zfs get", text);
        return IsSource(source) ? new(name, value, source) : throw ZfsException.Unreadable("zfs get", text, "the last field is not the source of a property");
    }

    static bool IsWhole(string text) =>
        text.IndexOf('\t', StringComparison.Ordinal) is var first && text.LastIndexOf('\t') is var last && first < last && IsSource(text[(last + 1)..]);

    static bool IsBeginning(string line, bool behindUserProperty) =>
        NameOf(line) is { Length: > 0 } name && (!behindUserProperty || name.Contains(':', StringComparison.Ordinal));

    static string NameOf(string line) => line.IndexOf('\t', StringComparison.Ordinal) is > 0 and var tab ? line[..tab] : "";

    static bool IsSource(string text) =>
        text is "-" or "local" or "default" or "received" or "temporary" || text.StartsWith("inherited from ", StringComparison.Ordinal);

    static (string First, string Middle, string Last) SplitOuter(string command, string text)
    {
        var first = text.IndexOf('\t', StringComparison.Ordinal);
        var last = text.LastIndexOf('\t');
        return first < last
            ? (text[..first], text[(first + 1)..last], text[(last + 1)..])
            : throw ZfsException.Unreadable(command, text, "3 fields were expected");
    }

    static string[] Split(string command, string line, int count)
    {
        var fields = line.Split('\t');
        return fields.Length == count
            ? fields
            : throw ZfsException.Unreadable(command, line, string.Create(CultureInfo.InvariantCulture, $"{fields.Length} fields where {count} were expected"));
    }

    static ulong Number(string command, string line, string field) =>
        ulong.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw ZfsException.Unreadable(command, line, $"'{field}' is not a number");

    static ulong NumberOrNone(string command, string line, string field) => field is "-" ? 0 : Number(command, line, field);

    static string TextOrNone(string field) => field is "-" ? "" : field;
}
