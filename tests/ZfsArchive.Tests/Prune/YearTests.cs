using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Prune;

/// <summary>Hourly snapshots, archived and pruned every night, for as long as a year.</summary>
public sealed class YearTests
{
    const int Daily = 24;
    static readonly DateTimeOffset s_begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly RetentionPolicy s_short = new(Last: 3, Hourly: 24, Daily: 8, Weekly: 2);
    static readonly RetentionPolicy s_long = new(Hourly: 36, Daily: 10, Weekly: 6, Monthly: 12, Within: TimeSpan.FromHours(30));

    /// <returns>How many chunks lie there after each night.</returns>
    static async Task<List<int>> LiveAsync(int days, RetentionPolicy policy, ChainRule chain, PruneWorld world, NaiveRepository truth, Func<int> chunks, IObjectStore? store = null)
    {
        var source = new SourceWorld(world, policy, chain, store);
        var stored = new List<int>();
        for (var day = 0; day < days; day++)
        {
            for (var hour = 0; hour < Daily; hour++) source.Take(s_begin.AddDays(day).AddHours(hour).AddMinutes(hour % 7));
            world.MoveTo(s_begin.AddDays(day + 1).AddMinutes(20));
            await source.NightAsync();
            source.Destroy(left: 3);
            var report = await world.PruneAsync(policy, store: store);
            Assert.Equal(day == 0, report.IsFirstLook);
            var restorable = truth.Restorable();
            Assert.Empty(NaivePolicy.Wanted(policy, source.Archived, world.Wall.Now).Except(restorable));
            Assert.True(source.Bookmarks.Count <= (chain.Kind is ChainKind.Linear ? 3 : restorable.Count + 2 * Daily), $"{source.Bookmarks.Count} bookmarks");
            stored.Add(chunks());
        }
        return stored;
    }

    static async Task<List<int>> LiveInMemoryAsync(int days, RetentionPolicy policy, ChainRule chain)
    {
        using var world = await PruneWorld.NewAsync();
        return await LiveAsync(days, policy, chain, world, new(() => world.Store.Keys, k => world.Store[k]!), () => ChunksOf(world.Store.Keys));
    }

    static int ChunksOf(IEnumerable<string> keys) => keys.Count(k => k.StartsWith("archives/", StringComparison.Ordinal));

    [Fact]
    public async Task A_linear_chain_with_new_fulls_stays_below_a_ceiling()
    {
        var stored = await LiveInMemoryAsync(365, s_short, new(ChainKind.Linear, TimeSpan.FromDays(9), 300));
        // two weeks that are wanted, a chain of nine days that leads to them, and a week of grace
        Assert.InRange(stored.Max(), 14 * Daily, (14 + 9 + 7 + 2) * Daily);
        Assert.True(stored[200..].Max() <= stored[..200].Max() * 1.1, "it grows");
    }

    [Fact]
    public async Task A_tiered_chain_stays_below_a_ceiling_without_a_new_full()
    {
        var stored = await LiveInMemoryAsync(365, s_long, new(ChainKind.Tiered, null, null));
        // a week of grace, two days of hours, and a few for days, weeks and months
        Assert.InRange(stored.Max(), 7 * Daily, 12 * Daily);
        Assert.True(stored[200..].Max() <= stored[..200].Max() * 1.1, "it grows");
    }

    [Fact]
    public async Task A_tiered_chain_with_new_fulls_stays_below_a_ceiling()
    {
        var stored = await LiveInMemoryAsync(120, s_long, new(ChainKind.Tiered, TimeSpan.FromDays(45), 20));
        Assert.InRange(stored.Max(), 7 * Daily, 12 * Daily);
    }

    [Fact]
    public async Task A_linear_chain_without_new_fulls_never_shrinks()
    {
        var stored = await LiveInMemoryAsync(45, s_short, ChainRule.Endless);
        Assert.Equal(Enumerable.Range(1, 45).Select(day => day * Daily + 4), stored);
    }

    [Theory, InlineData(ChainKind.Linear), InlineData(ChainKind.Tiered)]
    public async Task In_a_directory_it_is_the_same(ChainKind kind)
    {
        using var world = await PruneWorld.NewAsync();
        using var temp = new TempFolder();
        var store = new DatedDirectory(temp.Path, world.Wall);
        await ArchiveRepository.InitAsync(store, world.Folders, world.Wall, default);
        var policy = s_short with { Daily = 5, Weekly = 0 };
        IEnumerable<string> Keys() => Directory.EnumerateFiles(temp.Path, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(temp.Path, f));
        var stored = await LiveAsync(14, policy, new(kind, TimeSpan.FromDays(4), 200), world, new(Keys, k => File.ReadAllBytes(Path.Combine(temp.Path, k))), () => ChunksOf(Keys()), store);
        Assert.InRange(stored.Max(), 7 * Daily, (5 + 4 + 7 + 2) * Daily);
    }

    /// <summary>A directory whose files are dated by the clock of the test.</summary>
    sealed class DatedDirectory(string folder, TimeProvider clock) : WrappingStore(new DirectoryStore(folder, clock))
    {
        public override async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
        {
            var outcome = await Inner.CreateAsync(key, body, cancel);
            if (outcome is CreateOutcome.Created) File.SetLastWriteTimeUtc(Path.Combine(folder, key.Text), clock.GetUtcNow().UtcDateTime);
            return outcome;
        }
    }
}
