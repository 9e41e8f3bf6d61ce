using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Prune;

/// <summary>What excuses that a manifest is gone, and what a wrong clock may do.</summary>
public sealed class ExcuseTests
{
    static readonly RetentionPolicy s_two = new(Last: 2);
    static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    static async Task<VerifyReport> VerifyAsync(PruneWorld world)
    {
        var repository = await world.OpenAsync();
        return await new VerifyRun(repository, VerifyLevel.Objects).ExecuteAsync(await repository.CatalogAsync(default), _ => true, default);
    }

    [Fact]
    public async Task That_another_host_found_chunks_without_a_manifest_is_no_excuse_for_its_loss()
    {
        using var world = await PruneWorld.NewAsync();
        using var temp = new TempFolder();
        var chain = await world.ChainAsync(3, s_day);
        var lost = await world.CommitAsync(PruneWorld.Entry(10, world.Store.Time, chain[2]));
        world.Store[Layout.Manifest(lost.Folder, lost.Name)] = null;
        world.Move(TimeSpan.FromDays(8));
        // it has never seen the manifest
        var other = new LocalFolders(temp["state"], temp["cache"]);
        new KnownHeads(other, (await world.OpenAsync()).Descriptor).Remember(chain);
        await world.PruneAsync(s_two, folders: other);
        Assert.Contains(world.Store.Keys, k => k.StartsWith(Layout.Removed, StringComparison.Ordinal));

        var failure = await Assert.ThrowsAsync<ArchiveException>(() => world.PruneAsync(s_two));
        Assert.Equal(FailureKind.Damage, failure.Kind);
        Assert.Contains("no prune recorded its removal", failure.Message, StringComparison.Ordinal);
        Assert.Contains((await VerifyAsync(world)).Findings, f => f.Reason.Contains("no prune recorded its removal", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_removal_of_an_earlier_archive_of_the_same_name_is_no_excuse_either()
    {
        using var world = await PruneWorld.NewAsync();
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var entry = PruneWorld.Entry(1, world.Store.Time - TimeSpan.FromDays(9), null);
        await world.CommitAsync(entry);
        await world.PruneAsync(s_two);
        world.Move(TimeSpan.FromDays(8));
        Assert.Equal(1, (await world.PruneAsync(s_two)).ChunksRemoved);

        var again = await world.CommitAsync(entry with { Head = entry.Head with { Created = entry.Head.Created with { Version = "another" } } });
        world.Store[Layout.Manifest(again.Folder, again.Name)] = null;
        Assert.Equal(FailureKind.Damage, (await Assert.ThrowsAsync<ArchiveException>(() => world.PruneAsync(s_two))).Kind);
    }

    [Fact]
    public async Task What_a_prune_wrote_down_and_did_not_remove_is_missed_when_it_is_lost_later()
    {
        using var world = await PruneWorld.NewAsync();
        var old = await world.ChainAsync(2, s_day);
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var killed = new InterceptedStore(world.Store, (call, name) => call == "delete" && name == Layout.Manifest(old[0].Folder, old[0].Name) ? throw new IOException("killed") : Task.CompletedTask);
        await Assert.ThrowsAnyAsync<Exception>(() => world.PruneAsync(s_two, store: killed));
        Assert.Contains(world.Store.Keys, k => k.StartsWith(Layout.Removed, StringComparison.Ordinal));
        Assert.Null(world.Store[Layout.Manifest(old[1].Folder, old[1].Name)]);

        // somebody saw what it would do, and has configured something else
        Assert.Empty((await world.PruneAsync(new(Last: 100))).Removed);
        Assert.True((await VerifyAsync(world)).Sound);
        world.Store[Layout.Manifest(old[0].Folder, old[0].Name)] = null;
        Assert.Contains((await VerifyAsync(world)).Findings, f => f.Reason.Contains("no prune recorded its removal", StringComparison.Ordinal));
    }

    // Who slept since he listed, or is shown an old listing, must not take back what another one has carried out.
    [Fact]
    public async Task What_was_removed_since_the_listing_stays_written_down()
    {
        using var world = await PruneWorld.NewAsync();
        await world.ChainAsync(2, s_day);
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var stale = await world.CatalogAsync();
        Assert.Equal(2, (await world.PruneAsync(s_two)).Removed.Length);
        var repository = await world.OpenAsync();
        await using (var lease = await Lease.TakeAsync(repository, LeaseKind.Exclusive, "prune", "here", world.Wall, default))
            Assert.True(await RemovalRecords.RetractAsync(repository, lease, "here", stale, default));
        Assert.Single(world.Store.Keys, k => k.StartsWith(Layout.Removed, StringComparison.Ordinal));
        Assert.True((await VerifyAsync(world)).Sound);
    }

    // A record that was carried out may be newer than one that was not.
    [Fact]
    public async Task A_finished_record_does_not_hide_an_older_one_that_was_not_carried_out()
    {
        using var world = await PruneWorld.NewAsync();
        var kept = await world.ChainAsync(2, s_day);
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var repository = await world.OpenAsync();
        await RemovalRecords.WriteAsync(repository, "there", [new(kept[0].Id, kept[0].Sha256, kept[0].SnapshotName)], default);
        world.Move(TimeSpan.FromHours(1));
        await RemovalRecords.WriteAsync(repository, "there", [new("tank-z_00000000000000ff/20260101T000000Z_0000000000000063_full", new('0', 64), "tank/z@s")], default);
        await world.PruneAsync(new(Last: 100));
        world.Store[Layout.Manifest(kept[0].Folder, kept[0].Name)] = null;
        Assert.Contains((await VerifyAsync(world)).Findings, f => f.Reason.Contains("no prune recorded its removal", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_archive_that_was_removed_and_made_again_by_others_is_no_fault()
    {
        using var world = await PruneWorld.NewAsync();
        using var temp = new TempFolder();
        await world.ChainAsync(3, s_day, firstGuid: 10);
        var entry = PruneWorld.Entry(1, world.Store.Time - TimeSpan.FromDays(9), null);
        await world.CommitAsync(entry);
        var other = new LocalFolders(temp["state"], temp["cache"]);
        new KnownHeads(other, (await world.OpenAsync()).Descriptor).Remember((await world.CatalogAsync()).Graph.Archives);
        await world.PruneAsync(s_two, folders: other);
        world.Move(TimeSpan.FromDays(8));
        await world.PruneAsync(s_two, folders: other);
        await world.CommitAsync(entry with { Head = entry.Head with { Created = entry.Head.Created with { Version = "another" } } }, remember: false);
        Assert.Empty((await VerifyAsync(world)).Findings);
    }

    [Fact]
    public async Task A_host_whose_clock_is_years_ahead_does_not_count_what_is_dated_in_the_future()
    {
        using var world = await PruneWorld.NewAsync();
        for (var day = 1; day <= 20; day++)
        {
            world.Move(s_day);
            await world.CommitAsync(PruneWorld.Entry((ulong)day, world.Store.Time, null));
        }
        await world.CommitAsync(PruneWorld.Entry(90, world.Store.Time + TimeSpan.FromDays(500), null));
        world.Wall.Now += TimeSpan.FromDays(700);
        await world.PruneAsync(new(Within: TimeSpan.FromDays(5)));
        Assert.Equal(new ulong[] { 15, 16, 17, 18, 19, 20, 90 }, (await world.CatalogAsync()).Graph.Archives.Select(a => a.Head.Snapshot.Guid).Order());
    }

    [Fact]
    public async Task A_store_that_is_a_little_late_makes_nothing_a_future_one()
    {
        using var world = await PruneWorld.NewAsync();
        await world.ChainAsync(3, s_day);
        world.Wall.Now += TimeSpan.FromHours(1);
        await world.CommitAsync(PruneWorld.Entry(10, world.Wall.Now, null));
        Assert.Empty((await world.PruneAsync(new(Last: 9))).Plan.Notes);
    }
}
