using System.Text.Json;
using ZfsArchive.Manifests;
using ZfsArchive.Repository;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Repository;

/// <summary>What need not be read twice.</summary>
public sealed class HeadCacheTests
{
    static string Text(ArchiveEntry entry) => entry.Id + entry.Sha256 + entry.ManifestLength + JsonSerializer.Serialize(
        entry.Head with { Properties = null, Stream = entry.Head.Stream with { Records = System.Collections.Immutable.ImmutableSortedDictionary<string, long>.Empty } }, ManifestJson.Default.ManifestHead);

    static async Task<(string[] Known, string[] Fresh, List<string> Read)> CatalogsAsync(PruneWorld world)
    {
        var read = new List<string>();
        var repository = await world.OpenAsync(new InterceptedStore(world.Store, (call, name) =>
        {
            if (call == "read" && name.StartsWith("manifests/", StringComparison.Ordinal) && !name.Contains("dataset-", StringComparison.Ordinal))
                lock (read) read.Add(name);
            return Task.CompletedTask;
        }));
        var known = (await repository.KnownCatalogAsync(default)).Graph.Archives.Select(Text).ToArray();
        var before = read.ToList();
        return (known, (await repository.CatalogAsync(default)).Graph.Archives.Select(Text).ToArray(), before);
    }

    [Fact]
    public async Task Heads_come_back_as_they_were_and_are_read_once()
    {
        using var world = await PruneWorld.NewAsync();
        var chain = await world.ChainAsync(5, TimeSpan.FromDays(1));
        await world.CommitAsync(PruneWorld.Entry(77, world.Store.Time, chain[1], "tank/b", 0xb, chunks: 3, ordinal: 2, conditions: ["redacted"]));
        var first = await CatalogsAsync(world);
        Assert.Equal(6, first.Read.Count);
        Assert.Equal(first.Fresh, first.Known);

        await world.CommitAsync(PruneWorld.Entry(99, world.Store.Time, chain[4]));
        var second = await CatalogsAsync(world);
        Assert.Single(second.Read);
        Assert.Equal(second.Fresh, second.Known);
        var third = await CatalogsAsync(world);
        Assert.Empty(third.Read);
        Assert.Equal(third.Fresh, third.Known);
    }

    [Fact]
    public async Task Real_heads_come_back_as_they_were()
    {
        using var host = await TestHost.WithRepositoryAsync();
        foreach (var name in new[] { "chain-full", "chain-incr1", "chain-incr2" }) await host.ExpectAsync(0, Golden.Bytes(name), "backup", "--stdin", "-q");
        await host.ExpectAsync(0, null, "list", "--json");
        var before = host.Out.ToString();
        await host.ExpectAsync(0, null, "list", "--json");
        Assert.Equal(before, host.Out.ToString());
    }

    [Fact]
    public async Task A_cache_that_is_damaged_or_of_another_program_is_left()
    {
        using var world = await PruneWorld.NewAsync();
        await world.ChainAsync(3, TimeSpan.FromDays(1));
        await CatalogsAsync(world);
        var file = Assert.Single(Directory.GetFiles(world.Folders.Cache, "*.heads"));
        var whole = File.ReadAllBytes(file);
        for (var at = 0; at < whole.Length; at += 7)
        {
            byte[] bytes = [.. whole];
            bytes[at] ^= 0x41;
            File.WriteAllBytes(file, at % 2 == 0 ? bytes : whole[..at]);
            var catalogs = await CatalogsAsync(world);
            Assert.Equal(3, catalogs.Read.Count);
            Assert.Equal(catalogs.Fresh, catalogs.Known);
        }
    }

    [Fact]
    public async Task A_manifest_that_was_replaced_or_removed_is_not_taken_from_memory()
    {
        using var world = await PruneWorld.NewAsync();
        var chain = await world.ChainAsync(3, TimeSpan.FromDays(1));
        await CatalogsAsync(world);
        var key = Layout.Manifest(chain[2].Folder, chain[2].Name);
        world.Store[key] = [.. world.Store[key]!, (byte)' '];
        Assert.Equal(2, (await CatalogsAsync(world)).Known.Length);
        world.Store[key] = null;
        Assert.Equal(2, (await CatalogsAsync(world)).Known.Length);
    }
}
