using System.Text.Json;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Night;

/// <summary>The night as cron sees it: a configuration, a source, repositories that are there or not.</summary>
public sealed class RunTests : IDisposable
{
    readonly NightWorld _world = new();

    TestHost Host => _world.Host;

    FakeZfs Zfs => _world.Zfs;

    const string Two = """
        repositories:
          disk: {url: REPO, retention: {last: 2}, prune: true, remove_at_most: 100%, verify: {cycle: 2d}}
          away: {url: SECOND, optional: true}
        jobs:
          chain: {datasets: [tank/chain], max_age: 36h}
        """;

    [Fact]
    public async Task Everything_goes_into_every_repository_and_the_second_night_has_nothing_to_do()
    {
        await _world.ConfigureAsync(Two, Host.Repo, _world.Second);
        var first = await _world.NightAsync(0);
        Assert.Equal("Ok", first.GetProperty("state").GetString());
        var job = first.GetProperty("jobs")[0];
        Assert.Equal(10, job.GetProperty("archives").GetArrayLength());
        Assert.Equal(["disk", "away"], job.GetProperty("archives").EnumerateArray().Select(a => a.GetProperty("repository").GetString()).Distinct());
        var disk = first.GetProperty("repositories")[0];
        Assert.True(disk.GetProperty("stages").GetProperty("bottleneck").GetString() is "send" or "compress" or "store");
        Assert.True(disk.GetProperty("verify").GetProperty("sound").GetBoolean());
        Assert.True(disk.GetProperty("verify").GetProperty("bytes").GetInt64() > 0);
        // a linear chain: all five are needed
        Assert.Equal(0, disk.GetProperty("prune").GetProperty("removed").GetArrayLength());
        Assert.True(disk.GetProperty("prune").GetProperty("bytesForChain").GetInt64() > 0);

        Host.Clock.Now += TimeSpan.FromDays(1);
        var second = await _world.NightAsync(0);
        Assert.Equal(0, second.GetProperty("jobs")[0].GetProperty("archives").GetArrayLength());
        await Host.ExpectAsync(0, null, "run", "-q");
        Assert.Equal("", Host.Out.ToString() + Host.Error);
        await Host.ExpectAsync(0, null, "verify", "--repo", "disk");
        await Host.ExpectAsync(0, null, "verify", "--repo", _world.Second);
    }

