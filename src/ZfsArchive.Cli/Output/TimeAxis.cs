using System.Collections.Immutable;
using System.Globalization;

namespace ZfsArchive.Cli.Output;

/// <summary>Where times are on a drawing, and the dates below it.</summary>
sealed record TimeAxis(DateTimeOffset From, DateTimeOffset To)
{
    /// <summary>What the drawings measure, in units of their own.</summary>
    public const double Width = 960, Left = 26, Right = 934;

    const int MostTicks = 8;

    static readonly TimeSpan[] s_steps =
    [
        TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1), TimeSpan.FromHours(3), TimeSpan.FromHours(6), TimeSpan.FromHours(12), TimeSpan.FromDays(1), TimeSpan.FromDays(2), TimeSpan.FromDays(7), TimeSpan.FromDays(14),
    ];

    static readonly int[] s_months = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 12000];

    /// <summary>From the first to the last of them.</summary>
    public static TimeAxis Of(IEnumerable<DateTimeOffset> times)
    {
        var (first, last) = (DateTimeOffset.MaxValue, DateTimeOffset.MinValue);
        foreach (var time in times) (first, last) = (time < first ? time : first, time > last ? time : last);
        return first > last ? new(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch) : new(first, last);
    }

    public double At(DateTimeOffset time) => To == From ? (Left + Right) / 2 : Left + (Right - Left) * ((time - From) / (To - From));

    /// <summary>Round times, with a text for each that is as exact as they are.</summary>
    public ImmutableArray<(DateTimeOffset Time, string Text)> Ticks()
    {
        if (To == From) return [(From, Written(From, "yyyy-MM-dd HH:mm"))];
        foreach (var step in s_steps)
            if ((To - From) / step <= MostTicks) return [.. Every(step).Select(t => (t, Written(t, step < TimeSpan.FromDays(1) ? (t.TimeOfDay == TimeSpan.Zero ? "yyyy-MM-dd" : "HH:mm") : "yyyy-MM-dd")))];
        var months = s_months.First(m => m == s_months[^1] || (To - From).TotalDays / (m * 30.44) <= MostTicks);
        return [.. EveryMonths(months).Select(t => (t, Written(t, months < 12 ? "yyyy-MM" : "yyyy")))];
    }

    /// <summary>The line and the dates below it.</summary>
    public void Add(PageWriter page, double top, double bottom)
    {
        page.AddMarkup("<g class=\"axis\">");
        foreach (var (time, text) in Ticks())
        {
            var x = At(time);
            var anchor = x < 60 ? "start" : x > Width - 60 ? "end" : "middle";
            page.Add($"<path d=\"M{x} {top}V{bottom}\"/><text x=\"{(x < 60 ? double.Max(2, x - 20) : x > Width - 60 ? double.Min(Width - 2, x + 20) : x)}\" y=\"{bottom + 15}\" text-anchor=\"{anchor}\">{text}</text>");
        }
        page.AddMarkup("</g>");
    }

    IEnumerable<DateTimeOffset> Every(TimeSpan step)
    {
        // Counted from a Monday.
        var origin = new DateTimeOffset(1, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (var ticks = ((From - origin).Ticks + step.Ticks - 1) / step.Ticks * step.Ticks; ticks <= (To - origin).Ticks; ticks += step.Ticks) yield return origin.AddTicks(ticks);
    }

    IEnumerable<DateTimeOffset> EveryMonths(int step)
    {
        for (var month = ((From.UtcDateTime.Year * 12) + From.UtcDateTime.Month - 1) / step * step; month / 12 <= To.UtcDateTime.Year && month / 12 <= 9999; month += step)
            if (month >= 12 && new DateTimeOffset(month / 12, (month % 12) + 1, 1, 0, 0, 0, TimeSpan.Zero) is var time && time >= From && time <= To) yield return time;
    }

    static string Written(DateTimeOffset time, string format) => time.UtcDateTime.ToString(format, CultureInfo.InvariantCulture);
}
