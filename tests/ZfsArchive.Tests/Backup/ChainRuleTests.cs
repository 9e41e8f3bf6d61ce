using ZfsArchive.Backup;
using ZfsArchive.Manifests;
using ZfsArchive.Retention;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Backup;

/// <summary>How chains grow: what each archive is based on, and when a new full begins another chain.</summary>
public sealed class ChainRuleTests
{
    static readonly DateTimeOffset s_begin = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);     // a Monday
    static readonly RetentionPolicy s_retention = new(Hourly: 24, Daily: 7, Weekly: 4);
    static readonly BackupPolicy s_policy = new(FirstArchive.Oldest, false, false, false) { Retention = s_retention };

    static ZfsSnapshot Hour(int n) => new($"tank/a@h{n}", (ulong)n + 1, (ulong)n + 1, s_begin.AddHours(n).ToUnixTimeSeconds(), (ulong)n + 1, 0);

    static BackupPlan Plan(IEnumerable<ZfsSnapshot> snapshots, BackupPolicy policy, IEnumerable<ZfsBookmark>? bookmarks = null, params ArchiveEntry[] archived) =>
        BackupPlanner.Plan(new(Archives.Source(), 1, [.. snapshots], [.. bookmarks ?? []], null, null), Archives.Catalog(archived), policy);

    static string? BaseOf(BackupPlan plan, int hour) => plan.Steps.Single(s => s.Snapshot.Name == $"tank/a@h{hour}").Base?.Name;

    [Fact]
    public void In_a_tiered_chain_hours_are_leaves_of_days_and_days_of_weeks()
    {
        var plan = Plan(Enumerable.Range(0, 24 * 9).Select(Hour), s_policy with { Chain = new(ChainKind.Tiered, null, null) });
        Assert.Null(BaseOf(plan, 0));
        Assert.All(Enumerable.Range(1, 23), h => Assert.Equal("tank/a@h0", BaseOf(plan, h)));
        Assert.Equal("tank/a@h0", BaseOf(plan, 24));
        Assert.Equal("tank/a@h24", BaseOf(plan, 30));
        Assert.Equal("tank/a@h0", BaseOf(plan, 48));
        Assert.Equal("tank/a@h0", BaseOf(plan, 24 * 7));      // the next Monday: nothing is kept longer
        Assert.Equal($"tank/a@h{24 * 7}", BaseOf(plan, 24 * 8));
    }

    [Fact]
    public void Without_a_policy_a_tiered_chain_is_linear()
    {
        var plan = Plan(Enumerable.Range(0, 20).Select(Hour), s_policy with { Chain = new(ChainKind.Tiered, null, null), Retention = new() });
        Assert.All(Enumerable.Range(1, 19), h => Assert.Equal($"tank/a@h{h - 1}", BaseOf(plan, h)));
    }

    [Theory]
    [InlineData(ChainKind.Linear)]
    [InlineData(ChainKind.Tiered)]
    public void A_chain_that_is_long_enough_is_followed_by_a_full(ChainKind kind)
    {
        var plan = Plan(Enumerable.Range(0, 24 * 60).Select(Hour), s_policy with { Chain = new(kind, null, 5) });
        var lengths = new Dictionary<string, int>();
        foreach (var step in plan.Steps) lengths[step.Snapshot.Name] = step.Base is null ? 1 : lengths[step.Base.Name] + 1;
        Assert.Equal(5, lengths.Values.Max());
        Assert.Contains(plan.Steps, s => s.Why == "a full: the chain would have 6 archives, and 5 are allowed");
    }

    [Theory]
    [InlineData(ChainKind.Linear)]
    [InlineData(ChainKind.Tiered)]
    public void A_chain_that_is_old_enough_is_followed_by_one_full_and_not_by_many(ChainKind kind)
    {
        var plan = Plan(Enumerable.Range(0, 24 * 60).Select(Hour), s_policy with { Chain = new(kind, TimeSpan.FromDays(30), null) });
        var fulls = plan.Steps.Where(s => s.Base is null).Select(s => s.Snapshot.Name).ToList();
        Assert.Equal(["tank/a@h0", "tank/a@h721"], fulls);
        Assert.Contains("are allowed", plan.Steps.Single(s => s.Snapshot.Name == "tank/a@h721").Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Tiers_go_on_from_bookmarks_of_what_is_archived()
    {
        ArchiveEntry Archived(int hour, int? from) => PruneWorld.Entry((ulong)hour + 1, s_begin.AddHours(hour), from is { } f ? PruneWorld.Entry((ulong)f + 1, s_begin.AddHours(f), null) : null);
        var bookmarks = new[] { 0, 24, 25 }.Select(h => new ZfsBookmark($"tank/a#b{h}", (ulong)h + 1, (ulong)h + 1, s_begin.AddHours(h).ToUnixTimeSeconds(), (ulong)h + 1));
        var plan = Plan([Hour(26)], s_policy with { Chain = new(ChainKind.Tiered, null, null) }, bookmarks, Archived(0, null), Archived(24, 0), Archived(25, 24));
        Assert.Equal("tank/a#b24", BaseOf(plan, 26));
        Assert.Equal("from tank/a#b24: the newest that is kept at least as long", plan.Steps[0].Why);
    }

    [Fact]
    public void Only_what_fits_is_archived()
    {
        var snapshots = Enumerable.Range(0, 48).Select(Hour).ToList();
        Assert.Equal(["tank/a@h0", "tank/a@h24", "tank/a@h47"], Plan(snapshots, s_policy with { Retention = new(Daily: 7), Filter = new([], [], SnapshotChoice.Wanted) }).Steps.Select(s => s.Snapshot.Name));
        Assert.Equal(["tank/a@h47"], Plan(snapshots, s_policy with { Filter = SnapshotFilter.Everything with { Choice = SnapshotChoice.Newest } }).Steps.Select(s => s.Snapshot.Name));
        Assert.Equal(["tank/a@h1", "tank/a@h21"], Plan(snapshots, s_policy with { Filter = new(["h1", "h2?"], ["h20", "h22", "h23", "h24", "h25", "h26", "h27", "h28", "h29"], SnapshotChoice.All) }).Steps.Select(s => s.Snapshot.Name));
    }
}
