using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Prune;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Prune;

public sealed class PruneRunTests
{
    static readonly RetentionPolicy s_two = new(Last: 2);
    static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    static IEnumerable<string> Of(MemoryStore store, string prefix) => store.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Two chains in one dataset: the older one may go as soon as nothing of it is wanted.</summary>
    static async Task<(PruneWorld World, List<ArchiveEntry> Old, List<ArchiveEntry> New)> TwoChainsAsync()
    {
        var world = await PruneWorld.NewAsync();
        var old = await world.ChainAsync(4, s_day);
        return (world, old, await world.ChainAsync(3, s_day, firstGuid: 10));
    }

    [Fact]
    public async Task Manifests_go_at_once_and_chunks_after_the_grace_time()
    {
        var (world, old, kept) = await TwoChainsAsync();
        using var _ = world;
        var report = await world.PruneAsync(s_two);
        Assert.Equal(old.AsEnumerable().Reverse().Select(a => a.Id), report.Removed.Select(a => a.Id));
        Assert.Equal(kept.Select(a => Layout.Manifest(a.Folder, a.Name)), Of(world.Store, "manifests/").Where(k => !k.Contains("dataset-", StringComparison.Ordinal)));
        Assert.Equal(7, Of(world.Store, "archives/").Count());
        Assert.Single(Of(world.Store, "removed/"));
        Assert.Empty(Of(world.Store, "leases/"));
        Assert.Equal(Verdict.KeepForChain, report.Plan.Datasets[0].Decisions.Single(d => d.Archive.Id == kept[0].Id).Verdict);

        world.Move(TimeSpan.FromDays(6.9));
        Assert.Equal(0, (await world.PruneAsync(s_two)).ChunksRemoved);
        world.Move(TimeSpan.FromDays(0.2));
        var second = await world.PruneAsync(s_two);
        Assert.Equal((4, 0), (second.ChunksRemoved, second.BytesInGrace));
        Assert.Equal(3, Of(world.Store, "archives/").Count());
        Assert.Empty(await world.MissingChunksAsync());
    }

