namespace ZfsArchive.Tests.EndToEnd;

/// <summary>A tree with all that ZFS and its users do to one, archived step by step, lost, and restored elsewhere.</summary>
[Collection(VirtualMachines.Name)]
public sealed class WholeTreeTests(VirtualMachine vm)
{
    const string Source = "tank/enc", Target = "vault/r", Scripts = "/root/guest", Facts = "/root/e2e/facts";

    [VmFact]
    public Task A_tree_is_archived_lost_and_restored_to_the_last_byte() => vm.PlayAsync(async world =>
    {
        (await world.RunAsync("init")).Must(0);
        await world.Guest.RunAsync($"{Scripts}/make-source.sh --again; {Scripts}/make-target.sh --again");
        var guids = await ArchiveAsync(world);

        await world.Guest.RunAsync("zpool destroy -f tank");
        await RestoreAsync(world);

        Assert.Equal(guids, await GuidsAsync(world, Target));
        await RequireUnderOneKeyAsync(world);
        await RequireSameContentAsync(world, guids.Keys);
    });

    // What happens in each step: guest/step.sh.
    static async Task<SortedDictionary<string, string>> ArchiveAsync(World world)
    {
        var guids = new SortedDictionary<string, string>(StringComparer.Ordinal);
        string[][] wanted =
        [
            ["enc@s1", "enc/child@s1", "enc/vol@s1"],
            ["enc@s2", "enc/child@s2", "enc/vol@s2"],
            ["enc@s3", "enc@s4", "enc/child@s3", "enc/child@s4", "enc/clone@s3", "enc/clone@s4", "enc/vol@s3", "enc/vol@s4"],
            [],
            ["enc@s5", "enc/kid@s5", "enc/clone@s5", "enc/vol@s5"],
            ["enc@s6", "enc/kid@s6", "enc/clone@s6", "enc/vol@s6"],
        ];
        for (var step = 1; step <= wanted.Length; step++)
        {
            await world.Guest.RunAsync($"{Scripts}/step.sh {step}", TimeSpan.FromMinutes(5));
            foreach (var (name, guid) in await GuidsAsync(world, Source)) guids[name] = guid;

            if (step == 1)
            {
                (await world.RunAsync("backup", Source, "-R", "--dry-run")).Must(0).Says("would archive tank/enc@s1").Says("would archive tank/enc/child@s1").Says("would archive tank/enc/vol@s1");
                Assert.Empty(world.Manifests);
            }
            Assert.Equal(wanted[step - 1].Select(s => $"tank/{s}").Order(), (await world.BackupAsync(Source, "-R")).Order());
        }
        await world.NothingIsHeldAsync("tank");
        Assert.Equal(22, world.Manifests.Count());
        (await world.RunAsync("verify", "--level", "stream")).Must(0).Says("sound at level stream: 22 archives");
        return guids;
    }

    static async Task RestoreAsync(World world)
    {
        using (var first = world.Start("restore", Source, "-R", "--to", Target))
        {
            // between two links, or early in one: both have to do
            await world.Guest.RunAsync($"until zfs list -H -o name {Target}@s2 >/dev/null 2>&1; do sleep 0.1; done");
            Assert.True(first.IsRunning);
            first.Kill();
            await first.EndAsync();
        }
        await world.Guest.RunAsync("while pgrep -f '^zfs receive' >/dev/null; do sleep 0.1; done");
        Assert.True((await GuidsAsync(world, Target)).Count < 22);

        var second = (await world.RunAsync("restore", Source, "-R", "--to", Target)).Must(0);
        Assert.DoesNotContain("tank/enc@s1 (full", second.Out, StringComparison.Ordinal);
    }

    static async Task RequireUnderOneKeyAsync(World world)
    {
        var listed = await world.Guest.RunAsync($"zfs list -H -r -o name,encryptionroot,keystatus,mounted,receive_resume_token {Target}");
        Assert.Equal(
            ["vault/r\tvault/r\tunavailable\tno\t-", "vault/r/clone\tvault/r\tunavailable\tno\t-", "vault/r/kid\tvault/r\tunavailable\tno\t-", "vault/r/vol\tvault/r\tunavailable\t-\t-"],
            listed.Lines);
    }

    // Every snapshot by itself, then all of it mounted.
    static async Task RequireSameContentAsync(World world, IEnumerable<string> snapshots)
    {
        var compared = await world.Guest.RunAsync($"zfs load-key -L file:///root/e2e/pass2 {Target}; {Scripts}/facts.py compare {Facts} {Target}", TimeSpan.FromMinutes(5));
        var same = snapshots.Select(s => (s[0] == '@' ? $"enc{s}" : s[1..]).Replace("kid@", "child@", StringComparison.Ordinal));
        Assert.Equal(
            same.Concat(["enc live", "child live", "vol live", "clone live"]).Order(StringComparer.Ordinal),
            compared.Lines.Where(l => l.StartsWith("same ", StringComparison.Ordinal)).Select(l => l[4..].Trim()).Order(StringComparer.Ordinal));
    }

    // By the name below the top; child is called kid in the end.
    static async Task<SortedDictionary<string, string>> GuidsAsync(World world, string top)
    {
        var listed = await world.Guest.RunAsync($"zfs list -H -p -t snapshot -o name,guid -r {top}");
        return new(listed.Lines.Select(l => l.Split('\t')).ToDictionary(l => l[0][top.Length..].Replace("/child@", "/kid@", StringComparison.Ordinal), l => l[1]), StringComparer.Ordinal);
    }
}
