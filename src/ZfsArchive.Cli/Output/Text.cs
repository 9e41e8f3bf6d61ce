using System.Globalization;
using ZfsArchive.Backup;

namespace ZfsArchive.Cli.Output;

/// <summary>Numbers and tables for people.</summary>
static class Text
{
    static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; value >= 1024 && unit < s_units.Length - 1; unit++) value /= 1024;
        return unit == 0 ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {s_units[unit]}");
    }

    public static string Time(ulong seconds) =>
        seconds > 253402300799 ? "?" : DateTimeOffset.FromUnixTimeSeconds((long)seconds).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string Time(DateTimeOffset? time, string never = "never") => time is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture) : never;

    /// <summary>Two figures or so: <c>40 min</c>, <c>5 h</c>, <c>12.5 d</c>.</summary>
    public static string Span(TimeSpan span) =>
        span < TimeSpan.Zero ? $"-{Span(span.Duration())}"
        : span.TotalMinutes < 100 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0} min")
        : span.TotalHours < 48 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0.#} h")
        : string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0.#} d");

    /// <summary>A part as percent that says 100 of the whole only, and 0 of nothing only.</summary>
    public static string Percent(double part, double whole) =>
        whole <= 0 || part >= whole ? "100 %"
        : part <= 0 ? "0 %"
        : string.Create(CultureInfo.InvariantCulture, $"{double.Clamp(100 * part / whole, 0.1, 99.9):0.#} %");

    /// <summary>What a faster run would need first, and the seconds of each stage.</summary>
    public static string Stages(StageSeconds stages) => string.Create(
        CultureInfo.InvariantCulture, $"the bottleneck was: {stages.Bottleneck} (read {stages.Read:0.0} s, waited {stages.Waited:0.0} s, packed {stages.Packed:0.0} s, stored {stages.Stored:0.0} s)");

    /// <summary>At most so many characters.</summary>
    public static string Clip(string text, int most) => text.Length <= most ? text : $"{text.AsSpan(0, most - (char.IsHighSurrogate(text[most - 2]) ? 2 : 1))}…";

    /// <summary>Rows as aligned columns, the first row being the headings; a column whose heading begins with '&gt;' is aligned right.</summary>
    public static IEnumerable<string> Table(IReadOnlyList<string[]> rows)
    {
        var right = rows[0].Select(h => h.StartsWith('>')).ToArray();
        var clean = rows.Select(r => r.Select(c => c.TrimStart('>')).ToArray()).ToList();
        var widths = Enumerable.Range(0, right.Length).Select(i => clean.Max(r => r[i].Length)).ToArray();
        return clean.Select(r => string.Join("  ", r.Select((cell, i) => right[i] ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]))).TrimEnd());
    }

    public static string Plural(long count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