    [Fact]
    public async Task Bookmarks_that_no_chain_goes_on_from_are_released_and_nobody_elses()
    {
        await _world.ConfigureAsync(Two, Host.Repo, _world.Second);
        Zfs.Bookmarks.Add(new("tank/chain#mine", Zfs.GuidOf(0), 10, 1, 1));
        Zfs.Bookmarks.Add(new($"tank/chain#zfsarchive:deadbeef:{Zfs.GuidOf(0):x16}", Zfs.GuidOf(0), 10, 1, 1));
        var night = await _world.NightAsync(0);
        // of each repository the three newest stay
        Assert.Equal(4, night.GetProperty("jobs")[0].GetProperty("released").GetArrayLength());
        Assert.Equal(2 + (2 * 3), Zfs.Bookmarks.Count);
        Assert.Contains(Zfs.Bookmarks, b => b.Name == "tank/chain#mine");
        Assert.Contains(Zfs.Bookmarks, b => b.Name.Contains("deadbeef", StringComparison.Ordinal));
        Assert.DoesNotContain(Zfs.Calls, c => c.StartsWith("destroy", StringComparison.Ordinal) && c.Contains('@', StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_optional_disk_that_is_not_there_is_told_and_no_failure_and_another_one_is()
    {
        await _world.ConfigureAsync(Two, Host.Repo);
        var night = await _world.NightAsync(0);
        Assert.Contains("away is not there now", night.GetProperty("jobs")[0].GetProperty("notes")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal(5, night.GetProperty("jobs")[0].GetProperty("archives").GetArrayLength());

        await _world.ConfigureAsync(Two.Replace(", optional: true", "", StringComparison.Ordinal));
        night = await _world.NightAsync(3);
        Assert.Equal("Partly", night.GetProperty("state").GetString());
        Assert.Contains("chain: away", night.GetProperty("failures")[0].GetProperty("where").GetString(), StringComparison.Ordinal);
        await Host.ExpectAsync(3, null, "run", "-q");
        Assert.Contains("FAILED  chain: away", Host.Out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_datasets_failure_does_not_stop_the_others()
    {
        await _world.ConfigureAsync("""
            repositories: {disk: {url: REPO}}
            jobs:
              lost: {datasets: [tank/lost], source: "ssh://lost"}
              chain: {datasets: [tank/chain]}
            """, Host.Repo);
        Host.ZfsOf = prefix => prefix.ToString().Contains("lost", StringComparison.Ordinal) ? new LostZfs() : Zfs;
        var night = await _world.NightAsync(3);
        Assert.Equal("Failed", night.GetProperty("jobs")[0].GetProperty("state").GetString());
        Assert.Contains("dataset does not exist", night.GetProperty("jobs")[0].GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal(5, night.GetProperty("jobs")[1].GetProperty("archives").GetArrayLength());
    }

    [Fact]
    public async Task A_send_that_fails_costs_its_dataset_alone_and_the_next_night_goes_on()
    {
        await _world.ConfigureAsync(Two, Host.Repo);
        Zfs.SendEnd = n => n == 2 ? new ZfsException("zfs send died") : null;
        var night = await _world.NightAsync(1);
        Assert.Equal(2, night.GetProperty("jobs")[0].GetProperty("archives").GetArrayLength());
        Zfs.SendEnd = _ => null;
        night = await _world.NightAsync(0);
        Assert.Equal(3, night.GetProperty("jobs")[0].GetProperty("archives").GetArrayLength());
    }

    [Fact]
    public async Task A_dry_run_changes_nothing()
    {
        await _world.ConfigureAsync(Two, Host.Repo, _world.Second);
        var before = Directory.EnumerateFiles(Host.Repo, "*", SearchOption.AllDirectories).ToList();
        await Host.ExpectAsync(0, null, "run", "-n");
        Assert.Contains("disk: would archive tank/chain@s0", Host.Out.ToString(), StringComparison.Ordinal);
        Assert.Equal(before, Directory.EnumerateFiles(Host.Repo, "*", SearchOption.AllDirectories));
        Assert.DoesNotContain(Zfs.Calls, c => !c.StartsWith("estimate", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_dry_run_archives_what_it_would_take()
    {
        Zfs.SnapshotCount = 1;
        await _world.ConfigureAsync("repositories: {disk: {url: REPO}}\njobs: {chain: {datasets: [tank/chain], snapshot: true}}\n", Host.Repo);
        await Host.ExpectAsync(0, null, "run", "-n");
        Assert.Contains("1 snapshot to take, 2 archives to make", Host.Out.ToString(), StringComparison.Ordinal);
        Assert.Matches("would archive tank/chain@zfsarchive_[^,]*Z, ", Host.Out.ToString());
        var job = (await _world.NightAsync(0, "-n")).GetProperty("jobs")[0];
        Assert.Equal(job.GetProperty("taken")[0].GetString(), job.GetProperty("archives")[1].GetProperty("snapshot").GetString());
        Assert.Equal(("planned", "tank/chain@s0"), (job.GetProperty("archives")[1].GetProperty("state").GetString(), job.GetProperty("archives")[1].GetProperty("base").GetString()));
        Assert.DoesNotContain(Zfs.Calls, c => !c.StartsWith("estimate", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_second_run_at_the_same_time_is_refused()
    {
        await _world.ConfigureAsync(Two, Host.Repo);
        using (ZfsArchive.Repository.RunLock.Take(Host.Folders, Host.Clock))
        {
            await Host.ExpectAsync(11, null, "run");
            Assert.Contains($"another run is under way on this host (process {Environment.ProcessId} since 2027-11-20 02:00:00Z; ", Host.Error.ToString(), StringComparison.Ordinal);
        }
        await Host.ExpectAsync(0, null, "run");
    }

    [Fact]
    public async Task Hooks_are_run_around_a_job_and_one_that_fails_before_it_keeps_it_from_being_done()
    {
        var log = Host.Beside("log");
        string Configuration(string before) => $$$"""
            repositories: {disk: {url: REPO}}
            jobs:
              chain:
                datasets: [tank/chain]
                hooks: {before: [["/bin/sh", "-c", "{{{before}}}"]], after: [["/bin/sh", "-c", "echo after $ZFSARCHIVE_JOB $ZFSARCHIVE_RESULT >> {{{log}}}"]]}
            """;
        await _world.ConfigureAsync(Configuration($"echo before >> {log}"), Host.Repo);
        await _world.NightAsync(0);
        Assert.Equal("before\nafter chain ok\n", File.ReadAllText(log));
        await _world.ConfigureAsync(Configuration("echo no database; exit 3"));
        var night = await _world.NightAsync(1);
        Assert.Equal(0, night.GetProperty("jobs")[0].GetProperty("datasets").GetInt32());
        Assert.Contains("ended with status 3: no database; the job was not done", night.GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("after chain failed\n", File.ReadAllText(log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_hook_has_stopped_is_started_again_also_when_the_run_is_stopped()
    {
        var log = Host.Beside("log");
        await _world.ConfigureAsync($$$"""
            repositories: {disk: {url: REPO}}
            jobs:
              chain:
                datasets: [tank/chain]
                hooks: {after: [["/bin/sh", "-c", "echo after $ZFSARCHIVE_RESULT >> {{{log}}}"]]}
            """, Host.Repo);
        using var stop = new CancellationTokenSource();
        Host.Stop = stop.Token;
        Zfs.Tamper = (n, bytes) =>
        {
            if (n == 1) stop.Cancel();
            return bytes;
        };
        await Host.ExpectAsync(130, null, "run");
        Assert.Equal("after failed\n", File.ReadAllText(log));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(Host.Repo, "leases")));
    }

    [Fact]
    public async Task Snapshots_are_taken_and_only_our_own_old_ones_go_and_only_when_every_repository_has_them()
    {
        await _world.ConfigureAsync("""
            repositories: {disk: {url: REPO}}
            jobs: {chain: {datasets: [tank/chain], snapshot: {prefix: zfsarchive_, keep: 2}}}
            """, Host.Repo);
        var night = await _world.NightAsync(0);
        Assert.Equal("tank/chain@zfsarchive_2027-11-20_02.00.00Z", night.GetProperty("jobs")[0].GetProperty("taken")[0].GetString());
        Assert.Contains("snapshot tank/chain@zfsarchive_2027-11-20_02.00.00Z", Zfs.Calls);
        Assert.DoesNotContain(Zfs.Calls, c => c.StartsWith("destroy tank/chain@", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Damage_outweighs_everything_and_is_told_with_what_it_costs()
    {
        await _world.ConfigureAsync(Two, Host.Repo);
        await _world.NightAsync(0);
        var chunk = Directory.EnumerateFiles(Path.Combine(Host.Repo, "archives"), "000000-*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        File.SetUnixFileMode(chunk, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var bytes = File.ReadAllBytes(chunk);
        bytes[^1] ^= 1;
        File.WriteAllBytes(chunk, bytes);
        Host.Clock.Now += TimeSpan.FromDays(3);
        var night = await _world.NightAsync(20);
        Assert.Contains("DAMAGE", night.GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal(5, night.GetProperty("repositories")[0].GetProperty("verify").GetProperty("lost").GetArrayLength());
        await Host.ExpectAsync(1, null, "can-prune", "tank/chain@s4");
        Assert.Contains("found damaged", Host.Out.ToString(), StringComparison.Ordinal);
        Assert.Contains("away cannot be asked now", Host.Out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_snapshot_may_go_when_every_repository_has_it_verified_and_a_bookmark_stands_in_for_it()
    {
        await _world.ConfigureAsync(Two, Host.Repo, _world.Second);
        await Host.ExpectAsync(1, null, "can-prune", "tank/chain@s1");
        Assert.Contains("disk does not have it", Host.Out.ToString(), StringComparison.Ordinal);
        await _world.NightAsync(0);
        await Host.ExpectAsync(1, null, "can-prune", "tank/chain@s1");
        Assert.Contains("was not verified at level stream yet", Host.Out.ToString(), StringComparison.Ordinal);
        await Host.ExpectAsync(0, null, "can-prune", "--unverified", "tank/chain@s4");
        await Host.ExpectAsync(0, null, "verify", "--repo", "disk");
        await Host.ExpectAsync(0, null, "verify", "--repo", "away");
        await Host.ExpectAsync(0, null, "can-prune", "tank/chain@s1");
        await Host.ExpectAsync(0, null, "can-prune", "tank/chain@s4");
        Zfs.Bookmarks.Clear();
        await Host.ExpectAsync(0, null, "can-prune", "tank/chain@s3");
        await Host.ExpectAsync(1, null, "can-prune", "tank/chain@s4");
        Assert.Contains("no bookmark stands in for it", Host.Out.ToString(), StringComparison.Ordinal);
        await Host.ExpectAsync(2, null, "can-prune", "tank/chain@nothing");
    }

    public void Dispose() => _world.Dispose();

    /// <summary>A machine without the dataset.</summary>
    sealed class LostZfs : ZfsWithoutDatasets;
}
