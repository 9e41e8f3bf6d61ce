using System.Collections.Immutable;

namespace ZfsArchive.Retention;

/// <summary>The periods that a policy counts in, by UTC; a week begins on Monday.</summary>
public enum Period
{
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// <summary>
/// Which snapshots of a dataset are wanted: of so many of the newest hours, days, weeks, months and years that have any, the first
/// snapshot of each. The first, and not the last, so that a snapshot's worth is known on the day it is taken: what is kept now
/// does not become superfluous by what comes later in the same period.
/// </summary>
/// <param name="Last">So many of the newest, whenever they were taken.</param>
/// <param name="Within">All that are not older than the newest by more than this; null for none.</param>
public sealed record RetentionPolicy(int Last = 0, int Hourly = 0, int Daily = 0, int Weekly = 0, int Monthly = 0, int Yearly = 0, TimeSpan? Within = null)
{
    /// <summary>Says nothing, and so removes nothing.</summary>
    public bool IsEmpty => this == new RetentionPolicy();

    /// <summary>Each period with how many of them are kept, the shortest first.</summary>
    public ImmutableArray<(Period Period, int Count)> Periods =>
        [(Period.Hour, Hourly), (Period.Day, Daily), (Period.Week, Weekly), (Period.Month, Monthly), (Period.Year, Yearly)];

    /// <summary>Wants all that either of two wants.</summary>
    public static RetentionPolicy MoreGenerous(RetentionPolicy one, RetentionPolicy other) => new(
        int.Max(one.Last, other.Last), int.Max(one.Hourly, other.Hourly), int.Max(one.Daily, other.Daily), int.Max(one.Weekly, other.Weekly), int.Max(one.Monthly, other.Monthly),
        int.Max(one.Yearly, other.Yearly), one.Within is null || other.Within > one.Within ? other.Within : one.Within);

    /// <summary>When the period began that a moment lies in.</summary>
    public static DateTime StartOf(Period period, DateTime utc) => period switch
    {
        Period.Hour => utc.Date.AddHours(utc.Hour),
        Period.Day => utc.Date,
        Period.Week => utc.Date.AddDays(-(((int)utc.DayOfWeek + 6) % 7)),
        Period.Month => new(utc.Year, utc.Month, 1, 0, 0, 0, DateTimeKind.Utc),
        _ => new(utc.Year, 1, 1, 0, 0, 0, DateTimeKind.Utc),
    };

    /// <summary>The beginning of the period that is so many later.</summary>
    public static DateTime After(Period period, DateTime start, int count) => period switch
    {
        Period.Hour => start.AddHours(count),
        Period.Day => start.AddDays(count),
        Period.Week => start.AddDays(7.0 * count),
        Period.Month => start.AddMonths(count),
        _ => start.AddYears(count),
    };

    /// <summary>In the words of the configuration, such as <c>hourly 24, daily 7</c>.</summary>
    public override string ToString()
    {
        var words = new List<string>();
        if (Last > 0) words.Add($"last {Last}");
        foreach (var (name, count) in new[] { ("hourly", Hourly), ("daily", Daily), ("weekly", Weekly), ("monthly", Monthly), ("yearly", Yearly) })
            if (count > 0) words.Add($"{name} {count}");
        if (Within is { } within) words.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"within {within.TotalDays:0.##} days"));
        return words.Count == 0 ? "everything" : string.Join(", ", words);
    }
}
