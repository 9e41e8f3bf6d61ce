using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Cli;

/// <summary><c>backup DATASET</c> and <c>restore</c> through the real application, onto a zfs of this process.</summary>
public sealed class DatasetVerbsTests
{
    static async Task<(TestHost Host, FakeZfs Zfs)> WorldAsync()
    {
        var (host, zfs) = (await TestHost.WithRepositoryAsync(), new FakeZfs());
        host.ZfsOf = _ => zfs;
        return (host, zfs);
    }

    static string[] Manifests(TestHost host) => Directory.Exists(Path.Combine(host.Repo, "manifests"))
        ? [.. Directory.EnumerateFiles(Path.Combine(host.Repo, "manifests"), "2*.json", SearchOption.AllDirectories).Order()]
        : [];

    [Fact]
    public async Task Each_snapshot_is_held_sent_bookmarked_and_released()
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        zfs.SnapshotCount = 2;
        await host.ExpectAsync(0, null, "backup", "tank/chain");
        Assert.Equal(
            ["hold tank/chain@s0", "send tank/chain@s0", "bookmark tank/chain@s0", "release tank/chain@s0",
             "hold tank/chain@s1", "send tank/chain@s0 tank/chain@s1", "bookmark tank/chain@s1", "release tank/chain@s1"], zfs.Calls);
        Assert.Equal(2, Manifests(host).Length);

        zfs.Calls.Clear();
        await host.ExpectAsync(0, null, "backup", "tank/chain");
        Assert.Empty(zfs.Calls);
        Assert.Contains("nothing to do", host.Out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_destroyed_base_is_replaced_by_its_bookmark_and_a_renamed_dataset_keeps_its_folder()
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        zfs.SnapshotCount = 1;
        await host.ExpectAsync(0, null, "backup", "tank/chain");
        zfs.SnapshotCount = 2;
        zfs.Destroyed.Add(0);
        zfs.DatasetName = "tank/moved";
        zfs.Calls.Clear();
        await host.ExpectAsync(0, null, "backup", "tank/moved");
        Assert.Contains(zfs.Calls, c => c.StartsWith("send tank/moved#zfsarchive:", StringComparison.Ordinal));
        Assert.Single(Directory.EnumerateDirectories(Path.Combine(host.Repo, "manifests")));
        await host.ExpectAsync(0, null, "list", "tank/moved");
        Assert.Equal(2, Directory.EnumerateFiles(Path.Combine(host.Repo, "manifests"), "dataset-*.json", SearchOption.AllDirectories).Count());
    }

    [Fact]
    public async Task A_send_that_dies_leaves_no_manifest_and_the_next_run_completes()
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        zfs.SnapshotCount = 1;
        // the whole stream came out, and then the process said that it failed
        zfs.SendEnd = _ => new ZfsException("zfs send tank/chain@s0 ended with 1: warning: cannot send 'tank/chain@s0': I/O error");
        await host.ExpectAsync(1, null, "backup", "tank/chain");
        Assert.Contains("I/O error", host.Error.ToString(), StringComparison.Ordinal);
        Assert.Empty(Manifests(host));
        Assert.DoesNotContain(zfs.Calls, c => c.StartsWith("bookmark", StringComparison.Ordinal));
        Assert.Equal("release tank/chain@s0", zfs.Calls[^1]);

        zfs.SendEnd = _ => null;
        await host.ExpectAsync(0, null, "backup", "tank/chain", "--json");
        Assert.Contains("\"sentLength\":0", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Single(Manifests(host));
    }

