using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Verify;

/// <summary>Damage that was found is told until it is looked at again and found well, and is looked at first.</summary>
public sealed class KnownDamageTests
{
    static async Task<(TestHost Host, string Chunk, byte[] Whole)> DamagedAsync()
    {
        var host = await TestHost.WithRepositoryAsync();
        foreach (var name in new[] { "chain-full", "chain-incr1", "chain-incr2", "chain-incr3" }) await host.ExpectAsync(0, Golden.Bytes(name), "backup", "--stdin", "--allow-plaintext");
        var chunk = Directory.EnumerateFiles(Path.Combine(host.Repo, "archives"), "*.zst", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ElementAt(1);
        var whole = await File.ReadAllBytesAsync(chunk);
        await File.WriteAllBytesAsync(chunk, [.. whole[..^1], (byte)~whole[^1]]);
        await host.ExpectAsync(20, null, "verify");
        return (host, chunk, whole);
    }

    [Theory, InlineData("chain"), InlineData("objects")]
    public async Task A_level_that_cannot_see_it_does_not_say_that_all_is_well(string level)
    {
        var (host, chunk, whole) = await DamagedAsync();
        using var _ = host;
        await host.ExpectAsync(20, null, "verify", "--level", level);
        Assert.Contains("(found 2026-11-20, and not looked at again)", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Contains("DAMAGED: 1 finding; cannot be restored: ", host.Out.ToString(), StringComparison.Ordinal);
        await File.WriteAllBytesAsync(chunk, whole);
        await host.ExpectAsync(20, null, "verify", "--level", level);
        await host.ExpectAsync(0, null, "verify", "--level", "data");
        await host.ExpectAsync(0, null, "verify", "--level", level);
    }

    [Fact]
    public async Task A_share_begins_with_it_so_that_what_was_mended_counts_as_mended()
    {
        var (host, chunk, whole) = await DamagedAsync();
        using var _ = host;
        host.Clock.Now += TimeSpan.FromDays(1);
        await host.ExpectAsync(20, null, "verify", "--max-bytes", "1");
        Assert.DoesNotContain("not looked at again", host.Out.ToString(), StringComparison.Ordinal);
        await File.WriteAllBytesAsync(chunk, whole);
        await host.ExpectAsync(0, null, "verify", "--max-bytes", "1");
        await host.ExpectAsync(0, null, "list");
    }
}
