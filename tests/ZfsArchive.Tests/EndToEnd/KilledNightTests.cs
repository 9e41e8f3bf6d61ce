namespace ZfsArchive.Tests.EndToEnd;

/// <summary>A night that is ended in the middle of a send, and the one after it.</summary>
[Collection(NightMachines.Name)]
public sealed class KilledNightTests(VirtualMachine vm)
{
    const string Configuration = """
        repositories: {disk: {url: REPOSITORY, retention: {daily: 30}, prune: true, verify: {cycle: 1d}}}
        jobs:
          night: {source: "ssh://root@zfs-vm /root/guest/between.sh", datasets: [src/e], snapshot: true, send: {chunk_size: 1}}
        """;

    [VmFact]
    public Task One_that_is_killed_leaves_a_hold_which_the_next_releases_and_what_it_stored_is_used() => PlayAsync(async world =>
    {
        using (var killed = await StalledAsync(world))
        {
            killed.Kill();
            await killed.EndAsync();
        }
        var held = Assert.Single(await HeldAsync(world)).Split('\t', StringSplitOptions.TrimEntries);
        Assert.NotEmpty(world.Files("leases", "*"));
        Assert.NotEmpty(world.Files("archives", "*.zst"));
        Assert.Empty(world.Manifests);

        await world.Guest.RunAsync("sleep 1");
        var next = await world.NightAsync(0);
        var job = next.GetProperty("jobs")[0];
        Assert.Equal(2, job.GetProperty("archives").GetArrayLength());
        var first = job.GetProperty("archives")[0];
        Assert.True(first.GetProperty("sentLength").GetInt64() < first.GetProperty("storedLength").GetInt64() - 1_000_000, first.ToString());
        await NothingIsLeftAsync(world);
        Assert.NotEqual(System.Text.Json.JsonValueKind.Null, next.GetProperty("repositories")[0].GetProperty("prune").ValueKind);
        (await world.RunAsync("verify", "--level", "stream")).Must(0);

        // killed later, when there was nothing left to send: only the hold is to be released, and that of another stays
        await world.Guest.RunAsync($"zfs hold {held[1]} {held[0]}; zfs hold zfsarchive:another:host {held[0]}; sleep 1");
        var last = await world.NightAsync(0);
        Assert.Contains($"{held[0]} (hold {held[1]})", last.GetProperty("jobs")[0].GetProperty("released").EnumerateArray().Select(r => r.GetString()));
        Assert.Contains("zfsarchive:another:host", Assert.Single(await HeldAsync(world)), StringComparison.Ordinal);
    });

    [VmFact]
    public Task One_that_is_asked_to_end_does_so_soon_and_leaves_nothing_behind() => PlayAsync(async world =>
    {
        using (var stopped = await StalledAsync(world))
        {
            var since = TimeProvider.System.GetTimestamp();
            await stopped.TerminateAsync();
            (await stopped.EndAsync()).Must(130);
            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(30));
        }
        await NothingIsLeftAsync(world);
        Assert.Empty(world.Manifests);

        await world.Guest.RunAsync("sleep 1");
        Assert.Equal(2, (await world.NightAsync(0)).GetProperty("jobs")[0].GetProperty("archives").GetArrayLength());
        await NothingIsLeftAsync(world);
        (await world.RunAsync("verify", "--level", "stream")).Must(0);
    });

    // A night whose send stands still after two of its chunks.
    static async Task<Child> StalledAsync(World world)
    {
        await world.Guest.RunAsync("echo 3000000 > /root/happens/send-stalls");
        var night = world.Start("run");
        await world.Guest.RunAsync("until [ -e /root/happens/stalled ]; do sleep 0.1; done");
        for (var i = 0; i < 50 && world.Files("archives", "*.zst").Count() < 2; i++) await Task.Delay(50);
        Assert.True(night.IsRunning);
        return night;
    }

    static async Task NothingIsLeftAsync(World world)
    {
        Assert.Empty(await HeldAsync(world));
        Assert.Empty(world.Files("leases", "*"));
    }

    static async Task<string[]> HeldAsync(World world) => (await world.Guest.RunAsync("zfs list -H -t snapshot -o name -r src | xargs zfs holds -H")).Lines;

    Task PlayAsync(Func<World, Task> scenario) => vm.PlayAsync(async world =>
    {
        await world.Guest.RunAsync("""
            while zpool list src >/dev/null 2>&1 && ! zpool destroy -f src; do sleep 0.5; done
            rm -rf /src.img /root/happens; mkdir /root/happens; truncate -s 256M /src.img; zpool create -O atime=off src /src.img
            head -c 32 /dev/urandom > /root/raw.key
            zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///root/raw.key src/e
            head -c 6000000 /dev/urandom > /src/e/file
            """);
        (await world.RunAsync("init")).Must(0);
        await world.ConfigureAsync(Configuration);
        await scenario(world);
    });
}
