using ZfsArchive.Fetch;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Tests.Verify;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Fetch;

/// <summary>What is fetched ahead takes room from nobody once it is not wanted, and damage is told when its turn has come.</summary>
public sealed class FeedAheadTests(FaultWorld world) : IClassFixture<FaultWorld>
{
    async Task<(ArchiveRepository Repository, SoundArchive Sound)> OpenAsync(MemoryStore store) =>
        (await ArchiveRepository.OpenAsync(store, world.NoMemory, RepositoryUse.Read, default), world.Archives.MaxBy(a => a.Chunks.Length)!);

    [Fact]
    public async Task What_was_begun_and_is_not_wanted_gives_its_room_back()
    {
        var (repository, sound) = await OpenAsync(world.Sound);
        var archive = (await repository.CatalogAsync(default)).Graph.Find(sound.Id)!;
        using var fetcher = new ChunkFetcher(repository.Store, 2);
        var feed = new ArchiveFeed(repository, fetcher, 2);
        for (var i = 0; i < 30; i++)
        {
            var ahead = feed.Begin(archive, default);
            if (i % 2 == 0) await Task.Yield();
            await ahead.DisposeAsync();
        }
        var output = new MemoryStream();
        await feed.WriteAsync(archive, output, null, default).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(sound.Stream, output.ToArray());
    }

    [Fact]
    public async Task A_reader_that_goes_away_leaves_no_room_taken()
    {
        var (repository, sound) = await OpenAsync(world.Sound);
        var archive = (await repository.CatalogAsync(default)).Graph.Find(sound.Id)!;
        using var fetcher = new ChunkFetcher(repository.Store, 2);
        var feed = new ArchiveFeed(repository, fetcher, 2);
        for (var i = 0; i < 30; i++) await Assert.ThrowsAsync<IOException>(() => feed.WriteAsync(archive, new Closed(), null, default));
        await feed.WriteAsync(archive, Stream.Null, null, default).WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Damage_is_told_to_who_wants_the_archive()
    {
        var store = new MemoryStore();
        foreach (var key in world.Sound.Keys) store[key] = world.Sound[key];
        var (repository, sound) = await OpenAsync(store);
        var archive = (await repository.CatalogAsync(default)).Graph.Find(sound.Id)!;
        store[sound.Manifest] = null;
        using var fetcher = new ChunkFetcher(repository.Store, 2);
        await using var ahead = new ArchiveFeed(repository, fetcher, 2).Begin(archive, default);
        Assert.Equal(FailureKind.Damage, (await Assert.ThrowsAnyAsync<ArchiveException>(() => ahead.WriteAsync(Stream.Null, null, default))).Kind);
    }

    sealed class Closed : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("closed");
    }
}
