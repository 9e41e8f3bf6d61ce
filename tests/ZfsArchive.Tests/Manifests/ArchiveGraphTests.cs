using ZfsArchive.Manifests;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Manifests;

public sealed class ArchiveGraphTests
{
    static ArchiveGraph Graph(params ArchiveEntry[] archives) => new(archives);

    static IEnumerable<ulong>? PathTo(ArchiveGraph graph, ArchiveEntry archive) => graph.Paths().To(archive)?.Select(a => a.Head.Snapshot.Guid);

    [Fact]
    public void The_cheapest_path_reads_the_fewest_bytes()
    {
        var full = Archives.Of(1, stored: 1000);
        var (step2, step3, wide) = (Archives.Of(2, 1, stored: 10), Archives.Of(3, 2, stored: 10), Archives.Of(3, 1, stored: 25));
        var again = Archives.Of(3, stored: 1500);
        var paths = Graph(full, step2, step3, wide, again).Paths();
        Assert.Equal(step3, paths.Cheapest(3));
        Assert.Equal(1020, paths.Cost(step3));
        Assert.True(paths.To(step3)!.Value.SequenceEqual([full, step2, step3]));
        Assert.True(paths.To(wide)!.Value.SequenceEqual([full, wide]));

        var without = Graph(full, step2, step3, wide, again).Paths(a => a != step2);
        Assert.Equal(wide, without.Cheapest(3));
        Assert.False(without.Reaches(step3));
        Assert.Null(Graph(step2, step3).Paths().Cheapest(3));
    }

