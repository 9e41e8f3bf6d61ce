using System.Text.Json;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Cli;

/// <summary>What verify has found is not forgotten by those who only list.</summary>
public sealed class ListDamageTests
{
    [Fact]
    public async Task An_archive_that_was_found_damaged_is_listed_as_that_and_what_is_based_on_it_as_lost()
    {
        using var host = await TestHost.WithRepositoryAsync();
        foreach (var name in new[] { "chain-full", "chain-incr1", "chain-incr2" }) await host.ExpectAsync(0, Golden.Bytes(name), "backup", "--stdin", "--allow-plaintext");
        var chunk = Directory.EnumerateFiles(Path.Combine(host.Repo, "archives"), "*.zst", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ElementAt(1);
        var whole = await File.ReadAllBytesAsync(chunk);
        await File.WriteAllBytesAsync(chunk, [.. whole[..^1], (byte)~whole[^1]]);
        await host.ExpectAsync(0, null, "list");
        await host.ExpectAsync(20, null, "verify");

        await host.ExpectAsync(20, null, "list");
        Assert.Matches("(?s)@s0 .* ok\n.*@s1 .* DAMAGED: run verify\n.*@s2 .* NOT RESTORABLE: what it is based on is damaged", host.Out.ToString());
        await host.ExpectAsync(20, null, "list", "--json");
        using var listed = JsonDocument.Parse(host.Out.ToString());
        Assert.Equal([(true, false), (false, true), (false, false)], listed.RootElement.GetProperty("archives").EnumerateArray().Select(a => (a.GetProperty("restorable").GetBoolean(), a.GetProperty("damaged").GetBoolean())));
        await host.ExpectAsync(0, null, "show", "tank/chain@s1");
        Assert.Contains("  DAMAGED     archives/", host.Out.ToString(), StringComparison.Ordinal);

        await host.ExpectAsync(0, Golden.Bytes("chain-incr1"), "backup", "--stdin", "--allow-plaintext");
        Assert.StartsWith("already archived, and what was missing or damaged was put back: tank/chain@s1", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Equal(whole, await File.ReadAllBytesAsync(chunk));
        await host.ExpectAsync(0, null, "verify");
        await host.ExpectAsync(0, null, "list");
        await host.ExpectAsync(0, null, "show", "tank/chain@s1");
        Assert.DoesNotContain("DAMAGED", host.Out.ToString(), StringComparison.Ordinal);
    }
}
