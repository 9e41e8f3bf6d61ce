namespace ZfsArchive.Tests.EndToEnd;

/// <summary>What has to be refused, and what has to be left behind when something goes wrong.</summary>
[Collection(VirtualMachines.Name)]
public sealed class TroubleTests(VirtualMachine vm)
{
    const string Key = "/root/raw.key";

    // What runs between the archiver and zfs there: guest/between.sh.
    const string Between = "ssh://root@zfs-vm /root/guest/between.sh";

    [VmFact]
    public Task What_is_not_encrypted_leaves_only_when_that_is_allowed() => PlayAsync(async world =>
    {
        const string source = "src/plain one", target = "dst/plain two";
        await world.Guest.RunAsync($"zfs create '{source}'; head -c 300000 /dev/urandom > '/{source}/a file'");
        (await world.RunAsync("backup", source)).Must(2, "--allow-plaintext");

        var snapshot = Assert.Single(await world.BackupAsync(source, "--allow-plaintext", "--snapshot"));
        Assert.Matches(@"\Asrc/plain one@zfsarchive_[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}\.[0-9]{2}\.[0-9]{2}Z\z", snapshot);
        await world.NothingIsHeldAsync("src");

        (await world.RunAsync("restore", source, "--to", target)).Must(0);
        await SameGuidAsync(world, snapshot, $"{target}@{snapshot.Split('@')[1]}");
        await world.Guest.RunAsync($"zfs mount '{target}'; cmp '/{source}/a file' '/{target}/a file'");
    });

    [VmFact]
    public Task A_lost_base_costs_a_full_that_has_to_be_allowed() => PlayAsync(async world =>
    {
        const string source = "src/base";
        await MakeAsync(world, source, 200_000);
        await world.Guest.RunAsync($"zfs snapshot {source}@a");
        Assert.Equal([$"{source}@a"], await world.BackupAsync(source));

        await world.Guest.RunAsync($"zfs snapshot {source}@b; zfs destroy {source}@a; zfs list -H -t bookmark -o name {source} | while read -r b; do zfs destroy \"$b\"; done");
        (await world.RunAsync("backup", source)).Must(1, $"base snapshot {source}@a").Must(1, "is gone and no bookmark holds it").Must(1, "run with --allow-full");
        Assert.Single(world.Manifests);

        Assert.Equal([$"{source}@b"], await world.BackupAsync(source, "--allow-full"));
        await world.Guest.RunAsync($"echo more >> /{source}/file; zfs snapshot {source}@c");
        Assert.Equal([$"{source}@c"], await world.BackupAsync(source));
        await world.NothingIsHeldAsync("src");
        (await world.RunAsync("verify")).Must(0);

        // a pool that can't hold it is refused before anything is made on it
        await world.Guest.RunAsync("truncate -s 128M /old.img; zpool create -d old /old.img");
        (await world.RunAsync("restore", source, "--to", "old/base")).Must(1, "lacks the features").Must(1, "encryption");
        Assert.Equal(["old"], (await world.Guest.RunAsync("zfs list -H -o name -r old")).Lines);

        // a target that somebody worked on is rolled back only when that is wished
        (await world.RunAsync("restore", $"{source}@b", "--to", "dst/base")).Must(0);
        await world.Guest.RunAsync($"zfs load-key -L file://{Key} dst/base; zfs mount dst/base; touch /dst/base/new; zfs unmount dst/base; zfs unload-key dst/base");
        (await world.RunAsync("restore", source, "--to", "dst/base")).Must(1, "dst/base was changed since").Must(1, "--force");
        (await world.RunAsync("restore", source, "--to", "dst/base", "--force")).Must(0);
        await SameGuidAsync(world, $"{source}@c", "dst/base@c");
    });

    [VmFact]
    public Task A_send_that_dies_leaves_no_archive_and_no_hold() => PlayAsync(async world =>
    {
        const string source = "src/send";
        await MakeAsync(world, source, 3_000_000);
        await world.Guest.RunAsync($"zfs snapshot {source}@a; touch /root/happens/send-dies");
        var died = await world.RunAsync("backup", source, "--chunk-size", "1", "--zfs", Between);
        Assert.Equal(1, died.Must(1, "zfs").Code);
        await LeftNothingAsync(world);

        await world.Guest.RunAsync("touch /root/happens/send-stalls");
        using (var stopped = world.Start("backup", source, "--chunk-size", "1", "--zfs", Between))
        {
            await world.Guest.RunAsync("until [ -e /root/happens/stalled ]; do sleep 0.1; done");
            await stopped.TerminateAsync();
            (await stopped.EndAsync()).Must(130);
        }
        await LeftNothingAsync(world);

        Assert.Equal([$"{source}@a"], await world.BackupAsync(source, "--chunk-size", "1"));
        await world.NothingIsHeldAsync("src");
        (await world.RunAsync("verify")).Must(0);

        static async Task LeftNothingAsync(World world)
        {
            Assert.Empty(world.Manifests);
            await world.NothingIsHeldAsync("src");
        }
    });

