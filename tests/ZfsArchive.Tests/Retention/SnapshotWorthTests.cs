using ZfsArchive.Retention;

namespace ZfsArchive.Tests.Retention;

public sealed class SnapshotWorthTests
{
    static readonly DateTimeOffset s_wall = new(2026, 11, 21, 12, 30, 0, TimeSpan.Zero);

    static List<DatedSnapshot> Every(TimeSpan apart, int count, DateTimeOffset last) =>
        [.. Enumerable.Range(0, count).Select(i => new DatedSnapshot((ulong)i + 1, (ulong)(last - ((count - 1 - i) * apart)).ToUnixTimeSeconds(), i))];

    static IEnumerable<DateTime> Kept(SnapshotWorth worth, IEnumerable<DatedSnapshot> snapshots) =>
        snapshots.Where(s => !worth.Reasons(s.Guid).IsEmpty).Select(s => DateTimeOffset.FromUnixTimeSeconds((long)s.Creation).UtcDateTime);

    [Fact]
    public void Of_each_period_the_first_is_kept_and_the_newest_of_all()
    {
        var hourly = Every(TimeSpan.FromHours(1), 24 * 40, new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));
        var worth = new SnapshotWorth(new(Hourly: 3, Daily: 2, Weekly: 2, Monthly: 2), hourly, s_wall);
        Assert.Equal(
            [
                new(2026, 10, 12, 13, 0, 0),      // the first of October that there is
                new(2026, 11, 1, 0, 0, 0),
                new(2026, 11, 9, 0, 0, 0), new(2026, 11, 16, 0, 0, 0),      // Mondays
                new(2026, 11, 20, 0, 0, 0), new(2026, 11, 21, 0, 0, 0),
                new(2026, 11, 21, 10, 0, 0), new(2026, 11, 21, 11, 0, 0), new DateTime(2026, 11, 21, 12, 0, 0),
            ], Kept(worth, hourly));
        Assert.Equal("the newest, hourly 1 of 3", string.Join(", ", worth.Reasons(hourly[^1].Guid)));
    }

    [Fact]
    public void Periods_without_snapshots_do_not_count()
    {
        var yearly = Every(TimeSpan.FromDays(365), 6, s_wall);
        var worth = new SnapshotWorth(new(Daily: 4), yearly, s_wall);
        Assert.Equal(4, Kept(worth, yearly).Count());
    }

    [Fact]
    public void Last_and_within_count_from_the_newest()
    {
        var daily = Every(TimeSpan.FromDays(1), 30, s_wall.AddDays(-100));
        Assert.Equal(5, Kept(new(new(Last: 5), daily, s_wall), daily).Count());
        Assert.Equal(8, Kept(new(new(Within: TimeSpan.FromDays(7)), daily, s_wall), daily).Count());
    }

    [Fact]
    public void An_empty_policy_wants_everything()
    {
        var daily = Every(TimeSpan.FromDays(1), 30, s_wall);
        Assert.Equal(30, Kept(new(new(), daily, s_wall), daily).Count());
    }

    [Fact]
    public void A_snapshot_of_the_future_is_kept_and_takes_no_place()
    {
        var daily = Every(TimeSpan.FromDays(1), 10, s_wall.AddDays(3).AddHours(-1));
        var worth = new SnapshotWorth(new(Last: 2), daily, s_wall);
        Assert.Equal([6ul, 7, 8, 9, 10], daily.Where(s => !worth.Reasons(s.Guid).IsEmpty).Select(s => s.Guid));
        Assert.True(worth.IsFuture(8));
        Assert.Equal(daily[6].Creation, (ulong)new DateTimeOffset(worth.Now).ToUnixTimeSeconds());
    }

    [Theory]
    [InlineData("1970-01-02")]
    [InlineData("2026-11-01")]
    [InlineData("2099-01-01")]
    [InlineData("9999-12-31")]
    public void No_clock_makes_more_go_than_the_right_one(string clock)
    {
        var daily = Every(TimeSpan.FromDays(1), 60, s_wall.AddHours(-1));
        var policy = new RetentionPolicy(Last: 1, Daily: 7, Weekly: 4, Within: TimeSpan.FromDays(2));
        var right = new SnapshotWorth(policy, daily, s_wall);
        var wrong = new SnapshotWorth(policy, daily, DateTimeOffset.Parse(clock, System.Globalization.CultureInfo.InvariantCulture));
        var oneToo = daily.Where(s => !right.Reasons(s.Guid).IsEmpty && wrong.Reasons(s.Guid).IsEmpty).ToList();
        // A clock that is behind puts what it does not know yet aside, and counts among the rest: those that it keeps are more.
        Assert.True(daily.Count(s => !wrong.Reasons(s.Guid).IsEmpty) >= daily.Count(s => !right.Reasons(s.Guid).IsEmpty));
        Assert.Empty(oneToo);
    }

    [Fact]
    public void Fewer_snapshots_in_sight_never_make_another_one_go()
    {
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            var all = Enumerable.Range(0, random.Next(1, 80)).Select(_ => (ulong)s_wall.AddMinutes(-random.Next(0, 600_000)).ToUnixTimeSeconds()).Distinct().Order()
                .Select((creation, i) => new DatedSnapshot((ulong)i + 1, creation, i)).ToList();
            var policy = new RetentionPolicy(random.Next(3), random.Next(5), random.Next(5), random.Next(4), random.Next(4), random.Next(2), random.Next(2) == 0 ? null : TimeSpan.FromHours(random.Next(1, 900)));
            var seen = all.Where(_ => random.Next(4) > 0).ToList();
            var (whole, part) = (new SnapshotWorth(policy, all, s_wall), new SnapshotWorth(policy, seen, s_wall));
            foreach (var snapshot in seen.Where(s => !whole.Reasons(s.Guid).IsEmpty)) Assert.NotEmpty(part.Reasons(snapshot.Guid));
        }
    }

    [Fact]
    public void What_is_not_wanted_once_is_never_wanted_again()
    {
        var policy = new RetentionPolicy(Last: 2, Hourly: 5, Daily: 4, Weekly: 3, Monthly: 3);
        var all = Every(TimeSpan.FromMinutes(45), 3000, s_wall);
        var gone = new HashSet<ulong>();
        for (var n = 1; n <= all.Count; n += 16)
        {
            var worth = new SnapshotWorth(policy, all[..n], DateTimeOffset.FromUnixTimeSeconds((long)all[n - 1].Creation));
            foreach (var snapshot in all[..n])
            {
                if (worth.Reasons(snapshot.Guid).IsEmpty) gone.Add(snapshot.Guid);
                else Assert.DoesNotContain(snapshot.Guid, gone);
            }
        }
    }

    [Fact]
    public void How_long_one_is_kept_is_known_when_it_is_taken()
    {
        var policy = new RetentionPolicy(Hourly: 24, Daily: 7, Monthly: 12);
        var hourly = Every(TimeSpan.FromHours(1), 24 * 30, new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));
        var worth = new SnapshotWorth(policy, hourly, s_wall);
        Assert.Equal(new(2026, 11, 22, 12, 0, 0), worth.KeptUntil(hourly[^1].Guid));
        Assert.Equal(new(2026, 11, 28, 0, 0, 0), worth.KeptUntil(hourly[^13].Guid));
        Assert.Equal(new(2027, 11, 1, 0, 0, 0), worth.KeptUntil(hourly.Single(s => s.Creation == (ulong)new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds()).Guid));
        Assert.Equal(DateTime.MaxValue, new SnapshotWorth(new(), hourly, s_wall).KeptUntil(1));
    }
}
