using ZfsArchive.Manifests;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Verify;

public sealed class ConsequencesTests
{
    static Fault Unusable(ArchiveEntry archive) => new(Severity.Damage, archive.Id, true, archive.Id, "damaged", "mend it", archive.SnapshotName);

    [Fact]
    public void What_one_archive_costs_is_all_that_only_it_leads_to()
    {
        var (full, s2, s3, s4, around) = (Archives.Of(1), Archives.Of(2, 1), Archives.Of(3, 2), Archives.Of(4, 3), Archives.Of(3, 1));
        var costs = new Consequences(Archives.Catalog(full, s2, s3, s4, around));
        Assert.Equal(["tank/a@s1", "tank/a@s2", "tank/a@s3", "tank/a@s4"], costs.Of(Unusable(full)).Costs.AsEnumerable());
        Assert.Equal(["tank/a@s2"], costs.Of(Unusable(s2)).Costs.AsEnumerable());
        Assert.Empty(costs.Of(Unusable(s3)).Costs);
        Assert.Equal(["tank/a@s4"], costs.Of(Unusable(s4)).Costs.AsEnumerable());
    }

    // Each by itself is weighed by what comes after it; all together by the whole graph.
    [Fact]
    public void Weighing_one_agrees_with_weighing_the_whole_graph()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var archives = Enumerable.Range(0, random.Next(1, 14))
                .Select(i => Archives.Of((ulong)random.Next(1, 8), (ulong)random.Next(0, 8), stored: random.Next(1, 50), ordinal: i + 1, largeBlocks: random.Next(4) == 0, conditions: random.Next(10) == 0 ? ["redacted"] : null)).ToArray();
            var catalog = Archives.Catalog(archives);
            foreach (var archive in archives)
            {
                var whole = catalog.Graph.Paths(a => a != archive);
                var lost = archives.Where(a => catalog.Graph.Paths().Cheapest(a.Head.Snapshot.Guid) is not null && whole.Cheapest(a.Head.Snapshot.Guid) is null).Select(a => a.SnapshotName)
                    .Concat(catalog.Graph.Paths().Reaches(archive) ? [] : [archive.SnapshotName]).Distinct().Order(StringComparer.Ordinal);
                Assert.True(lost.SequenceEqual(new Consequences(catalog).Of(Unusable(archive)).Costs), $"seed {seed}: {archive}");
                Assert.True(lost.SequenceEqual(new Consequences(catalog).Lost([Unusable(archive)])), $"seed {seed}: {archive}");
            }
        }
    }
}
