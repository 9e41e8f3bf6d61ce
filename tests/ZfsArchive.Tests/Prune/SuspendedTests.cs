using System.Collections.Immutable;
using ZfsArchive.Backup;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Prune;

/// <summary>A process that stands still past its lease with a change on its way, and what others have done meanwhile.</summary>
public sealed class SuspendedTests
{
    static readonly RetentionPolicy s_two = new(Last: 2);
    static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    /// <summary>A store in which somebody sleeps for two hours just before the first call that fits, while something else happens.</summary>
    static InterceptedStore Sleeping(PruneWorld world, string call, Func<string, bool> fits, Func<Task> meanwhile)
    {
        var slept = false;
        return new(world.Store, async (what, key) =>
        {
            if (slept || what != call || !fits(key)) return;
            slept = true;
            world.Move(TimeSpan.FromHours(2));
            await meanwhile();
        });
    }

    static async Task<LocalFolders> OtherHostAsync(PruneWorld world, TempFolder temp)
    {
        var folders = new LocalFolders(temp["state"], temp["cache"]);
        new KnownHeads(folders, (await world.OpenAsync()).Descriptor).Remember((await world.CatalogAsync()).Graph.Archives);
        return folders;
    }

    static async Task AssertWholeAsync(PruneWorld world)
    {
        Assert.Empty(await world.MissingChunksAsync());
        var graph = (await world.CatalogAsync()).Graph;
        Assert.All(graph.Archives, a => Assert.True(graph.Paths().Reaches(a), $"{a} has lost what it is based on"));
    }

