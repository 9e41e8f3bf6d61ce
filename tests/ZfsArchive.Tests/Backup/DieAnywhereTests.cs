using System.Collections.Immutable;
using ZfsArchive.Backup;
using ZfsArchive.Chunks;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Backup;

/// <summary>The store dies at every single change of a backup, before or after it was made.</summary>
public sealed partial class DieAnywhereTests : IDisposable
{
    const int MiB = 1 << 20;
    readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    LocalFolders Folders => new(_temp["state"], _temp["cache"]);

    static Task<Lease> LeaseAsync(ArchiveRepository repository) => Lease.TakeAsync(repository, LeaseKind.Shared, "backup", "testhost", TimeProvider.System, default);

    async Task<ImmutableArray<WrittenArchive>> BackupAsync(IObjectStore store, byte[] input)
    {
        var repository = await ArchiveRepository.OpenAsync(store, Folders, RepositoryUse.Write, default);
        await using var lease = await LeaseAsync(repository);
        var catalog = await repository.CatalogAsync(default);
        Assert.Empty(catalog.Faults);
        var settings = new WriterSettings(ChunkSchedule.Fixed(MiB), MiB, 1, "test", "testhost", null, null);
        var order = new StdinOrder(catalog, new(null, AllowPlaintext: true, Insist: false, null, null), () => null);
        return await new ArchiveWriter(repository, lease, catalog, settings, TimeProvider.System).WriteAsync(new MemoryStream(input), order, null, default);
    }

    async Task<MemoryStore> NewRepositoryAsync(params byte[][] inputs)
    {
        var store = new MemoryStore();
        await ArchiveRepository.InitAsync(store, Folders, TimeProvider.System, default);
        foreach (var input in inputs) await BackupAsync(store, input);
        return store;
    }

    // Every manifest tells the truth, and each is one of the streams that were sent.
    static void RequireTruth(MemoryStore store, List<byte[]> sent, string what)
    {
        foreach (var (key, stream) in StoredTruth.Streams(store))
            Assert.True(sent.Exists(s => s.AsSpan().SequenceEqual(stream)), $"{what}: {key} is a stream that was never sent");
    }

    async Task DieEverywhereAsync(MemoryStore start, byte[] input, params byte[][] before)
    {
        var parts = StoredTruth.Substreams(input).Select(p => p.Bytes).ToList();
        List<byte[]> sent = [.. parts, .. before.SelectMany(b => StoredTruth.Substreams(b).Select(p => p.Bytes))];
        var whole = start.Clone();
        var counting = new FailingStore(whole);
        await BackupAsync(counting, input);
        var (changes, bytes) = (counting.Changes, counting.CreatedBytes);
        var wholeKeys = StoredTruth.Streams(whole).Keys.ToList();
        Assert.True(changes > 1);

        foreach (var after in new[] { false, true })
        {
            for (var n = 1; n <= changes; n++)
            {
                var what = $"died at change {n} of {changes}, {(after ? "after" : "before")} it";
                var store = start.Clone();
                var failing = new FailingStore(store, n, after);
                var failure = await Record.ExceptionAsync(() => BackupAsync(failing, input));
                // Chunks are stored side by side: a run that leaves another archive's track may need a change less than the counted one.
                if (failure is null && !failing.Dead) continue;
                // All is committed when the lease is closed: that it could not be changes nothing of the result.
                if (failure is null) Assert.True(StoredTruth.Streams(store).Keys.Order().SequenceEqual(wholeKeys.Order()), what);
                else Assert.Contains("has died", Assert.IsType<StoreException>(failure).Message, StringComparison.Ordinal);
                RequireTruth(store, sent, what);
                Assert.Empty(Directory.GetFiles(Folders.Cache));

                var second = new FailingStore(store);
                await BackupAsync(second, input);
                var streams = StoredTruth.Streams(store);
                Assert.Equal(wholeKeys, streams.Keys);
                Assert.True(parts.TrueForAll(p => streams.Values.Any(s => s.AsSpan().SequenceEqual(p))), what);
                // Whatever was created the first time is used; only what was on its way may be sent twice. The manifest and the records carry a time.
                Assert.True(second.CreatedBytes <= bytes - failing.CreatedBytes + 64 * 1024, $"{what}: {failing.CreatedBytes} and then {second.CreatedBytes} bytes were created, of {bytes}");

                var third = new FailingStore(store);
                Assert.All(await BackupAsync(third, input), w => Assert.True(w.AlreadyThere, what));
                Assert.Equal(0, third.CreatedBytes);
            }
        }
    }

    [Fact]
    public async Task A_stream_of_several_chunks() => await DieEverywhereAsync(await NewRepositoryAsync(), new SyntheticStream { Blocks = 40 }.Bytes());

    [Fact]
    public async Task A_package() => await DieEverywhereAsync(await NewRepositoryAsync(), Golden.Bytes("R-raw-full"));

    [Fact]
    public async Task A_link_of_a_chain()
    {
        var full = Golden.Bytes("chain-full");
        await DieEverywhereAsync(await NewRepositoryAsync(full), Golden.Bytes("chain-incr1"), full);
    }

    [Fact]
    public async Task A_package_on_a_chain()
    {
        var full = Golden.Bytes("chain-full");
        await DieEverywhereAsync(await NewRepositoryAsync(full), Golden.Bytes("chain-I-package"), full);
    }

    [Fact]
    public async Task A_chunk_that_a_crash_left_broken_is_put_right()
    {
        var input = new SyntheticStream { Blocks = 40 }.Bytes();
        var whole = await NewRepositoryAsync(input);
        var start = whole.Clone();
        foreach (var key in start.Keys.Where(k => k.StartsWith("manifests/", StringComparison.Ordinal))) start[key] = null;
        var chunk = start.Keys.Where(k => k.StartsWith("archives/", StringComparison.Ordinal)).ElementAt(2);
        foreach (var left in new[] { [], start[chunk]![..1000], [.. start[chunk]![1..], 0] })
        {
            var store = start.Clone();
            store[chunk] = left;
            await BackupAsync(store, input);
            Assert.Equal(input, Assert.Single(StoredTruth.Streams(store)).Value);
        }
    }

    [Fact]
    public async Task A_run_that_is_cancelled_leaves_no_manifest_that_lies()
    {
        var input = new SyntheticStream { Blocks = 80 }.Bytes();
        var start = await NewRepositoryAsync();
        for (var round = 0; round < 12; round++)
        {
            var store = start.Clone();
            using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(3 * round));
            var repository = await ArchiveRepository.OpenAsync(store, Folders, RepositoryUse.Write, default);
            await using var lease = await LeaseAsync(repository);
            var catalog = await repository.CatalogAsync(default);
            var order = new StdinOrder(catalog, new(null, true, false, null, null), () => null);
            var writer = new ArchiveWriter(repository, lease, catalog, new(ChunkSchedule.Fixed(MiB), MiB, 1, "test", "testhost", null, null), TimeProvider.System);
            try
            {
                await writer.WriteAsync(new MemoryStream(input), order, null, stop.Token);
            }
            catch (OperationCanceledException)
            {
            }
            RequireTruth(store, [input], $"cancelled in round {round}");
            await BackupAsync(store, input);
            Assert.Equal(input, Assert.Single(StoredTruth.Streams(store)).Value);
        }
    }
}