    [Theory]
    [InlineData("chain-incr2-decrypted", "would leave as plaintext")]
    [InlineData("chain-incr1", "guid")]
    [InlineData("R-raw-full", "a package")]
    [InlineData("damaged-cut-mid-payload", "damaged")]
    public async Task Another_stream_than_the_planned_one_is_refused_and_nothing_committed(string stream, string words)
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        zfs.SnapshotCount = 1;
        zfs.Tamper = (_, _) => Golden.Bytes(stream);
        var code = await host.RunAsync("backup", "tank/chain");
        Assert.NotEqual(0, code);
        Assert.Contains(words, host.Error.ToString(), StringComparison.Ordinal);
        Assert.Empty(Manifests(host));
    }

    [Fact]
    public async Task A_dry_run_prints_the_steps_and_does_none()
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        await host.ExpectAsync(0, null, "backup", "tank/chain", "--dry-run");
        Assert.Contains("would archive tank/chain@s0, about 12.1 KiB, a full: nothing of this dataset is archived yet", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Empty(zfs.Calls);
        Assert.Empty(Manifests(host));
        await host.ExpectAsync(0, null, "backup", "tank/chain");
        await host.ExpectAsync(0, null, "backup", "tank/chain", "-n");
        Assert.Equal("nothing to do: every snapshot is archived\n", host.Out.ToString());
    }

    [Fact]
    public async Task A_dry_run_foresees_the_archive_of_the_snapshot_that_it_does_not_take()
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        zfs.SnapshotCount = 1;
        await host.ExpectAsync(0, null, "backup", "tank/chain");
        zfs.Calls.Clear();
        await host.ExpectAsync(0, null, "backup", "tank/chain", "--snapshot", "--dry-run");
        Assert.Matches("\\Awould take (tank/chain@zfsarchive_.*Z)\nwould archive \\1, of unknown size, .*tank/chain@s0", host.Out.ToString());
        await host.ExpectAsync(0, null, "backup", "tank/chain", "--snapshot", "--dry-run", "--json");
        // a GUID that nobody has given it is none
        Assert.Matches("\\A\\{.*\"snapshot\":\"tank/chain@zfsarchive_[^\"]*\",\"guid\":null,\"kind\":\"incremental\"", host.Out.ToString());
        Assert.Empty(zfs.Calls);
    }

    [Fact]
    public async Task A_restore_feeds_every_link_whole_and_resets_what_it_set()
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        await host.ExpectAsync(0, null, "backup", "tank/chain");
        zfs.Calls.Clear();
        await host.ExpectAsync(0, null, "restore", "tank/chain", "--to", "vault/r");
        Assert.Equal(Enumerable.Repeat("receive vault/r", 5), zfs.Calls.Where(c => c.StartsWith("receive", StringComparison.Ordinal)));
        Assert.Equal(Golden.Bytes("chain-full"), zfs.Fed[0].ToArray());
        Assert.Equal(Golden.Bytes("chain-incr4"), zfs.Fed[4].ToArray());
        Assert.Equal(["canmount=on", "recordsize=4096"], zfs.Set.Select(s => $"{s.Key}={s.Value}").Order());
        Assert.Contains("zfs set 'mountpoint=/srv' 'vault/r'", host.Out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restore_goes_on_from_what_is_there()
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        await host.ExpectAsync(0, null, "backup", "tank/chain");
        await host.ExpectAsync(0, null, "restore", "tank/chain@s1", "--to", "vault/r");
        Assert.Equal(2, zfs.Fed.Count);
        await host.ExpectAsync(0, null, "restore", "tank/chain@s4", "--to", "vault/r");
        Assert.Equal(5, zfs.Fed.Count);
        zfs.Calls.Clear();
        await host.ExpectAsync(0, null, "restore", "tank/chain@s4", "--to", "vault/r");
        Assert.Empty(zfs.Calls);
        Assert.StartsWith("tank/chain@s4 is there already, in vault/r\n", host.Out.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("restored tank/chain@s4 to", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(0, null, "restore", "tank/chain", "--to", "vault/r", "--dry-run");
        Assert.Equal("tank/chain@s4 is there already, in vault/r\n", host.Out.ToString());
    }

    [Fact]
    public async Task A_snapshot_that_is_not_archived_is_told_with_the_next_step()
    {
        var (host, _) = await WorldAsync();
        using var __ = host;
        await host.ExpectAsync(0, null, "backup", "tank/chain");
        await host.ExpectAsync(2, null, "restore", "tank/chain@none", "--to", "vault/r");
        Assert.Contains("no snapshot 'none' of tank/chain is archived here: zfsarchive list tank/chain shows those that are", host.Error.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(2, null, "restore", "tank/chain", "--as-of", "1999-12-31", "--to", "vault/r");
        Assert.Matches("no snapshot of tank/chain is as old as that: the oldest that can be restored is tank/chain@s0, taken 20[0-9-]+ [0-9:]+Z", host.Error.ToString());
    }

    [Fact]
    public async Task A_damaged_link_stops_the_restore_before_a_wrong_byte_and_without_its_end()
    {
        var (host, zfs) = await WorldAsync();
        using var _ = host;
        await host.ExpectAsync(0, null, "backup", "tank/chain", "--compress", "0");
        var chunk = Directory.EnumerateFiles(Path.Combine(host.Repo, "archives"), "*.zst", SearchOption.AllDirectories).Single(f => f.Contains($"{zfs.GuidOf(2):x16}_from", StringComparison.Ordinal));
        var bytes = await File.ReadAllBytesAsync(chunk);
        bytes[^100] ^= 1;
        await File.WriteAllBytesAsync(chunk, bytes);

        await host.ExpectAsync(20, null, "restore", "tank/chain", "--to", "vault/r");
        Assert.Equal(3, zfs.Fed.Count);
        Assert.Empty(zfs.Fed[2].ToArray());
        Assert.Equal(2, (await zfs.SnapshotsAsync("vault/r", default)).Count);
        zfs.Fed.Clear();
        await host.ExpectAsync(20, null, "restore", "tank/chain", "--to", "vault/s", "--verify-first");
        Assert.Empty(zfs.Fed);
    }
}
