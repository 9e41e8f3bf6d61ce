using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Status;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Status;

/// <summary>The verb on a repository in a folder, and the gathering on one in memory.</summary>
public sealed class StatusVerbTests
{
    /// <summary>A repository on disk with the objects of one in memory.</summary>
    static async Task<TestHost> HostAsync(PruneWorld world)
    {
        var host = new TestHost();
        foreach (var key in world.Store.Keys)
        {
            var path = Path.Combine(host.Repo, key);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, world.Store[key]!);
        }
        host.Clock.Now = world.Wall.Now;
        return host;
    }

    static async Task<(PruneWorld World, List<ArchiveEntry> Kept)> PrunedAsync()
    {
        var world = await PruneWorld.NewAsync();
        await world.ChainAsync(4, TimeSpan.FromDays(1));
        var kept = await world.ChainAsync(3, TimeSpan.FromDays(1), firstGuid: 10);
        await world.PruneAsync(new RetentionPolicy(Last: 2));
        return (world, kept);
    }

    [Fact]
    public async Task It_tells_what_is_there_and_writes_nothing()
    {
        var (world, kept) = await PrunedAsync();
        using var _ = world;
        using var host = await HostAsync(world);
        var before = TempFolder.Contents(host.Repo);
        await host.ExpectAsync(0, null, "status");
        var text = host.Out.ToString();
        Assert.Contains("3 archives", text, StringComparison.Ordinal);
        Assert.Contains("archives last removed 2026-01-08 00:00Z; leases: none", text, StringComparison.Ordinal);
        Assert.Matches("tank/a +@s12 +24 h +- +3 +3 archives, ", text);
        Assert.EndsWith("all is well\n", text, StringComparison.Ordinal);

        await host.ExpectAsync(0, null, "status", "tank/a", "--json");
        using var read = JsonDocument.Parse(host.Out.ToString());
        Assert.Equal(4, read.RootElement.GetProperty("repositories")[0].GetProperty("datasets")[0].GetProperty("pruned").GetArrayLength());
        Assert.Equal(before, TempFolder.Contents(host.Repo));
        Assert.False(Directory.Exists(host.Folders.State));
        Assert.Equal(kept[^1].Head.Snapshot.Name, read.RootElement.GetProperty("repositories")[0].GetProperty("datasets")[0].GetProperty("newestSnapshot").GetString());
    }

    [Fact]
    public async Task Nothing_removed_is_not_never_pruned_and_quiet_is_quiet_when_all_is_well()
    {
        using var world = await PruneWorld.NewAsync();
        await world.ChainAsync(2, TimeSpan.FromDays(1));
        await world.PruneAsync(new RetentionPolicy(Last: 5));
        using var host = await HostAsync(world);
        await host.ExpectAsync(0, null, "status");
        Assert.Contains("no archive was ever removed; leases: none", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(0, null, "status", "-q");
        Assert.Equal("", host.Out.ToString() + host.Error);
        await host.ExpectAsync(1, null, "status", "-q", "--repo", host.Beside("none"));
        Assert.Contains("is the disk mounted?", host.Out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_are_put_whole_and_for_all_to_read()
    {
        var (world, _) = await PrunedAsync();
        using var __ = world;
        using var host = await HostAsync(world);
        var (page, metrics) = (host.Beside("page.html"), host.Beside("zfsarchive.prom"));
        File.WriteAllText(page, "old");
        await host.ExpectAsync(0, null, "status", "--html", page, "--prometheus", metrics);
        Assert.Equal("", host.Out.ToString());
        Assert.Contains("zfsarchive_repository_archives{", File.ReadAllText(metrics), StringComparison.Ordinal);
        Assert.All([page, metrics], f => Assert.Equal("644", Convert.ToString((int)File.GetUnixFileMode(f), 8)));
        Assert.Equal("All is well", XDocument.Load(XmlReader.Create(page, new() { DtdProcessing = DtdProcessing.Ignore })).Descendants("h1").Single().Value);
        Assert.Empty(Directory.EnumerateFiles(Path.GetDirectoryName(page)!, "*.part", new EnumerationOptions { AttributesToSkip = 0 }));
        await host.ExpectAsync(0, null, "status", "--html", "-");
        Assert.StartsWith("<!DOCTYPE html>", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(2, null, "status", "--html", "-", "--json");
        await host.ExpectAsync(2, null, "status", "--html", "/dev/stdout");
        await host.ExpectAsync(2, null, "status", "--html", host.Repo);
        await host.ExpectAsync(1, null, "status", "--html", host.Beside("none/page.html"));
    }

    [Fact]
    public async Task Codes_tell_damage_absence_and_monitoring()
    {
        var (world, kept) = await PrunedAsync();
        using var _ = world;
        using var host = await HostAsync(world);
        await host.ExpectAsync(0, null, "status", "--nagios");
        Assert.StartsWith("ZFSARCHIVE OK: 1 dataset, ", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(2, null, "status", "nowhere/here");
        await host.ExpectAsync(3, null, "status", "--nagios", "nowhere/here");
        await host.ExpectAsync(1, null, "status", "--repo", host.Beside("gone"));
        Assert.Contains("not looked at: ", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(3, null, "status", "--repo", host.Beside("gone"), "--nagios");
        Assert.StartsWith("ZFSARCHIVE UNKNOWN: nothing is known of it now: ", host.Out.ToString(), StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(host.Repo, Layout.Manifest(kept[1].Folder, kept[1].Name)), "{");
        await host.ExpectAsync(20, null, "status");
        Assert.Contains("CRITICAL", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(2, null, "status", "--nagios");
    }

    [Fact]
    public async Task What_is_configured_is_looked_at_and_held_to_its_promises()
    {
        var (world, _) = await PrunedAsync();
        using var __ = world;
        using var host = await HostAsync(world);
        host.Unset("ZFSARCHIVE_REPO");
        File.WriteAllText(host.DefaultConfiguration, $$"""
            repositories:
              disk: {url: {{host.Repo}}, verify: never }
              usb: {url: {{host.Beside("usb")}}, optional: true }
            jobs:
              home: {datasets: "tank/**", repositories: disk, max_age: 36h}
            """);
        await host.ExpectAsync(0, null, "status");
        Assert.Matches("(?s)^disk  /.* 24 h +36 h .*usb  /.*not looked at.*all is well", host.Out.ToString());
        host.Clock.Now += TimeSpan.FromDays(1);
        await host.ExpectAsync(21, null, "status");
        Assert.Contains("WARNING   disk: the newest archive of tank/a, s12, is 2 days old, and 36 hours are promised", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(1, null, "status", "--nagios", "--repo", "disk");
        await host.ExpectAsync(0, null, "status", "--repo", host.Repo);
    }

    [Fact]
    public async Task What_this_host_has_seen_and_no_prune_recorded_is_missed()
    {
        var (world, kept) = await PrunedAsync();
        using var _ = world;
        var repository = await world.OpenAsync();
        Assert.Empty((await StatusLook.FactsAsync(repository, default)).Changed);
        world.Store[Layout.Manifest(kept[2].Folder, kept[2].Name)] = null;
        var facts = await StatusLook.FactsAsync(repository, default);
        Assert.Equal([kept[2].Id], facts.Changed.Select(v => v.Id));
        Assert.Equal(4, facts.Removed.Length);
    }

    [Fact]
    public async Task Who_may_only_read_sees_all_of_it_also_while_others_work()
    {
        var (world, _) = await PrunedAsync();
        using var __ = world;
        using var nowhere = new TempFolder();
        await using var lease = await Lease.TakeAsync(await world.OpenAsync(), LeaseKind.Exclusive, "prune", "nas", world.Wall, default);
        var store = new InterceptedStore(world.Store, (what, key) => what is "create" or "delete" ? throw new StoreException(StoreFailure.Denied, $"{what} {key}") : Task.CompletedTask);
        var folders = new LocalFolders(nowhere["state"], nowhere["cache"]);
        var report = await StatusLook.AtAllAsync(
            [new("mem", cancel => ArchiveRepository.OpenAsync(store, folders, RepositoryUse.Read, cancel), Reports.Promise(), false)], "here", world.Wall, TimeSpan.FromMinutes(1), default);
        var status = report.Repositories[0];
        Assert.Equal((null, 3L, world.Wall.Now), (status.Unreachable, status.Archives, status.PrunedAt));
        Assert.Equal((true, "prune on nas (pid "), (status.Leases.Single().IsAlive, status.Leases.Single().Text[..18]));
        Assert.Equal(4, status.Datasets[0].Pruned.Length);
        // heads that it has read are no state: the next look is quicker by them
        Assert.Equal([folders.Cache], Directory.EnumerateFileSystemEntries(nowhere.Path));
    }

    [Fact]
    public async Task One_that_hangs_or_breaks_hides_no_other()
    {
        using var world = await PruneWorld.NewAsync();
        await world.ChainAsync(2, TimeSpan.FromDays(1));
        var never = new TaskCompletionSource<ArchiveRepository>();
        WatchedRepository Of(string name, Func<CancellationToken, Task<ArchiveRepository>> open) => new($"/{name}", open, Reports.Promise() with { Name = name }, false);
        var report = await StatusLook.AtAllAsync(
            [Of("hangs", _ => never.Task), Of("breaks", _ => throw new InvalidOperationException("a fault")), Of("denied", _ => throw new StoreException(StoreFailure.Denied, "no right")), Of("well", _ => world.OpenAsync())],
            "here", TimeProvider.System, TimeSpan.FromSeconds(3), default);
        Assert.Equal(["hangs", "breaks", "denied", "well"], report.Repositories.Select(r => r.Name));
        Assert.Equal(["it did not answer within 3 seconds", "InvalidOperationException: a fault", "no right", null], report.Repositories.Select(r => r.Unreachable));
        Assert.Equal(2, report.Repositories[3].Archives);
    }

    [Fact]
    public async Task Of_very_many_prunes_the_newest_are_read()
    {
        using var world = await PruneWorld.NewAsync();
        var repository = await world.OpenAsync();
        for (var i = 0; i < 60; i++)
        {
            await RemovalRecords.WriteAsync(repository, "here", [new($"tank-a_00000000000000da/{ArchiveName.Of((ulong)i, (ulong)i + 1, 0)}", "x", "tank/a@x")], default);
            world.Move(TimeSpan.FromHours(1));
        }
        var facts = await StatusLook.FactsAsync(repository, default);
        Assert.Equal((50, world.Store.Time.AddHours(-1)), (facts.Removed.Length, facts.PrunedAt));
    }
}
