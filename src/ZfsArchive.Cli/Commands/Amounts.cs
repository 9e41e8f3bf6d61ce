using System.Globalization;
using ZfsArchive.Model;

namespace ZfsArchive.Cli.Commands;

/// <summary>Amounts as people write them on a command line; null in, null out.</summary>
static class Amounts
{
    /// <summary><c>100M</c>, <c>2G</c>, <c>1T</c>: bytes, in powers of 1024.</summary>
    public static long? Bytes(string option, string? text) =>
        text is null ? null
        : Number(text, "KMGT", out var number, out var unit) && number * (1L << (10 * (unit + 1))) is > 0 and < long.MaxValue ? (long)(number * (1L << (10 * (unit + 1))))
        : throw new ArchiveException(FailureKind.Usage, $"{option} takes bytes such as 500M, 100G or 1T, not '{text}'");

    /// <summary><c>90s</c>, <c>30m</c>, <c>36h</c>, <c>7d</c>.</summary>
    public static TimeSpan? Time(string option, string? text) =>
        text is null ? null
        : Number(text, "smhd", out var number, out var unit) && unit >= 0 && number > 0 && number * s_seconds[unit] < TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(number * s_seconds[unit])
        : throw new ArchiveException(FailureKind.Usage, $"{option} takes a time such as 90s, 30m, 36h or 7d, not '{text}'");

    /// <summary><c>5%</c> as 0.05.</summary>
    public static double? Share(string option, string? text) =>
        text is null ? null
        : text.EndsWith('%') && double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is > 0 and <= 100 ? percent / 100
        : throw new ArchiveException(FailureKind.Usage, $"{option} takes a part such as 5%, not '{text}'");

    static readonly double[] s_seconds = [1, 60, 3600, 86400];

    // The unit is its place among the units, -1 without one.
    static bool Number(string text, string units, out double number, out int unit)
    {
        unit = text.Length > 0 ? units.IndexOf(text[^1], StringComparison.Ordinal) : -1;
        return double.TryParse(unit < 0 ? text : text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
    }
}
