using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Verify;

/// <summary>What is verified when not everything can be: the longest ago first, and everything within a cycle.</summary>
public sealed class VerifyBudgetTests
{
    static readonly DateTimeOffset s_now = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    static ArchiveEntry Archive(ulong n, long chunks) =>
        Archives.Of(n) is var entry ? new(entry.Folder, entry.Name, entry.Head with { Totals = new(chunks, chunks * 100, 0), Created = entry.Head.Created with { At = s_now.AddDays(-(int)n) } }, entry.Sha256, 1) : null!;

    static VerifyTrace Looked(ArchiveEntry archive, int from, int to, params DamagedObject[] damaged) =>
        new([archive], new Dictionary<string, IReadOnlyList<int>> { [archive.Id] = [.. Enumerable.Range(from, to - from).Reverse()] }, damaged);

    [Fact]
    public void Within_a_cycle_everything_is_looked_at_once_whatever_its_sizes()
    {
        ArchiveEntry[] archives = [Archive(1, 3), Archive(2, 1000), Archive(3, 1), Archive(4, 77)];
        var history = new VerifyHistory(null);
        var budget = new VerifyBudget(null, null, TimeSpan.FromDays(30));
        long most = 0;
        for (var night = 0; night < 90; night++)
        {
            var now = s_now.AddDays(night);
            var plan = VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, budget, now);
            most = long.Max(most, plan.Bytes);
            Assert.NotEmpty(plan.Parts);
            foreach (var part in plan.Parts) history.Add(Looked(part.Archive, (int)part.From, (int)part.To), VerifyLevel.Stream, now);
            if (night >= 30) Assert.All(archives, a => Assert.True(now - history.VerifiedAt(a, VerifyLevel.Stream) <= TimeSpan.FromDays(30), $"{a} in night {night}"));
        }
        Assert.True(most < 2 * 108_100 / 30, $"{most} bytes in one night");
    }

    [Fact]
    public void Nights_that_did_not_happen_are_made_up_for_and_hours_take_an_hours_share()
    {
        ArchiveEntry[] archives = [Archive(1, 3000)];
        var history = new VerifyHistory(null);
        var budget = new VerifyBudget(null, null, TimeSpan.FromDays(30));
        history.Add(Looked(archives[0], 0, 3000), VerifyLevel.Stream, s_now);
        Assert.Equal(10_000, VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, budget, s_now.AddDays(1)).Bytes);
        Assert.Equal(50_000, VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, budget, s_now.AddDays(5)).Bytes);
        Assert.Equal(500, VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, budget, s_now.AddHours(1)).Bytes, 100.0);
        Assert.Equal(300_000, VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, budget, s_now.AddDays(200)).Bytes);
    }

    [Fact]
    public void What_was_found_damaged_has_its_turn_and_at_most_half_of_the_bytes()
    {
        ArchiveEntry[] archives = [Archive(1, 1000), Archive(2, 1000)];
        DamagedObject[] lost = [.. Enumerable.Range(0, 1000).Select(i => new DamagedObject($"archives/x/{new ChunkName(i, new('a', 64)).Text}", "it is gone", VerifyLevel.Objects, s_now))];
        var history = new VerifyHistory(null);
        history.Add(Looked(archives[0], 0, 1000, [.. lost.Select(d => d with { Object = Layout.Chunk(archives[0].Folder, archives[0].Name, Path.GetFileName(d.Object)) })]), VerifyLevel.Stream, s_now);
        history.Add(Looked(archives[1], 0, 1000), VerifyLevel.Stream, s_now);
        var plan = VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, new(null, 20_000, null), s_now.AddDays(1));
        Assert.Equal(20_000, plan.Bytes);
        Assert.Equal(100, plan.Parts.Where(p => p.Archive == archives[0]).Sum(p => p.To - p.From));
        Assert.Equal(100, plan.Parts.Where(p => p.Archive == archives[1]).Sum(p => p.To - p.From));

        var all = VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, new(1, null, null), s_now.AddDays(1));
        Assert.Equal(200_000, all.Bytes);
        Assert.All(archives, a => Assert.Equal(Enumerable.Range(0, 1000).Select(i => (long)i), all.Parts.Where(p => p.Archive == a).SelectMany(p => Enumerable.Range((int)p.From, (int)(p.To - p.From))).Select(i => (long)i).Order()));
    }

    [Fact]
    public void What_cannot_be_done_is_said()
    {
        var plan = VerifyPlanner.Plan([Archive(1, 3000)], new(null), VerifyLevel.Stream, new(null, 1000, TimeSpan.FromDays(30)), s_now);
        Assert.Equal(1000, plan.Bytes);
        Assert.Equal("at so many bytes a night it takes 300 days to verify everything, not 30", plan.Warning);
    }

    [Fact]
    public void What_was_never_looked_at_comes_first_and_then_the_oldest()
    {
        ArchiveEntry[] archives = [Archive(1, 10), Archive(2, 10)];
        var history = new VerifyHistory(null);
        history.Add(Looked(archives[0], 0, 10), VerifyLevel.Stream, s_now.AddDays(-3));
        history.Add(Looked(archives[1], 2, 6), VerifyLevel.Stream, s_now.AddDays(-2));
        history.Add(Looked(archives[0], 3, 4), VerifyLevel.Stream, s_now.AddDays(-1));
        var parts = VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, new(null, 100_000, null), s_now).Parts;
        Assert.Equal(
            [(archives[1].Id, 0L, 2L), (archives[1].Id, 6, 10), (archives[0].Id, 0, 3), (archives[0].Id, 4, 10), (archives[1].Id, 2, 6), (archives[0].Id, 3, 4)],
            parts.Select(p => (p.Archive.Id, p.From, p.To)));
        Assert.Equal([(archives[1].Id, 0L, 2L), (archives[1].Id, 6, 7)], VerifyPlanner.Plan(archives, history, VerifyLevel.Stream, new(0.15, null, null), s_now).Parts.Select(p => (p.Archive.Id, p.From, p.To)));
    }

    [Fact]
    public void A_shallower_look_does_not_hide_a_deeper_one_and_counts_where_there_was_none()
    {
        var archive = Archive(1, 10);
        var history = new VerifyHistory(null);
        history.Add(Looked(archive, 0, 6), VerifyLevel.Stream, s_now.AddDays(-9));
        history.Add(Looked(archive, 4, 10), VerifyLevel.Data, s_now);
        Assert.Equal(s_now.AddDays(-9), history.VerifiedAt(archive, VerifyLevel.Data));
        Assert.Null(history.VerifiedAt(archive, VerifyLevel.Stream));
        history.Add(Looked(archive, 6, 10), VerifyLevel.Stream, s_now);
        Assert.Equal(s_now.AddDays(-9), history.VerifiedAt(archive, VerifyLevel.Stream));
        Assert.Equal(2, history.Of(archive)!.Ranges.Count);
    }

    [Fact]
    public void Damage_is_remembered_until_it_is_looked_at_again()
    {
        var archive = Archive(1, 10);
        var key = Layout.Chunk(archive.Folder, archive.Name, $"000003-{new string('a', 64)}.zst");
        var missing = Layout.Chunk(archive.Folder, archive.Name, $"000007-{new string('b', 64)}.zst");
        var history = new VerifyHistory(null);
        history.Add(Looked(archive, 0, 5, new DamagedObject(key, "bad", VerifyLevel.Data, s_now), new DamagedObject(missing, "missing", VerifyLevel.Objects, s_now)), VerifyLevel.Stream, s_now);
        Assert.Contains(archive.Id, history.Damaged);
        history.Add(Looked(archive, 5, 6), VerifyLevel.Stream, s_now);
        Assert.Equal([key], history.Of(archive)!.Damaged.Select(d => d.Object));
        history.Add(Looked(archive, 3, 4), VerifyLevel.Objects, s_now);
        Assert.NotEmpty(history.Damaged);
        history.Add(Looked(archive, 3, 4), VerifyLevel.Data, s_now);
        Assert.Empty(history.Damaged);
    }

    [Fact]
    public async Task What_was_verified_is_kept_in_the_repository_and_where_nothing_may_be_written_beside_it()
    {
        using var world = await PruneWorld.NewAsync();
        var archive = await world.CommitAsync(PruneWorld.Entry(1, world.Store.Time, null));
        var repository = await world.OpenAsync();
        var catalog = await repository.CatalogAsync(default);
        var history = await VerifyRecords.LoadAsync(repository, default);
        Assert.Null(history.At);
        history.Add(Looked(archive, 0, 1), VerifyLevel.Stream, world.Store.Time);
        await VerifyRecords.SaveAsync(repository, history, catalog, "h", mayWrite: true, default);
        Assert.Equal(world.Store.Time, (await VerifyRecords.LoadAsync(repository, default)).VerifiedAt(archive, VerifyLevel.Stream));

        world.Move(TimeSpan.FromDays(1));
        history.Add(Looked(archive, 0, 1), VerifyLevel.Stream, world.Store.Time);
        await VerifyRecords.SaveAsync(repository, history, catalog, "h", mayWrite: false, default);
        Assert.Single(world.Store.Keys, k => k.StartsWith("records/", StringComparison.Ordinal));
        Assert.Equal(world.Store.Time, (await VerifyRecords.LoadAsync(repository, default)).VerifiedAt(archive, VerifyLevel.Stream));

        for (var i = 0; i < 9; i++)
        {
            world.Move(TimeSpan.FromDays(1));
            history.Add(Looked(archive, 0, 1), VerifyLevel.Stream, world.Store.Time);
            await VerifyRecords.SaveAsync(repository, history, catalog, "h", mayWrite: true, default);
        }
        Assert.InRange(world.Store.Keys.Count(k => k.StartsWith("records/", StringComparison.Ordinal)), 1, 6);
        // a record that is damaged is left for the one before it
        var newest = world.Store.Keys.Last(k => k.StartsWith("records/", StringComparison.Ordinal));
        world.Store[newest] = [1, 2, 3];
        Assert.NotNull((await VerifyRecords.LoadAsync(repository, default)).At);
    }
}
