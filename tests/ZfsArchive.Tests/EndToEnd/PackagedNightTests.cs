using System.Text.RegularExpressions;

namespace ZfsArchive.Tests.EndToEnd;

/// <summary>
/// The Debian package on a machine with real ZFS: installed, configured, run night after night by its hardened unit under a real
/// systemd, and used on the worst day.
/// </summary>
[Collection(NightMachines.Name)]
public sealed partial class PackagedNightTests(VirtualMachine vm)
{
    const string Systemd = "/root/guest/systemd.sh", Pools = "/root/guest/night-pools.sh";

    const string Configuration = """
        repositories:
          disk:
            url: /mnt/backup/zfs
            retention: {daily: 30, within: 7d}
            prune: true
            verify: {cycle: 1d, level: stream}
        jobs:
          home:
            datasets: [tank/home]
            recursive: true
            snapshot: {keep: 1}
            max_age: 36h
          pub:
            datasets: [tank/pub]
            snapshot: true
            send: {allow_plaintext: true}
        """;

    [VmPackageFact]
    public Task The_unit_archives_by_night_and_what_was_lost_comes_back() => vm.PlayAsync(async world =>
    {
        await InstallAsync(world);
        await world.Guest.RunAsync($"{Pools} make");
        await ConfigureAsync(world, Configuration);
        await world.Guest.RunAsync("zfsarchive init --repo disk");

        await RefusedWithoutDropInAsync(world);
        await FirstNightAsync(world);
        await world.Guest.RunAsync($"{Pools} change; zfs snapshot tank/home@by-hand");
        await SecondNightAsync(world);
        await world.Guest.RunAsync($"{Pools} hashes > /root/before; cat /root/before");

        await WorstDayAsync(world);
        await NightsAfterAsync(world);
    });

    // There is no network in the guest, and its image has all that the package depends on but ca-certificates, which only S3 needs.
    static async Task InstallAsync(World world)
    {
        await world.Guest.CopyAsync(Package.Shipped.Package!, "/root/zfsarchive.deb");
        var installed = await world.Guest.RunAsync("dpkg -i --force-depends --path-include='/usr/share/doc/zfsarchive/*' /root/zfsarchive.deb 2>&1; dpkg -s zfsarchive");
        Assert.Equal(["ca-certificates"], MissingPackage().Matches(installed.Out).Select(m => m.Groups[1].Value).Distinct());
        Assert.Contains("Status: install ok installed", installed.Lines);
        await world.Guest.RunAsync($"{Systemd} start; {Systemd} systemctl daemon-reload");
        var verified = await world.Guest.RunAsync($"{Systemd} systemd-analyze verify --man=no /usr/lib/systemd/system/zfsarchive.{{service,timer}} 2>&1");
        Assert.Equal("", verified.Out);
    }

    static async Task ConfigureAsync(World world, string configuration)
    {
        await world.Guest.RunAsync($"cat > /etc/zfsarchive/config.yaml <<'END'\n{configuration}\nEND\nzfsarchive config check");
    }

    // The unit may write in its own folders only.
    static async Task RefusedWithoutDropInAsync(World world)
    {
        var (code, journal) = await NightAsync(world);
        Assert.NotEqual(0, code);
        Assert.Contains("Read-only file system", journal, StringComparison.Ordinal);
        Assert.Contains("ReadWritePaths=", journal, StringComparison.Ordinal);
        await world.Guest.RunAsync($"""
            mkdir -p /etc/systemd/system/zfsarchive.service.d
            cp /usr/share/doc/zfsarchive/examples/systemd/disk.conf /etc/systemd/system/zfsarchive.service.d/
            {Systemd} systemctl daemon-reload
            zfs list -H -t snapshot -o name | grep ^tank/ | while read -r s; do zfs destroy "$s"; done
            """);
    }

    static async Task FirstNightAsync(World world)
    {
        await WellAsync(world, "4 archived, 0 incremental");
        Assert.Equal(["tank/home", "tank/home/kid", "tank/home/vol", "tank/pub"], await BookmarkedAsync(world));
        await world.NothingIsHeldAsync("tank");
    }

