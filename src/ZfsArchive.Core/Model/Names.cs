using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ZfsArchive.Model;

/// <summary>
/// The folder of a dataset's archives: <c>slug_hex</c>. The slug is for people; the 16 hexadecimal digits (the dataset's
/// <c>guid</c> property) are the identity, so a rename keeps the folder.
/// </summary>
public sealed partial record DatasetFolder
{
    const int LongestSlug = 60;

    DatasetFolder(string text) => Text = text;

    public string Text { get; }

    /// <summary>The identity: the dataset's GUID, in the last 16 digits.</summary>
    public ulong Guid => ulong.Parse(Text.AsSpan(Text.Length - 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public static DatasetFolder Of(string datasetName, ulong guid) => new($"{Slug(datasetName)}_{guid:x16}");

    public static DatasetFolder? TryParse(string text) => Grammar().IsMatch(text) ? new(text) : null;

    static string Slug(string name)
    {
        var slug = new StringBuilder();
        foreach (var c in name.ToLowerInvariant().Take(LongestSlug)) slug.Append(c is >= 'a' and <= 'z' or >= '0' and <= '9' ? c : '-');
        return slug.Length == 0 ? "-" : slug.ToString();
    }

    [GeneratedRegex("\\A[a-z0-9-]{1,60}_[0-9a-f]{16}\\z")]
    private static partial Regex Grammar();

    public override string ToString() => Text;
}

/// <summary>
/// The name of an archive: the snapshot's creation, its GUID, and what it is based on; a further stream of the same edge has an
/// ordinal above 1 (<c>.2</c>, <c>.3</c>).
/// </summary>
/// <param name="CreationText">yyyyMMddTHHmmssZ (UTC); a time outside 1970 to 9999 is written as zeros.</param>
/// <param name="FromGuid">GUID of the base; null for a full.</param>
public sealed partial record ArchiveName(string CreationText, ulong ToGuid, ulong? FromGuid, int Ordinal)
{
    const string NoTime = "00000000T000000Z";
    const ulong LastSecond = 253402300799;

    public static ArchiveName Of(ulong creation, ulong toGuid, ulong fromGuid) =>
        new(TimeText(creation), toGuid, fromGuid == 0 ? null : fromGuid, 1);

    /// <summary>The name without its ordinal: all archives of one edge share it.</summary>
    public string Edge => FromGuid is { } from ? $"{CreationText}_{ToGuid:x16}_from_{from:x16}" : $"{CreationText}_{ToGuid:x16}_full";

    public string Text => Ordinal == 1 ? Edge : $"{Edge}.{Ordinal}";

    public static ArchiveName? TryParse(string text)
    {
        var match = Grammar().Match(text);
        if (!match.Success) return null;
        var ordinal = 1;
        if (match.Groups["n"].Success && !int.TryParse(match.Groups["n"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out ordinal)) return null;
        if (match.Groups["n"].Success && ordinal < 2) return null;
        return new(match.Groups["t"].Value, Hex("to"), match.Groups["from"].Success ? Hex("from") : null, ordinal);

        ulong Hex(string group) => ulong.Parse(match.Groups[group].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    static string TimeText(ulong creation) =>
        creation > LastSecond ? NoTime : DateTimeOffset.FromUnixTimeSeconds((long)creation).UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    [GeneratedRegex("\\A(?<t>[0-9]{8}T[0-9]{6}Z)_(?<to>[0-9a-f]{16})_(?:full|from_(?<from>[0-9a-f]{16}))(?:\\.(?<n>[1-9][0-9]{0,8}))?\\z")]
    private static partial Regex Grammar();

    public override string ToString() => Text;
}

/// <summary>The name of a chunk: its index in the stream and the SHA-256 of its stored bytes, so the name proves the content.</summary>
public sealed partial record ChunkName(int Index, string Sha256)
{
    public string Text => $"{Index:D6}-{Sha256}.zst";

    public static ChunkName? TryParse(string text)
    {
        var match = Grammar().Match(text);
        if (!match.Success || !int.TryParse(match.Groups["i"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var index)) return null;
        var name = new ChunkName(index, match.Groups["sha"].Value);
        return name.Text == text ? name : null;
    }

    [GeneratedRegex("\\A(?<i>[0-9]{6,10})-(?<sha>[0-9a-f]{64})\\.zst\\z")]
    private static partial Regex Grammar();

    public override string ToString() => Text;
}
