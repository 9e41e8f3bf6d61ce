using System.Globalization;
using System.Text.RegularExpressions;
using ZfsArchive.Stores;

namespace ZfsArchive.Config;

/// <summary>How a kind of value is written.</summary>
/// <param name="Wanted">For faults: what is taken.</param>
/// <param name="Read">Null when the text is not of this kind.</param>
sealed record ScalarKind<T>(string Wanted, Func<string, T?> Read)
    where T : struct;

/// <summary>The kinds of values in a configuration, and how they are written.</summary>
static partial class ScalarKinds
{
    const long SecondsOfDay = 86400;
    const long LongestSeconds = 100 * 365 * SecondsOfDay;

    // The longest first, for writing; weeks are read only.
    static readonly (string Unit, long Seconds)[] s_units = [("y", 365 * SecondsOfDay), ("d", SecondsOfDay), ("h", 3600), ("m", 60), ("s", 1)];

    public static ScalarKind<bool> Flag { get; } = new("true or false", text => text.ToLowerInvariant() switch
    {
        "true" or "yes" => true,
        "false" or "no" => false,
        _ => null,
    });

    public static ScalarKind<TimeSpan> Duration { get; } = new("a duration: a whole number of s, m (minutes), h, d, w or y, such as 10m, 36h or 30d", ReadDuration);

    public static ScalarKind<long> Size { get; } = new("a size: a whole number of K, M, G or T, such as 100G", ReadSize);

    public static ScalarKind<double> Part { get; } = new("a part from 1% to 100%, such as 50%", ReadPart);

    public static ScalarKind<long> Rate { get; } = new(StoreKey.RateWanted, StoreKey.ReadRate);

    public static ScalarKind<int> Number(int least, int most) => new($"a number from {least} to {most}", text => StoreKey.ReadNumber(text, least, most));

    /// <summary>One of the words, as its place among them.</summary>
    public static ScalarKind<int> Word(params string[] words) => new($"{string.Join(", ", words[..^1])} or {words[^1]}", text => Array.IndexOf(words, text) is >= 0 and var at ? at : null);

    public static string Write(TimeSpan duration)
    {
        var seconds = (long)duration.TotalSeconds;
        var (unit, length) = s_units.First(u => seconds % u.Seconds == 0);
        return string.Create(CultureInfo.InvariantCulture, $"{seconds / length}{unit}");
    }

    public static string WriteSize(long bytes)
    {
        var power = 40;
        while (bytes % (1L << power) != 0) power -= 10;
        return string.Create(CultureInfo.InvariantCulture, $"{bytes >> power}{(power == 0 ? "" : "KMGT"[power / 10 - 1])}");
    }

    public static string WritePart(double part) => string.Create(CultureInfo.InvariantCulture, $"{part * 100:0.######}%");

    static TimeSpan? ReadDuration(string text)
    {
        if (DurationText().Match(text) is not { Success: true } match || !long.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        var unit = match.Groups[2].Value is "w" ? 7 * SecondsOfDay : s_units.First(u => u.Unit == match.Groups[2].Value).Seconds;
        return number > 0 && number <= LongestSeconds / unit ? TimeSpan.FromSeconds(number * unit) : null;
    }

    static long? ReadSize(string text)
    {
        if (SizeText().Match(text) is not { Success: true } match || !long.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        var power = match.Groups[2].Value is { Length: > 0 } unit ? 10 * ("KMGT".IndexOf(unit, StringComparison.OrdinalIgnoreCase) + 1) : 0;
        return number > 0 && number <= long.MaxValue >> power ? number << power : null;
    }

    static double? ReadPart(string text) =>
        text.EndsWith('%') && StoreKey.ReadNumber(text[..^1], 1, 100) is { } percent ? percent / 100.0 : null;

    [GeneratedRegex(@"\A([0-9]{1,12}) ?([smhdwy])\z")]
    private static partial Regex DurationText();

    [GeneratedRegex(@"\A([0-9]{1,15}) ?([KMGTkmgt]?)\z")]
    private static partial Regex SizeText();
}
