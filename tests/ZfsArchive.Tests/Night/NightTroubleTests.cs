using System.Text.Json;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Night;

/// <summary>What a night that does not end well leaves at the source, and what it says.</summary>
public sealed class NightTroubleTests : IDisposable
{
    readonly NightWorld _world = new();

    TestHost Host => _world.Host;

    FakeZfs Zfs => _world.Zfs;

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task A_release_that_fails_as_well_does_not_hide_why_the_send_failed()
    {
        await _world.ConfigureAsync("repositories: {disk: {url: REPO}}\njobs: {chain: {datasets: [tank/chain]}}", Host.Repo);
        (Zfs.SendEnd, Zfs.ReleaseEnd) = (_ => new ZfsException("zfs send died"), new ZfsException("zfs release died"));
        var night = await _world.NightAsync(1);
        Assert.Contains("zfs send died", night.GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Zfs.SendEnd = _ => null;
        night = await _world.NightAsync(1);
        Assert.Contains("zfs release died", night.GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_the_key_was_changed_is_told_in_the_night_it_happened()
    {
        Host.ZfsOf = _ => new FakeZfs("raw-pass-full", "raw-pass-incr-empty", "raw-pass-incr-newkey") { DatasetName = "tank/encpass", SnapshotName = n => $"s{n + 1}" };
        await _world.ConfigureAsync("repositories: {disk: {url: REPO}}\njobs: {pass: {datasets: [tank/encpass]}}", Host.Repo);
        var notes = (await _world.NightAsync(0)).GetProperty("jobs")[0].GetProperty("notes").EnumerateArray().Select(n => n.GetString()!).ToList();
        Assert.Equal("disk: tank/encpass@s3: the key of tank/encpass was changed: a restore up to s3 opens with the new one", Assert.Single(notes, n => n.Contains("key", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_disk_that_is_not_always_there_is_missed_when_it_stays_away_longer_than_was_promised()
    {
        await _world.ConfigureAsync("repositories: {disk: {url: REPO, optional: true}}\njobs: {chain: {datasets: [tank/chain], max_age: 36h}}", Host.Repo);
        await _world.NightAsync(0);
        Directory.Move(Host.Repo, Host.Repo + ".away");
        Host.Clock.Now += TimeSpan.FromHours(24);
        Assert.Equal("Ok", (await _world.NightAsync(0)).GetProperty("state").GetString());
        await Host.ExpectAsync(0, null, "status");

        Host.Clock.Now += TimeSpan.FromHours(24);
        var failure = (await _world.NightAsync(10)).GetProperty("failures")[0].GetProperty("text").GetString();
        Assert.Equal("none of its repositories (disk) was there since 2027-11-20 02:00Z, and max_age of job chain is 36 h: connect one, or change max_age", failure);
        await Host.ExpectAsync(21, null, "status");
        Assert.Contains("none of its repositories (disk) was there since", Host.Out.ToString(), StringComparison.Ordinal);
        await Host.ExpectAsync(1, null, "status", "--nagios");

        Directory.Move(Host.Repo + ".away", Host.Repo);
        await _world.NightAsync(0);
    }

    [Fact]
    public async Task Of_disks_that_take_turns_one_is_enough_and_one_that_never_was_there_counts_from_the_first_night()
    {
        await _world.ConfigureAsync("repositories: {disk: {url: REPO, optional: true}, other: {url: SECOND, optional: true}}\njobs: {chain: {datasets: [tank/chain], max_age: 36h}}", Host.Repo);
        await _world.NightAsync(0);
        Host.Clock.Now += TimeSpan.FromDays(30);
        await _world.NightAsync(0);
        Directory.Move(Host.Repo, Host.Repo + ".away");
        Host.Clock.Now += TimeSpan.FromDays(1);
        await _world.NightAsync(0);
        Host.Clock.Now += TimeSpan.FromDays(1);
        await _world.NightAsync(10);
    }

    // As after a restore: the snapshots are known, the dataset is another, and it has no bookmarks.
    [Fact]
    public async Task What_the_next_archive_is_based_on_stays_also_when_this_one_was_refused()
    {
        const string job = """
            repositories: {disk: {url: REPO}}
            jobs: {chain: {datasets: [tank/chain], snapshot: {keep: 1}ADOPT}}
            """;
        Zfs.SnapshotName = n => $"zfsarchive_2027-11-1{n}_02.00.00Z";
        Zfs.SnapshotCount = 3;
        await _world.ConfigureAsync(job.Replace("ADOPT", "", StringComparison.Ordinal), Host.Repo);
        await _world.NightAsync(0);
        Assert.Equal([0, 1], Zfs.Destroyed.Order());

        (Zfs.DatasetGuid, Zfs.SnapshotCount) = (0xbeef, 4);
        Zfs.Bookmarks.Clear();
        var night = await _world.NightAsync(2);
        Assert.Contains("adopt: true", night.GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal([0, 1], Zfs.Destroyed.Order());

        await _world.ConfigureAsync(job.Replace("ADOPT", ", send: {adopt: true}", StringComparison.Ordinal));
        night = await _world.NightAsync(0);
        Assert.Equal("incremental", Assert.Single(night.GetProperty("jobs")[0].GetProperty("archives").EnumerateArray()).GetProperty("kind").GetString());
        Assert.Equal([0, 1, 2], Zfs.Destroyed.Order());
    }
}
