using ZfsArchive.Fetch;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Fetch;

/// <summary>A chunk that comes with wrong bytes is read once more before it is called damage.</summary>
public sealed class ReadAgainTests : IDisposable
{
    readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    public async Task What_is_wrong_on_its_way_only_is_no_damage(int times, int reads)
    {
        foreach (var spoil in new Func<Memory<byte>, int, int>[] { Turn, (_, read) => read - 1, (_, read) => read + 1, (_, _) => 0 })
        {
            var (archive, line, store) = await StoredAsync();
            var spoiling = new SpoilingStore(store, times, spoil);
            using var fetcher = new ChunkFetcher(spoiling, 1);
            if (times < 2)
            {
                using var chunk = await fetcher.FetchAsync(archive, line, default);
                Assert.Equal(line.Length, chunk.Pieces.Sum(p => p.Length));
            }
            else
            {
                var damage = await Assert.ThrowsAnyAsync<ArchiveException>(() => fetcher.FetchAsync(archive, line, default));
                Assert.Equal(FailureKind.Damage, damage.Kind);
            }
            Assert.Equal(reads, spoiling.Reads);
        }

        static int Turn(Memory<byte> bytes, int read)
        {
            bytes.Span[read / 2] ^= 0xFF;
            return read;
        }
    }

    [Fact]
    public async Task What_is_missing_is_asked_for_once()
    {
        var (archive, line, store) = await StoredAsync();
        await store.DeleteAsync(new(Layout.Chunk(archive.Folder, archive.Name, line.Name)), default);
        var spoiling = new SpoilingStore(store, 0, (_, read) => read);
        using var fetcher = new ChunkFetcher(spoiling, 1);
        Assert.Contains("missing", (await Assert.ThrowsAnyAsync<ArchiveException>(() => fetcher.FetchAsync(archive, line, default))).Message, StringComparison.Ordinal);
        Assert.Equal(1, spoiling.Reads);
    }

    async Task<(ArchiveEntry Archive, ChunkLine Line, MemoryStore Store)> StoredAsync()
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), "backup", "--stdin");
        var store = new MemoryStore();
        foreach (var key in TempFolder.Contents(host.Repo).Keys) store[key] = await File.ReadAllBytesAsync(Path.Combine(host.Repo, key));
        var repository = await ArchiveRepository.OpenAsync(store, new(_temp["state"], _temp["cache"]), RepositoryUse.Read, default);
        var archive = (await repository.CatalogAsync(default)).Graph.Archives.Single();
        using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, default);
        return (archive, manifest!.Chunks().First(), store);
    }

    /// <summary>Spoils the first reads.</summary>
    sealed class SpoilingStore(IObjectStore inner, int times, Func<Memory<byte>, int, int> spoil) : WrappingStore(inner)
    {
        public int Reads { get; private set; }

        public override async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
        {
            Reads++;
            var read = await Inner.ReadAsync(key, offset, into, cancel);
            return Reads <= times ? spoil(into, read) : read;
        }
    }
}
