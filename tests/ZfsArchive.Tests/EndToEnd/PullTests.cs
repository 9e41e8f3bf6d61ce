using System.Text.Json;

namespace ZfsArchive.Tests.EndToEnd;

/// <summary>The program here, the data there, and between them a user who may do only what <c>zfs allow</c> lets him.</summary>
[Collection(VirtualMachines.Name)]
public sealed class PullTests(VirtualMachine vm)
{
    const string User = "zsend";

    // What the README says: all, without what only the removal of our snapshots needs.
    const string Rights = "send,hold,release,bookmark,snapshot,destroy";

    const string Tree = """
        repositories: {disk: {url: REPOSITORY}}
        jobs:
          tree: {source: "ssh://zsend@zfs-vm", datasets: [src/e], recursive: true, snapshot: true}
          marked: {source: "ssh://zsend@zfs-vm", by_property: true, snapshot: true, send: {allow_plaintext: true}}
        """;

    [VmFact]
    public Task Such_a_user_pulls_night_after_night() => PlayAsync(Tree, async world =>
    {
        await world.Guest.RunAsync($"zfs allow {User} {Rights} src; zfs set zfsarchive:job=marked src/marked; zfs set zfsarchive:job=other src/other");
        var first = await world.NightAsync(0);
        Assert.Equal(["src/e", "src/e/kid", "src/e/vol", "src/marked"], Archived(first).Order(StringComparer.Ordinal));

        // the fifth archive makes the bookmark of the first superfluous
        for (var night = 2; night <= 4; night++)
        {
            await world.Guest.RunAsync($"echo {night} >> /src/e/file; sleep 1");
            var next = await world.NightAsync(0);
            Assert.Equal(4, Archived(next).Count());
            Assert.All(next.GetProperty("jobs")[0].GetProperty("archives").EnumerateArray(), a => Assert.Equal("incremental", a.GetProperty("kind").GetString()));
            if (night == 4) Assert.Equal(3, next.GetProperty("jobs")[0].GetProperty("released").GetArrayLength());
        }
        Assert.Equal(["3 src/e", "3 src/e/kid", "3 src/e/vol", "3 src/marked"], (await world.Guest.RunAsync("zfs list -H -t bookmark -o name -r src | cut -d '#' -f 1 | sort | uniq -c | sed 's/^ *//'")).Lines);
        await world.NothingIsHeldAsync("src");

        // that is as far as these rights go
        foreach (var refused in (string[])["zfs destroy $(zfs list -H -t snapshot -o name src/e | head -n 1)", "zfs destroy -r src/e/vol", "zfs rollback src/marked@$(zfs list -H -t snapshot -o name src/marked | tail -n 1 | cut -d @ -f 2)"])
            (await AsUserAsync(world, refused)).Must(1, "permission denied");
        (await world.RunAsync("verify", "--level", "stream")).Must(0);
    });

    [VmFact]
    public Task Our_snapshots_go_only_with_the_right_to_mount() => PlayAsync(Tree.Replace("recursive: true, snapshot: true", "snapshot: {keep: 1}", StringComparison.Ordinal), async world =>
    {
        await world.Guest.RunAsync($"zfs allow {User} {Rights} src");
        await world.NightAsync(0);
        await world.Guest.RunAsync("echo more >> /src/e/file; sleep 1");
        var night = await world.NightAsync(3);
        Assert.Contains($"zfs allow USER destroy,mount DATASET", Failure(night), StringComparison.Ordinal);

        await world.Guest.RunAsync($"zfs allow {User} mount src; sleep 1");
        await world.NightAsync(0);
        Assert.Single((await world.Guest.RunAsync("zfs list -H -t snapshot -o name src/e")).Lines);
    });

    [VmFact]
    public Task A_right_that_is_missing_is_named_and_nothing_is_left_behind() => PlayAsync(Tree, async world =>
    {
        var named = new List<string>();
        while (named.Count < 10)
        {
            var ended = await world.RunAsync("run", "--json", "tree");
            if (ended.Code == 0) break;
            using var night = JsonDocument.Parse(ended.Lines[^1]);
            var failure = Failure(night.RootElement);
            var right = failure.Split("zfs allow USER ", 2) is [_, var rest] ? rest.Split(' ')[0] : failure;
            Assert.DoesNotContain(right, named);
            named.Add(right);
            await world.Guest.RunAsync($"zfs allow {User} {right} src; sleep 1");
        }
        // the last when there are bookmarks to remove
        Assert.Equal(["snapshot", "hold", "send", "bookmark", "release", "destroy"], named);
        await world.NothingIsHeldAsync("src");
    });

    static IEnumerable<string?> Archived(JsonElement night) =>
        night.GetProperty("jobs").EnumerateArray().SelectMany(j => j.GetProperty("archives").EnumerateArray()).Select(a => a.GetProperty("dataset").GetString());

    static string Failure(JsonElement night) => night.GetProperty("failures")[0].GetProperty("text").GetString()!;

    static Task<Ended> AsUserAsync(World world, string command) => world.Guest.TryAsync($"su {User} -s /bin/bash -c {VirtualMachine.Quote(command)}");

    Task PlayAsync(string configuration, Func<World, Task> scenario) => vm.PlayAsync(async world =>
    {
        await world.Guest.RunAsync($"""
            while zpool list src >/dev/null 2>&1 && ! zpool destroy -f src; do sleep 0.5; done
            rm -f /src.img; truncate -s 256M /src.img; zpool create -O atime=off src /src.img
            head -c 32 /dev/urandom > /root/raw.key
            zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///root/raw.key src/e
            zfs create src/e/kid; zfs create -s -V 8M src/e/vol; zfs create src/marked; zfs create src/other
            head -c 200000 /dev/urandom > /src/e/file
            id {User} >/dev/null 2>&1 || useradd -m -s /bin/bash {User}
            # sshd without PAM takes an account that was never given a password for a locked one
            usermod -p '*' {User}
            install -d -m 700 -o {User} /home/{User}/.ssh; sed 's/^/restrict /' /root/.ssh/authorized_keys > /home/{User}/.ssh/authorized_keys; chown {User} /home/{User}/.ssh/authorized_keys
            """);
        (await world.RunAsync("init")).Must(0);
        await world.ConfigureAsync(configuration);
        await scenario(world);
    });
}
