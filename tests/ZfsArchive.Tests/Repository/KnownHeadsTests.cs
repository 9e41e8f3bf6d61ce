using ZfsArchive.Manifests;
using ZfsArchive.Repository;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Repository;

/// <summary>What a host remembers: one line for each archive, however often it is told.</summary>
public sealed class KnownHeadsTests : IDisposable
{
    readonly TempFolder _temp = new();
    readonly RepositoryDescriptor _descriptor = new(1, new('a', 32), default);

    public void Dispose() => _temp.Dispose();

    KnownHeads Memory => new(new(_temp["state"], _temp["cache"]), _descriptor);

    string Path => System.IO.Path.Combine(_temp["state"], $"{_descriptor.Id}.seen");

    static IEnumerable<string> Ids(IEnumerable<KnownHead> heads) => heads.Select(h => h.Id).Order(StringComparer.Ordinal);

    [Fact]
    public void What_is_known_already_is_not_written_again_and_a_changed_manifest_is()
    {
        var (first, second) = (Archives.Of(1), Archives.Of(2, 1, name: "tank/with space"));
        Assert.Empty(Memory.Load());
        Assert.True(Memory.Remember([first]));
        Assert.True(Memory.Remember([first, second]));
        Assert.Equal(2, File.ReadLines(Path).Count());
        Assert.Contains(new KnownHead(second.Id, second.Sha256, "tank/with space@s2"), Memory.Load());

        var again = new ArchiveEntry(first.Folder, first.Name, first.Head, new('b', 64), 1);
        Assert.True(Memory.Remember([again, second]));
        Assert.Equal(3, File.ReadLines(Path).Count());
        Assert.Equal(new('b', 64), Memory.Load().Single(h => h.Id == first.Id).Sha256);
    }

    // Two processes of one host, in two repositories' nights or by hand.
    [Fact]
    public void What_two_remember_at_once_is_all_remembered()
    {
        Parallel.For(0, 3, process =>
        {
            var memory = Memory;
            for (var n = 1; n <= 100; n++) memory.Remember([Archives.Of((ulong)(process * 100 + n))]);
        });
        Assert.Equal(300, Memory.Load().Length);
    }

    [Fact]
    public void What_was_removed_by_right_is_forgotten_and_the_rest_stays()
    {
        var archives = Enumerable.Range(1, 5).Select(n => Archives.Of((ulong)n)).ToList();
        Memory.Remember(archives);
        Assert.True(Memory.Forget([archives[1].Id, "never/seen"]));
        Assert.Equal(Ids(Memory.Load()), archives.Where(a => a != archives[1]).Select(a => a.Id).Order(StringComparer.Ordinal));
    }

    // A line that was cut by a kill is no archive, and spoils none that comes after it.
    [Fact]
    public void A_line_that_was_cut_spoils_no_other()
    {
        var (first, second, third) = (Archives.Of(1), Archives.Of(2, 1), Archives.Of(3, 2));
        Memory.Remember([first, second]);
        var whole = File.ReadAllText(Path);
        for (var cut = whole.IndexOf('\n', StringComparison.Ordinal) + 1; cut < whole.Length; cut++)
        {
            File.WriteAllText(Path, whole[..cut]);
            Memory.Remember([third]);
            var known = Memory.Load();
            Assert.Contains(known, h => h.Id == first.Id);
            Assert.Equal("tank/a@s3", known.Single(h => h.Id == third.Id).Snapshot);
            Assert.True(known.Where(h => h.Id == second.Id).All(h => h.Sha256 == second.Sha256), $"cut at {cut}");
        }
    }

    [Fact]
    public void A_memory_that_cannot_be_written_says_so()
    {
        File.WriteAllText(_temp["state"], "in the way");
        Assert.False(Memory.Remember([Archives.Of(1)]));
        Assert.Empty(Memory.Load());
    }
}
