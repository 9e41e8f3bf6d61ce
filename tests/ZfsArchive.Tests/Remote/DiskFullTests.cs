using System.Text.RegularExpressions;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>The disk of an SFTP server is full.</summary>
public sealed class DiskFullTests
{
    const int MiB = 1 << 20;
    const int Size = 20 * MiB;
    static readonly byte[] s_stream = new SyntheticStream { Blocks = 96 }.Bytes();
    static readonly string[] s_backup = ["backup", "--stdin", "--allow-plaintext", "--chunk-size", "1", "--compress", "0"];

    [SmallDiskFact]
    public async Task A_full_disk_is_said_leaves_nothing_half_and_the_next_run_completes()
    {
        using var server = SftpServer.Start();
        var place = new SftpPlace(server);
        Directory.CreateDirectory(place.Folder);
        await Shell.RunAsync("/", $"mount -t tmpfs -o size={Size} small '{place.Folder}'");
        try
        {
            await FillAsync(place);
        }
        finally
        {
            await Shell.RunAsync("/", $"umount -l '{place.Folder}'");
        }
    }

    static async Task FillAsync(SftpPlace place)
    {
        using var host = await place.NewRepositoryAsync();
        var ballast = Path.Combine(place.Folder, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[13 * MiB]);

        await host.ExpectAsync(1, s_stream, s_backup);
        var said = Regex.Match(host.Error.ToString(), @"cannot create archives/[^ ]+\.zst: there is no room: (\d+) bytes are free, (\d+) are needed");
        Assert.True(said.Success, host.Error.ToString());
        Assert.Contains(place.Location, host.Error.ToString(), StringComparison.Ordinal);
        Assert.True(long.Parse(said.Groups[1].Value, null) < Size && long.Parse(said.Groups[2].Value, null) > MiB, said.Value);
        Assert.DoesNotContain(place.Files, f => Path.GetFileName(f).StartsWith('.'));
        Assert.DoesNotContain(place.Files, f => f.StartsWith("leases/", StringComparison.Ordinal));
        var left = await place.ObjectsAsync();
        Assert.Contains(left.Keys, k => k.EndsWith(".zst", StringComparison.Ordinal));
        Assert.All(left.Where(o => o.Key.EndsWith(".zst", StringComparison.Ordinal)), o => Assert.Equal(ObjectBody.OfBytes(o.Value).Sha256, o.Key[^68..^4]));
        Assert.Empty(StoredTruth.Streams(left));

        File.Delete(ballast);
        await host.ExpectAsync(0, s_stream, s_backup);
        Assert.True(Assert.Single(StoredTruth.Streams(await place.ObjectsAsync())).Value.AsSpan().SequenceEqual(s_stream));
    }
}

/// <summary>A test that mounts a small disk, for which one has to be root and allowed to mount.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute() => Skip = ServerPrograms.WhyNotSftp ?? WhyNotMount.Value;

    static Lazy<string?> WhyNotMount { get; } = new(() =>
    {
        if (Environment.UserName != "root") return "only root can mount a small disk";
        using var temp = new TempFolder();
        using var mount = System.Diagnostics.Process.Start("sh", ["-c", $"mount -t tmpfs -o size=65536 small '{temp.Path}' 2> /dev/null && umount '{temp.Path}'"])!;
        mount.WaitForExit();
        return mount.ExitCode == 0 ? null : "mounting a small disk is not allowed here, not even to root";
    });
}