    [VmFact]
    public Task A_restore_goes_on_after_a_receive_that_died_and_notices_who_works_on_its_target() => PlayAsync(async world =>
    {
        const string source = "src/receive", target = "dst/receive";
        await MakeAsync(world, source, 3_000_000);
        await world.Guest.RunAsync($"zfs snapshot {source}@a; echo b >> /{source}/file; zfs snapshot {source}@b; echo c >> /{source}/file; zfs snapshot {source}@c");
        Assert.Equal(3, (await world.BackupAsync(source)).Length);

        await world.Guest.RunAsync("touch /root/happens/receive-dies");
        (await world.RunAsync("restore", source, "--to", target, "--zfs", Between)).Must(1);
        Assert.NotEqual(["-"], await TokenAsync(world, target));

        // the first link again, then somebody mounts what came
        await world.Guest.RunAsync($"echo 'zfs load-key -L file://{Key} {target}; zfs mount -o rw {target}; touch /{target}/new; zfs unmount {target}; zfs unload-key {target}' > /root/happens/received");
        (await world.RunAsync("restore", source, "--to", target, "--zfs", Between)).Must(1, $"{target} was changed since {target}@a").Says("is received again");
        Assert.Equal(["-"], await TokenAsync(world, target));

        (await world.RunAsync("restore", source, "--to", target, "--force")).Must(0);
        await SameGuidAsync(world, $"{source}@c", $"{target}@c");
        (await world.RunAsync("restore", source, "--to", target)).Must(0);
    });

    [VmFact]
    public Task Damage_stops_a_restore_before_it_is_received_and_another_path_avoids_it() => PlayAsync(async world =>
    {
        const string source = "src/damage", target = "dst/damage";
        await MakeAsync(world, source, 3_000_000);
        await world.Guest.RunAsync($"zfs snapshot {source}@a; echo b >> /{source}/file; zfs snapshot {source}@b");
        Assert.Equal(2, (await world.BackupAsync(source, "--chunk-size", "1")).Length);
        var full = LastChunk(world, "_full");

        Flip(full);
        (await world.RunAsync("restore", source, "--to", target)).Must(20, Path.GetFileName(full));
        await world.Guest.RunAsync($"! zfs list {target} 2>/dev/null");
        (await world.RunAsync("verify", "--level", "data")).Must(20);

        // one of the two paths is the cheaper one: it is tried first, with either damaged
        (await world.ArchiveOutputAsync($"zfs send -w {source}@b", "--chunk-size", "1", "--dataset", source)).Must(0);
        var other = world.Files("archives", "*.zst").Where(f => f.Contains("_full", StringComparison.Ordinal) && Path.GetDirectoryName(f) != Path.GetDirectoryName(full)).Order(StringComparer.Ordinal).Last();
        var first = await RestoreAsync();
        Flip(full);
        Flip(other);
        var second = await RestoreAsync();
        Assert.Single([first, second], e => e.Error.Contains(".zst", StringComparison.Ordinal));

        async Task<Ended> RestoreAsync()
        {
            var restored = (await world.RunAsync("restore", source, "--to", target)).Must(0);
            await SameGuidAsync(world, $"{source}@b", $"{target}@b");
            await world.Guest.RunAsync($"zfs load-key -L file://{Key} {target}; zfs mount {target}; cmp /{source}/file /{target}/file; zfs destroy -r {target}");
            return restored;
        }
    });

    Task PlayAsync(Func<World, Task> scenario) => vm.PlayAsync(async world =>
    {
        await world.Guest.RunAsync($"""
            # something of the test before may still be coming to its end there
            for p in src dst old; do while zpool list $p >/dev/null 2>&1 && ! zpool destroy -f $p; do sleep 0.5; done; rm -f /$p.img; done
            for p in src dst; do truncate -s 256M /$p.img; zpool create -O atime=off $p /$p.img; done
            head -c 32 /dev/urandom > {Key}; rm -rf /root/happens; mkdir /root/happens
            """);
        (await world.RunAsync("init")).Must(0);
        await scenario(world);
    });

    static Task<Ended> MakeAsync(World world, string dataset, int bytes) =>
        world.Guest.RunAsync($"zfs create -o encryption=on -o keyformat=raw -o keylocation=file://{Key} {dataset}; head -c {bytes} /dev/urandom > /{dataset}/file");

    static async Task SameGuidAsync(World world, string source, string restored)
    {
        var guids = (await world.Guest.RunAsync($"zfs get -H -p -o value guid '{source}' '{restored}'")).Lines;
        Assert.Equal(guids[0], guids[1]);
    }

    static async Task<string[]> TokenAsync(World world, string dataset) => (await world.Guest.RunAsync($"zfs get -H -o value receive_resume_token {dataset}")).Lines;

    static string LastChunk(World world, string archive) =>
        world.Files("archives", "*.zst").Where(f => Path.GetDirectoryName(f)!.EndsWith(archive, StringComparison.Ordinal)).Order(StringComparer.Ordinal).Last();

    static void Flip(string file)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
    }
}