    [Fact]
    public async Task A_verification_does_not_miss_what_was_pruned_and_misses_what_was_not()
    {
        var (world, _, kept) = await TwoChainsAsync();
        using var __ = world;
        var repository = await world.OpenAsync();
        var memory = Path.Combine(world.Folders.State, $"{repository.Descriptor.Id}.seen");
        var before = File.ReadAllBytes(memory);
        await world.PruneAsync(s_two);
        // another host still remembers all of it
        File.WriteAllBytes(memory, before);
        Assert.True((await new VerifyRun(repository, VerifyLevel.Objects).ExecuteAsync(await repository.CatalogAsync(default), _ => true, default)).Sound);

        world.Store[Layout.Manifest(kept[2].Folder, kept[2].Name)] = null;
        var report = await new VerifyRun(repository, VerifyLevel.Objects).ExecuteAsync(await repository.CatalogAsync(default), _ => true, default);
        Assert.Contains(report.Findings, f => f.Reason.Contains("no prune recorded its removal", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_host_that_remembers_nothing_only_looks_at_first()
    {
        var (world, _, _) = await TwoChainsAsync();
        using var __ = world;
        using var temp = new TempFolder();
        var folders = new LocalFolders(temp["state"], temp["cache"]);
        var first = await world.PruneAsync(s_two, folders: folders);
        Assert.True(first.IsFirstLook);
        Assert.Empty(first.Removed);
        Assert.Equal(4, (await world.PruneAsync(s_two, folders: folders)).Removed.Length);
    }

    [Fact]
    public async Task More_than_half_is_held_back()
    {
        var (world, _, _) = await TwoChainsAsync();
        using var __ = world;
        var report = await world.PruneAsync(s_two, atMost: PruneRule.Half);
        Assert.Empty(report.Removed);
        Assert.Contains("4 of 7 snapshots of tank/a would go", report.Plan.Datasets[0].HeldBack, StringComparison.Ordinal);
        Assert.Contains("--yes", report.Plan.Datasets[0].HeldBack, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_policy_and_none_remove_nothing()
    {
        var (world, _, _) = await TwoChainsAsync();
        using var __ = world;
        Assert.Empty((await world.PruneAsync(new())).Removed);
        Assert.Empty((await world.PruneAsync(s_two, ruleOf: _ => new(null))).Removed);
    }

    [Fact]
    public async Task The_base_of_a_clone_in_another_dataset_stays()
    {
        using var world = await PruneWorld.NewAsync();
        var old = await world.ChainAsync(2, s_day);
        await world.ChainAsync(1, s_day, firstGuid: 20, dataset: "tank/clone", datasetGuid: 0xc1, from: old[1]);
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var report = await world.PruneAsync(new(Last: 1));
        Assert.Equal(["needed by tank/clone@s20"], report.Plan.Datasets[0].Decisions.Where(d => d.Archive.Head.Snapshot.Guid <= 2).Select(d => d.Why).Distinct());
        Assert.Empty(report.Removed);
    }

    [Fact]
    public async Task What_an_unreadable_manifest_is_based_on_stays()
    {
        using var world = await PruneWorld.NewAsync();
        var old = await world.ChainAsync(3, s_day);
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var key = Layout.Manifest(old[2].Folder, old[2].Name);
        world.Store[key] = [.. world.Store[key]!.Take(100)];
        var report = await world.PruneAsync(new(Last: 1));
        Assert.Empty(report.Removed);
        Assert.NotNull(world.Store[key]);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public async Task A_manifest_that_the_listing_leaves_out_stops_everything(int hidden)
    {
        var (world, old, kept) = await TwoChainsAsync();
        using var _ = world;
        using var temp = new TempFolder();
        var all = old.Concat(kept).ToList();
        var key = Layout.Manifest(all[hidden].Folder, all[hidden].Name);
        // this host has never seen it; and one that has
        foreach (var folders in new[] { new LocalFolders(temp["state"], temp["cache"]), world.Folders })
        {
            var repository = await world.OpenAsync(folders: folders);
            if (folders != world.Folders) new KnownHeads(folders, repository.Descriptor).Remember(all.Take(1));
            var failure = await Assert.ThrowsAsync<ArchiveException>(() => world.PruneAsync(s_two, store: new LeavingOut(world.Store, key), folders: folders));
            Assert.Equal(FailureKind.Damage, failure.Kind);
            Assert.Contains("nothing was removed", failure.Message, StringComparison.Ordinal);
        }
        Assert.Equal(7, Of(world.Store, "manifests/").Count(k => !k.Contains("dataset-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_an_interrupted_backup_left_goes_when_nobody_goes_on_with_it()
    {
        using var world = await PruneWorld.NewAsync();
        await world.ChainAsync(2, s_day);
        var left = PruneWorld.Entry(99, world.Store.Time, null);
        var key = Layout.Chunk(left.Folder, left.Name, $"000000-{new string('a', 64)}.zst");
        world.Store[key] = [1];
        await world.PruneAsync(s_two);
        Assert.Empty(Of(world.Store, "removed/"));
        world.Move(TimeSpan.FromDays(8));
        await world.PruneAsync(s_two);
        Assert.Single(Of(world.Store, "removed/"));
        Assert.NotNull(world.Store[key]);
        world.Move(TimeSpan.FromDays(8));
        Assert.Equal(1, (await world.PruneAsync(s_two)).ChunksRemoved);
        Assert.Null(world.Store[key]);
    }

    [Fact]
    public async Task Names_that_are_not_ours_stay()
    {
        var (world, old, _) = await TwoChainsAsync();
        using var __ = world;
        string[] strangers = [$"{Layout.ArchiveFolder(old[0].Folder, old[0].Name)}notes.txt", "archives/photos/cat.jpg", "manifests/readme", "removed/old.json", "mine.txt"];
        foreach (var key in strangers) world.Store[key] = [1];
        await world.PruneAsync(s_two);
        world.Move(TimeSpan.FromDays(8));
        Assert.Equal(4, (await world.PruneAsync(s_two)).ChunksRemoved);
        Assert.All(strangers, key => Assert.NotNull(world.Store[key]));
    }

    [Fact]
    public async Task Leftovers_beside_the_chunks_of_an_archive_go()
    {
        using var world = await PruneWorld.NewAsync();
        var chain = await world.ChainAsync(2, s_day);
        var key = Layout.Chunk(chain[0].Folder, chain[0].Name, $"000001-{new string('b', 64)}.zst");
        world.Store[key] = [1];
        world.Move(TimeSpan.FromDays(8));
        Assert.Equal(1, (await world.PruneAsync(s_two)).ChunksRemoved);
        Assert.Null(world.Store[key]);
        Assert.Empty(await world.MissingChunksAsync());
    }

    [Fact]
    public async Task A_prune_that_dies_anywhere_leaves_a_repository_that_is_whole_and_the_next_one_ends_it()
    {
        for (var dieAt = 1; ; dieAt++)
        {
            foreach (var after in new[] { false, true })
            {
                var (world, _, kept) = await TwoChainsAsync();
                using var __ = world;
                await world.PruneAsync(s_two);
                world.Move(TimeSpan.FromDays(8));
                await world.ChainAsync(2, s_day, firstGuid: 20);
                var failing = new FailingStore(world.Store, dieAt, after);
                var died = await Record.ExceptionAsync(() => world.PruneAsync(s_two, store: failing));
                if (!failing.Dead)
                {
                    Assert.Null(died);
                    Assert.True(dieAt > 8, $"only {dieAt} changes");
                    return;
                }
                Assert.Empty(await world.MissingChunksAsync());
                var catalog = await world.CatalogAsync();
                var paths = catalog.Graph.Paths();
                Assert.All(catalog.Graph.Archives, a => Assert.True(paths.Reaches(a)));
                world.Move(TimeSpan.FromHours(2));
                await world.PruneAsync(s_two);
                world.Move(TimeSpan.FromDays(8));
                await world.PruneAsync(s_two);
                Assert.Equal(["s20", "s21"], (await world.CatalogAsync()).Graph.Archives.Select(a => a.Head.Snapshot.Name));
                Assert.Equal(2, Of(world.Store, "archives/").Count());
                Assert.True((await new VerifyRun(await world.OpenAsync(), VerifyLevel.Objects).ExecuteAsync(await world.CatalogAsync(), _ => true, default)).Sound);
            }
        }
    }

    [Fact]
    public async Task A_backup_that_runs_keeps_a_prune_out()
    {
        var (world, _, _) = await TwoChainsAsync();
        using var __ = world;
        await using var lease = await Lease.TakeAsync(await world.OpenAsync(), LeaseKind.Shared, "backup", "there", world.Wall, default);
        var failure = await Assert.ThrowsAsync<ArchiveException>(() => world.PruneAsync(s_two));
        Assert.Equal(FailureKind.Locked, failure.Kind);
    }

    [Fact]
    public async Task A_prune_that_slept_past_its_lease_puts_back_what_it_had_in_its_hands()
    {
        var (world, old, _) = await TwoChainsAsync();
        using var __ = world;
        var key = Layout.Manifest(old[3].Folder, old[3].Name);
        var slept = false;
        var store = new InterceptedStore(world.Store, (call, name) =>
        {
            // it falls asleep with the first deletion on its way, and somebody else comes in
            if (call == "delete" && name == key && !slept)
            {
                slept = true;
                world.Move(TimeSpan.FromHours(2));
            }
            return Task.CompletedTask;
        });
        var report = await world.PruneAsync(s_two, store: store);
        Assert.True(slept);
        // planned again under a new lease, and then carried out; what was written down the first time was taken back
        Assert.Equal(4, report.Removed.Length);
        Assert.Single(Of(world.Store, "removed/"));
        Assert.Empty(await world.MissingChunksAsync());
    }

    /// <summary>A store whose listings leave one object out, as some have done.</summary>
    sealed class LeavingOut(IObjectStore inner, string left) : WrappingStore(inner)
    {
        public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
        {
            await foreach (var info in Inner.ListAsync(prefix, cancel))
                if (info.Key.Text != left) yield return info;
        }
    }
}