    [Fact]
    public void Random_graphs_agree_with_trying_everything()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var archives = Enumerable.Range(0, random.Next(1, 14))
                .Select(i => Archives.Of((ulong)random.Next(1, 8), (ulong)random.Next(0, 8), stored: random.Next(1, 50), ordinal: i + 1, largeBlocks: random.Next(4) == 0,
                    key: random.Next(6) == 0 ? 99UL : Archives.Key, conditions: random.Next(10) == 0 ? ["redacted"] : null)).ToArray();
            var paths = new ArchiveGraph(archives).Paths();
            foreach (var archive in archives)
            {
                var best = Best(archives, archive, []);
                Assert.True(paths.Reaches(archive) == best is not null, $"seed {seed}: {archive}");
                if (best is not null) Assert.True(paths.Cost(archive) == best, $"seed {seed}: {archive} costs {paths.Cost(archive)}, not {best}");
                if (paths.To(archive) is { } path)
                {
                    Assert.True(path[0].Head.IsFull && path[^1] == archive && path.Sum(a => a.Head.Totals.StoredLength) == best, $"seed {seed}: {string.Join(' ', path)}");
                    Assert.Equal(path.Length, path.Distinct().Count());
                }
            }
        }
    }

    [Fact]
    public void One_archive_more_is_as_if_it_had_been_there_from_the_beginning()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var graph = new ArchiveGraph([]);
            for (var i = 0; i < 14; i++)
            {
                // sometimes nobody has asked for the paths yet, and sometimes it takes the place of another one
                if (random.Next(3) > 0) graph.Paths();
                var archive = Archives.Of((ulong)random.Next(1, 8), (ulong)random.Next(0, 8), stored: random.Next(1, 50), ordinal: random.Next(1, 4), largeBlocks: random.Next(4) == 0, conditions: random.Next(10) == 0 ? ["redacted"] : null);
                var before = (graph, graph.Archives);
                graph = graph.With(archive);
                var anew = new ArchiveGraph(before.Archives.Where(a => a.Id != archive.Id).Append(archive));
                Assert.True(anew.Archives.SequenceEqual(graph.Archives));
                Assert.True(before.Archives.SequenceEqual(before.graph.Archives));
                foreach (var each in graph.Archives)
                {
                    Assert.True(anew.OfSnapshot(each.Head.Snapshot.Guid).SequenceEqual(graph.OfSnapshot(each.Head.Snapshot.Guid)));
                    Assert.True(anew.BasedOn(each).SequenceEqual(graph.BasedOn(each)));
                    Assert.True(anew.Paths().Reaches(each) == graph.Paths().Reaches(each), $"seed {seed}: {each}");
                    if (anew.Paths().Reaches(each)) Assert.Equal(anew.Paths().Cost(each), graph.Paths().Cost(each));
                    Assert.Equal(anew.Paths().Cheapest(each.Node), graph.Paths().Cheapest(each.Node));
                }
            }
        }
    }

    [Fact]
    public void A_catalog_with_one_archive_more_knows_its_dataset_by_its_newest_name()
    {
        var catalog = Archives.Catalog(Archives.Of(1), Archives.Of(2, dataset: 7, name: "tank/b"));
        Assert.Single(catalog.ArchivesOf(Archives.Dataset));
        catalog = catalog.With(Archives.Of(3, 1)).With(Archives.Of(4, dataset: 8, name: "tank/c"));
        Assert.Equal(["tank/a", "tank/b", "tank/c"], catalog.Folders.Select(catalog.NameOf));
        Assert.Equal(2, catalog.ArchivesOf(Archives.Dataset).Count());
        Assert.Single(catalog.ArchivesOf(8));
        var folder = catalog.FolderOf("tank/z", 8);
        Assert.Equal("tank/c", catalog.NameOf(folder));

        var renamed = Archives.Of(5, 4, dataset: 8, name: "tank/0");
        catalog = catalog.With(new(folder, renamed.Name, renamed.Head, renamed.Sha256, 1));
        Assert.Equal(["tank/0", "tank/a", "tank/b"], catalog.Folders.Select(catalog.NameOf));
        Assert.Equal(folder, catalog.FolderOf("tank/z", 8));
    }

    // All paths without repetition, backwards from the archive.
    static long? Best(ArchiveEntry[] all, ArchiveEntry archive, HashSet<ArchiveEntry> seen)
    {
        if (!archive.Counts || !seen.Add(archive)) return null;
        try
        {
            var own = archive.Head.Totals.StoredLength;
            if (archive.Head.IsFull) return own;
            var before = all.Where(b => b.Head.Snapshot.Guid == archive.Head.Stream.FromGuid && b.Head.Encryption.KeyGuid == archive.Head.Encryption.KeyGuid
                && b.Head.Encryption.ToIvsetGuid == archive.Head.Encryption.FromIvsetGuid && (archive.LargeBlocks || !b.LargeBlocks));
            return before.Select(b => Best(all, b, seen)).Where(c => c is not null).Min() is { } least ? least + own : null;
        }
        finally
        {
            seen.Remove(archive);
        }
    }

    [Fact]
    public void A_cycle_of_hostile_manifests_ends_and_leads_nowhere()
    {
        var (a, b, self) = (Archives.Of(1, 2), Archives.Of(2, 1), Archives.Of(3, 3));
        var paths = Graph(a, b, self).Paths();
        foreach (var archive in new[] { a, b, self })
        {
            Assert.False(paths.Reaches(archive));
            Assert.Null(paths.To(archive));
        }
        var full = Archives.Of(1);
        Assert.Equal([1, 2], PathTo(Graph(a, b, full), b)!);
        Assert.Equal([1, 2, 1], PathTo(Graph(a, b, full), a)!);
    }

    [Fact]
    public void A_long_chain_is_no_deep_recursion()
    {
        var archives = Enumerable.Range(1, 20_000).Select(n => Archives.Of((ulong)n, (ulong)n - 1)).ToArray();
        Assert.Equal(20_000, Graph(archives).Paths().To(archives[^1])!.Value.Length);
    }

    [Fact]
    public void Once_with_large_blocks_always_with_them()
    {
        var (large, small) = (Archives.Of(1, largeBlocks: true), Archives.Of(1, ordinal: 2));
        var (nextLarge, nextSmall) = (Archives.Of(2, 1, largeBlocks: true), Archives.Of(2, 1, ordinal: 2));
        Assert.Null(PathTo(Graph(large, nextSmall), nextSmall));
        Assert.NotNull(PathTo(Graph(large, nextLarge), nextLarge));
        Assert.NotNull(PathTo(Graph(small, nextLarge), nextLarge));
        Assert.NotNull(PathTo(Graph(small, nextSmall), nextSmall));
        Assert.True(Graph(large, small, nextSmall).Paths().To(nextSmall)!.Value.SequenceEqual([small, nextSmall]));
    }

    [Fact]
    public void A_snapshot_under_another_key_is_no_base()
    {
        var next = Archives.Of(2, 1);
        Assert.NotNull(PathTo(Graph(Archives.Of(1), next), next));
        Assert.Null(PathTo(Graph(Archives.Of(1, key: 0xbad), next), next));
        Assert.Null(PathTo(Graph(Archives.Of(1, ivset: 0xbad), next), next));
        Assert.Null(PathTo(Graph(Archives.Of(1, raw: false), next), next));
        var plain = Archives.Of(2, 1, raw: false);
        Assert.Null(PathTo(Graph(Archives.Of(1), plain), plain));
        Assert.NotNull(PathTo(Graph(Archives.Of(1, raw: false, key: 0xbad), plain), plain));

        var anyIvset = Archives.Of(2, 1, fromIvset: 0);
        Assert.NotNull(PathTo(Graph(Archives.Of(1, ivset: 0xbad), anyIvset), anyIvset));
    }

    [Fact]
    public void What_has_a_condition_stands_in_no_chain()
    {
        var (redacted, next) = (Archives.Of(1, conditions: ["redacted"]), Archives.Of(2, 1));
        var paths = Graph(redacted, next).Paths();
        Assert.False(paths.Reaches(redacted));
        Assert.False(paths.Reaches(next));
    }
}