    static async Task SecondNightAsync(World world)
    {
        var own = (await SnapshotsAsync(world)).Where(s => s.Contains("@zfsarchive_", StringComparison.Ordinal)).ToList();
        await WellAsync(world, "5 archived, 5 incremental");
        await world.NothingIsHeldAsync("tank");
        Assert.Equal(["tank/home", "tank/home", "tank/home", "tank/home/kid", "tank/home/kid", "tank/home/vol", "tank/home/vol", "tank/pub", "tank/pub"], await BookmarkedAsync(world));

        // keep: 1 is said of one job; and what we did not take stays
        var now = await SnapshotsAsync(world);
        Assert.Equal(own.Where(s => s.StartsWith("tank/pub@", StringComparison.Ordinal)), own.Intersect(now));
        Assert.Contains("tank/home@by-hand", now);
        (await world.Guest.TryAsync("zfsarchive can-prune tank/home@by-hand")).Must(0).Says("may go");
        (await world.Guest.TryAsync($"zfsarchive can-prune {now.Single(s => s.StartsWith("tank/home/vol@", StringComparison.Ordinal))}")).Must(0).Says("may go");
        await world.Guest.RunAsync("zfs snapshot tank/pub@new");
        (await world.Guest.TryAsync("zfsarchive can-prune tank/pub@new")).Must(1).Says("disk does not have it");
        await world.Guest.RunAsync("zfs destroy tank/pub@new");
    }

    static async Task WorstDayAsync(World world)
    {
        await world.Guest.RunAsync("""
            zfs destroy -r tank/home; zfs destroy -r tank/pub
            zfsarchive restore -R tank/home --to tank/home --repo disk
            zfsarchive restore tank/pub --to tank/pub --repo disk
            zfs load-key -L file:///root/pass tank/home; zfs mount -a
            """, TimeSpan.FromMinutes(4));
        var compared = await world.Guest.TryAsync($"{Pools} hashes | diff /root/before -");
        compared.Must(0);
        Assert.Equal("", compared.Out);
        Assert.True((await world.Guest.RunAsync("wc -l < /root/before")).Lines is [var lines] && int.Parse(lines, System.Globalization.CultureInfo.InvariantCulture) > 20);
    }

    // The restored datasets are others, of which the repository knows the snapshots.
    static async Task NightsAfterAsync(World world)
    {
        await world.Guest.RunAsync($"{Pools} change");
        var (code, journal) = await NightAsync(world);
        Assert.NotEqual(0, code);
        Assert.Contains("send: {adopt: true}", journal, StringComparison.Ordinal);

        await ConfigureAsync(world, Configuration + "\ndefaults:\n  send: {adopt: true, allow_plaintext: true}\n");
        // from what was restored, of which nothing was removed in the night before
        await WellAsync(world, "8 archived, 8 incremental");
        await ConfigureAsync(world, Configuration);
        await world.Guest.RunAsync($"{Pools} change");
        await WellAsync(world, "4 archived, 4 incremental");
        await world.NothingIsHeldAsync("tank");
        await world.Guest.RunAsync("zfsarchive verify --repo disk --level stream", TimeSpan.FromMinutes(3));
    }

    static async Task WellAsync(World world, string archived)
    {
        var (code, journal) = await NightAsync(world);
        Assert.True(code == 0, journal);
        Assert.Contains("all is well", journal, StringComparison.Ordinal);
        Assert.Equal(archived, $"{Archived().Count(journal)} archived, {Incremental().Count(journal)} incremental");
    }

    // What this start of the unit said: the journal since the last time.
    static async Task<(int Code, string Journal)> NightAsync(World world)
    {
        var ended = await world.Guest.RunAsync($"""
            {Systemd} systemctl start zfsarchive.service && echo 0 || echo 1
            {Systemd} journalctl --sync
            {Systemd} journalctl --no-pager -o cat -u zfsarchive.service --cursor-file=/root/night.cursor
            """, TimeSpan.FromMinutes(5));
        return (ended.Lines[0] == "0" ? 0 : 1, ended.Out);
    }

    static async Task<string[]> SnapshotsAsync(World world) => (await world.Guest.RunAsync("zfs list -H -t snapshot -o name -r tank")).Lines;

    // The dataset of every bookmark of ours.
    static async Task<string[]> BookmarkedAsync(World world) =>
        [.. (await world.Guest.RunAsync("zfs list -H -t bookmark -o name -r tank")).Lines.Where(l => l.Contains("#zfsarchive:", StringComparison.Ordinal)).Select(l => l.Split('#')[0]).Order(StringComparer.Ordinal)];

    [GeneratedRegex("Package ([a-z0-9.+-]+) is not installed")]
    private static partial Regex MissingPackage();

    [GeneratedRegex("@[^ ]+ \\((full|incremental)\\)", RegexOptions.Multiline)]
    private static partial Regex Archived();

    [GeneratedRegex("@[^ ]+ \\(incremental\\)", RegexOptions.Multiline)]
    private static partial Regex Incremental();
}
