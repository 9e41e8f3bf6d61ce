using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Backup;

/// <summary>What a killed backup left is removed by the next one.</summary>
public sealed class SweepTests
{
    [Fact]
    public async Task Unfinished_files_of_a_killed_backup_are_removed_by_the_next_one()
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), "backup", "--stdin");
        var folder = Path.GetDirectoryName(Directory.GetFiles(Path.Combine(host.Repo, "archives"), "*.zst", SearchOption.AllDirectories)[0])!;
        string[] left = [Path.Combine(folder, ".killed.part"), Path.Combine(Path.GetDirectoryName(host.Manifests.First())!, ".killed.part")];
        foreach (var path in left) File.WriteAllText(path, "x");
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), "backup", "--stdin");
        await host.ExpectAsync(0, Golden.Bytes("chain-incr1"), "backup", "--stdin");
        Assert.All(left, path => Assert.False(File.Exists(path), path));
    }
}
