using System.Globalization;

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
