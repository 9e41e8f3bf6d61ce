using System.Collections.Immutable;
using ZfsArchive.Backup;
using ZfsArchive.Chunks;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Tests.Repository;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Backup;

/// <summary>A host that sleeps in the middle of its commit, after it has looked at what it is about to name.</summary>
public sealed class LeaseAtCommitTests
{
    static readonly byte[] s_input = Golden.Bytes("chain-full");

    // The last thing that is looked at before the lease is the folder's listing, which was looked at once before the first chunk: there it sleeps.
    static async Task<(ImmutableArray<WrittenArchive> Written, int Listings)> BackupAsync(LeaseWorld world, Func<Task> whileAsleep)
    {
        var listings = 0;
        var store = new InterceptedStore(world.Store, async (what, key) =>
        {
            if (what != "list" || !key.StartsWith("archives/", StringComparison.Ordinal) || !key.EndsWith('/')) return;
            if (++listings != 2) return;
            world.Store.Time += TimeSpan.FromHours(1);
            await whileAsleep();
        });
        var repository = await world.OpenAsync(store);
        await using var lease = await world.TakeAsync(LeaseKind.Shared, store);
        var catalog = await repository.CatalogAsync(default);
        var settings = new WriterSettings(ChunkSchedule.Standard, null, 1, "test", "testhost", null, null);
        var order = new StdinOrder(catalog, new(null, AllowPlaintext: true, Insist: false, null, null), () => null);
        var written = await new ArchiveWriter(repository, lease, catalog, settings, TimeProvider.System).WriteAsync(new MemoryStream(s_input), order, null, default);
        return (written, listings);
    }

    static IEnumerable<string> ManifestsOf(LeaseWorld world) => world.Store.Keys.Where(k => k.StartsWith("manifests/", StringComparison.Ordinal));

    [Fact]
    public async Task It_looks_again_and_commits_when_nobody_came()
    {
        using var world = await LeaseWorld.NewAsync();
        var (written, listings) = await BackupAsync(world, () => Task.CompletedTask);
        Assert.Single(written);
        // the chunks again, and whether a prune has begun to remove them
        Assert.Equal(4, listings);
        Assert.Equal(s_input, Assert.Single(StoredTruth.Streams(world.Store)).Value);
        Assert.Empty(world.Leases);
    }

    [Fact]
    public async Task It_commits_nothing_while_another_one_removes()
    {
        using var world = await LeaseWorld.NewAsync();
        Lease? prune = null;
        var failure = await Assert.ThrowsAsync<ArchiveException>(() => BackupAsync(world, async () => prune = await world.TakeAsync(LeaseKind.Exclusive)));
        Assert.Equal(FailureKind.Locked, failure.Kind);
        Assert.Empty(ManifestsOf(world));
        Assert.Single(world.Leases);
        await prune!.DisposeAsync();
    }

    [Fact]
    public async Task It_commits_nothing_when_another_one_has_removed_what_it_would_name()
    {
        using var world = await LeaseWorld.NewAsync();
        var failure = await Assert.ThrowsAsync<ArchiveException>(() => BackupAsync(world, async () =>
        {
            await using var prune = await world.TakeAsync(LeaseKind.Exclusive);
            foreach (var chunk in world.Store.Keys.Where(k => k.StartsWith("archives/", StringComparison.Ordinal))) await world.Store.DeleteAsync(new(chunk), default);
        }));
        Assert.Contains("nothing was committed", failure.Message, StringComparison.Ordinal);
        Assert.Empty(ManifestsOf(world));
        Assert.Empty(world.Leases);
    }
}
