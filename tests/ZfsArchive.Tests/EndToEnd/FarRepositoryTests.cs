using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.EndToEnd;

/// <summary>Trees that go to real servers and come back from them into real ZFS.</summary>
[Collection(NightMachines.Name)]
public sealed class FarRepositoryTests(VirtualMachine vm)
{
    [VmS3Fact]
    public Task A_tree_comes_back_from_a_bucket() => vm.PlayAsync(async world =>
    {
        var server = S3Server.Shared;
        world.Set("AWS_ENDPOINT_URL", server.Endpoint.ToString());
        world.Set("AWS_REGION", server.Region);
        world.Set("AWS_ACCESS_KEY_ID", server.AccessKey);
        world.Set("AWS_SECRET_ACCESS_KEY", server.SecretKey);
        await ThereAndBackAsync(world, $"s3://{server.NewBucket("vm")}/zfs");
    });

    [VmSftpFact]
    public Task A_tree_comes_back_from_a_storage_box() => vm.PlayAsync(async world =>
    {
        using var server = SftpServer.Start("--sftp-only");
        world.Set("ZFSARCHIVE_SFTP_CONFIG", server.SshConfiguration);
        await ThereAndBackAsync(world, $"sftp://{server.User}@{server.Host}:{server.Port}/{server.Root}/zfs");
    });

    static async Task ThereAndBackAsync(World world, string repository)
    {
        const string pools = "/root/guest/night-pools.sh";
        world.Set("ZFSARCHIVE_REPO", repository);
        (await world.RunAsync("init")).Must(0);
        await world.Guest.RunAsync($"{pools} make; zfs snapshot -r tank/home@one");
        Assert.Equal(3, (await world.BackupAsync("tank/home", "-R", "--chunk-size", "1")).Length);
        for (var round = 0; round < 2; round++) await world.Guest.RunAsync($"{pools} change; zfs snapshot -r tank/home@more{round}");
        Assert.Equal(6, (await world.BackupAsync("tank/home", "-R")).Length);
        await world.Guest.RunAsync($"{pools} hashes > /root/before; zfs destroy -r tank/home");

        // broken off in the middle, and again
        using (var first = world.Start("restore", "tank/home", "-R", "--to", "tank/home"))
        {
            await world.Guest.RunAsync("until zfs list -H -o name tank/home@one >/dev/null 2>&1; do sleep 0.1; done");
            first.Kill();
            await first.EndAsync();
        }
        await world.Guest.RunAsync("while pgrep -f '^zfs receive' >/dev/null; do sleep 0.1; done");
        (await world.RunAsync("restore", "tank/home", "-R", "--to", "tank/home")).Must(0);
        await world.Guest.RunAsync("zfs load-key -L file:///root/pass tank/home; zfs mount -a");
        Assert.Equal("", (await world.Guest.TryAsync($"{pools} hashes | diff /root/before -")).Must(0).Out);
        (await world.RunAsync("verify", "--level", "stream")).Must(0);
    }
}
