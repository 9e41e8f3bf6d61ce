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