    static async Task<ArchiveEntry> BackupAsync(PruneWorld world, SyntheticStream stream, IObjectStore? store = null)
    {
        var repository = await world.OpenAsync(store);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Shared, "backup", "there", world.Wall, default);
        var catalog = await repository.CatalogAsync(default);
        var settings = new WriterSettings(ChunkSchedule.Standard, null, 1, "test", "there", null, null);
        var order = new StdinOrder(catalog, new(null, AllowPlaintext: true, Insist: false, null, null), () => null);
        var written = await new ArchiveWriter(repository, lease, catalog, settings, world.Wall).WriteAsync(new MemoryStream((stream with { Blocks = 2 }).Bytes()), order, null, default);
        new KnownHeads(world.Folders, repository.Descriptor).Remember([written.Single().Archive]);
        return written.Single().Archive;
    }

    static SyntheticStream Stream(PruneWorld world, ulong to, ulong from = 0) => new() { ToGuid = to, FromGuid = from, Name = $"tank/made@s{to}", Creation = (ulong)world.Store.Time.ToUnixTimeSeconds() };

    [Fact]
    public async Task A_prune_puts_back_what_a_backup_that_is_still_there_was_built_on()
    {
        using var world = await PruneWorld.NewAsync();
        var old = await world.ChainAsync(4, s_day);
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var key = Layout.Manifest(old[3].Folder, old[3].Name);
        Lease? lease = null;
        var store = Sleeping(world, "delete", k => k == key, async () =>
        {
            lease = await Lease.TakeAsync(await world.OpenAsync(), LeaseKind.Shared, "backup", "there", world.Wall, default);
            await world.CommitAsync(PruneWorld.Entry(50, world.Store.Time, old[3]));
        });
        var failure = await Assert.ThrowsAsync<ArchiveException>(() => world.PruneAsync(s_two, store: store));
        Assert.Equal(FailureKind.Locked, failure.Kind);
        await AssertWholeAsync(world);
        await lease!.DisposeAsync();
        await world.PruneAsync(s_two);
        await AssertWholeAsync(world);
    }

    [Fact]
    public async Task A_prune_does_not_put_back_what_another_one_has_removed_with_all_below_it()
    {
        using var world = await PruneWorld.NewAsync();
        using var temp = new TempFolder();
        var old = await world.ChainAsync(4, s_day);
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var other = await OtherHostAsync(world, temp);
        var key = Layout.Manifest(old[3].Folder, old[3].Name);
        var store = Sleeping(world, "delete", k => k == key, () => world.PruneAsync(s_two, folders: other));
        await world.PruneAsync(s_two, store: store);
        await AssertWholeAsync(world);
        Assert.Equal(3, (await world.CatalogAsync()).Graph.Archives.Length);
    }

    [Fact]
    public async Task A_prune_does_not_put_back_what_has_no_chunks_any_more()
    {
        using var world = await PruneWorld.NewAsync();
        using var temp = new TempFolder();
        var old = await world.ChainAsync(1, s_day);
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var other = await OtherHostAsync(world, temp);
        var key = Layout.Manifest(old[0].Folder, old[0].Name);
        var store = Sleeping(world, "delete", k => k == key, async () =>
        {
            await world.PruneAsync(s_two, folders: other);
            world.Move(TimeSpan.FromDays(8));
            Assert.Equal(1, (await world.PruneAsync(s_two, folders: other)).ChunksRemoved);
        });
        await world.PruneAsync(s_two, store: store);
        await AssertWholeAsync(world);
    }

    [Fact]
    public async Task A_name_whose_chunks_are_being_removed_is_not_taken_again()
    {
        using var world = await PruneWorld.NewAsync();
        var stream = Stream(world, 7);
        var first = await BackupAsync(world, stream);
        world.Move(s_day);
        await BackupAsync(world, Stream(world, 9));
        await world.PruneAsync(new(Last: 1));
        world.Move(TimeSpan.FromDays(8));
        ArchiveEntry? again = null;
        var store = Sleeping(world, "delete", k => k.StartsWith(Layout.Archives, StringComparison.Ordinal), async () => again = await BackupAsync(world, stream));
        await Record.ExceptionAsync(() => world.PruneAsync(new(Last: 5), store: store));
        Assert.Equal((first.Name.Edge, 2), (again!.Name.Edge, again.Name.Ordinal));
        await AssertWholeAsync(world);
    }

    [Fact]
    public async Task The_next_name_that_nothing_was_removed_from_is_taken()
    {
        using var world = await PruneWorld.NewAsync();
        var stream = Stream(world, 7);
        world.Move(s_day);
        await BackupAsync(world, Stream(world, 9));
        for (var ordinal = 1; ordinal <= 3; ordinal++)
        {
            Assert.Equal(ordinal, (await BackupAsync(world, stream)).Name.Ordinal);
            await world.PruneAsync(new(Last: 1));
        }
        world.Move(TimeSpan.FromDays(8));
        await world.PruneAsync(new(Last: 1));
        Assert.Equal(1, (await BackupAsync(world, stream)).Name.Ordinal);
        await AssertWholeAsync(world);
    }

    [Fact]
    public async Task Chunks_that_no_prune_has_written_down_are_used_again()
    {
        using var world = await PruneWorld.NewAsync();
        var stream = Stream(world, 7);
        var failing = new FailingStore(world.Store, 3);
        await Assert.ThrowsAnyAsync<Exception>(() => BackupAsync(world, stream, failing));
        Assert.Contains(world.Store.Keys, k => k.StartsWith(Layout.Archives, StringComparison.Ordinal));
        world.Move(s_day);
        Assert.Equal(1, (await BackupAsync(world, stream)).Name.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_backup_takes_its_manifest_back_when_its_base_was_removed_meanwhile(bool pruneIsStillThere)
    {
        using var world = await PruneWorld.NewAsync();
        using var temp = new TempFolder();
        var old = await BackupAsync(world, Stream(world, 1));
        world.Move(s_day);
        var late = Stream(world, 2, from: 1);
        world.Move(s_day);
        await BackupAsync(world, Stream(world, 3));
        var other = await OtherHostAsync(world, temp);
        Lease? prune = null;
        var store = Sleeping(world, "create", k => k.StartsWith(Layout.Manifests, StringComparison.Ordinal) && k.Contains("_from_", StringComparison.Ordinal), async () =>
        {
            Assert.Equal(old.Id, Assert.Single((await world.PruneAsync(new(Last: 1), folders: other)).Removed).Id);
            if (pruneIsStillThere) prune = await Lease.TakeAsync(await world.OpenAsync(), LeaseKind.Exclusive, "prune", "there", world.Wall, default);
        });
        var failure = await Assert.ThrowsAsync<ArchiveException>(() => BackupAsync(world, late, store));
        Assert.Equal(pruneIsStillThere ? FailureKind.Locked : FailureKind.Failed, failure.Kind);
        await AssertWholeAsync(world);
        if (prune is not null) await prune.DisposeAsync();
        // and nobody misses it
        await world.PruneAsync(new(Last: 1), folders: other);
    }

    [Fact]
    public async Task A_backup_that_slept_keeps_its_manifest_when_nothing_was_removed()
    {
        using var world = await PruneWorld.NewAsync();
        var store = Sleeping(world, "create", k => k.StartsWith(Layout.Manifests, StringComparison.Ordinal) && k.EndsWith("_full.json", StringComparison.Ordinal), () => Task.CompletedTask);
        await BackupAsync(world, Stream(world, 1), store);
        Assert.Single((await world.CatalogAsync()).Graph.Archives);
        await AssertWholeAsync(world);
    }
}
