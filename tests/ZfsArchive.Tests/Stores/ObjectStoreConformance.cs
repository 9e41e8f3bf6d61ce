using System.Security.Cryptography;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Stores;

/// <summary>What <see cref="IObjectStore"/> promises, held against every store.</summary>
public abstract partial class ObjectStoreConformance : IDisposable
{
    readonly TempFolder _temp = new();
    readonly Lazy<IObjectStore> _store;

    protected ObjectStoreConformance() => _store = new(NewStore);

    IObjectStore Store => _store.Value;

    private protected TempFolder Temp => _temp;

    protected abstract IObjectStore NewStore();

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => _temp.Dispose();

    protected static byte[] Random(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    protected static async Task<byte[]> AllOfAsync(IObjectStore store, string key)
    {
        var info = await store.StatAsync(new(key), default) ?? throw new InvalidOperationException($"{key} is absent");
        var bytes = new byte[info.Length + 10];
        var read = await store.ReadAsync(new(key), 0, bytes, default);
        Assert.Equal(info.Length, read);
        return bytes[..read];
    }

    protected static async Task<List<string>> ListedAsync(IObjectStore store, string prefix)
    {
        var keys = new List<string>();
        await foreach (var info in store.ListAsync(prefix, default)) keys.Add(info.Key.Text);
        return keys;
    }

    Task<CreateOutcome> CreateAsync(string key, byte[] bytes) => Store.CreateAsync(new(key), ObjectBody.OfBytes(bytes), default);

    [Theory, InlineData(0), InlineData(1), InlineData(4096), InlineData((1 << 20) + 1), InlineData(9_000_001)]
    public async Task What_was_created_is_read_again(int length)
    {
        var bytes = Random(length);
        Assert.Equal(CreateOutcome.Created, await CreateAsync("a/b/object", bytes));
        Assert.Equal(bytes, await AllOfAsync(Store, "a/b/object"));
        Assert.Equal(length, (await Store.StatAsync(new("a/b/object"), default))!.Length);
        Assert.Equal(["a/b/object"], await ListedAsync(Store, ""));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(9_000_001)]
    public async Task A_file_can_be_a_body(int length)
    {
        var bytes = Random(length);
        File.WriteAllBytes(_temp["body"], bytes);
        var body = ObjectBody.OfFile(_temp["body"], length, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        Assert.Equal(CreateOutcome.Created, await Store.CreateAsync(new("manifests/m.json"), body, default));
        Assert.Equal(CreateOutcome.AlreadyThere, await Store.CreateAsync(new("manifests/m.json"), body, default));
        Assert.Equal(bytes, await AllOfAsync(Store, "manifests/m.json"));
    }

    [Fact]
    public async Task A_file_that_is_open_for_writing_elsewhere_in_this_process_can_be_a_body()
    {
        using var spool = new FileStream(_temp["spool"], FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);
        spool.Write("manifest"u8);
        spool.Flush();
        await Store.CreateAsync(new("m.json"), ObjectBody.OfFile(spool.Name, 8, Convert.ToHexStringLower(SHA256.HashData("manifest"u8))), default);
        Assert.Equal("manifest"u8.ToArray(), await AllOfAsync(Store, "m.json"));
    }

    [Fact]
    public async Task Pieces_are_joined_in_their_order()
    {
        var bytes = Random(3_000_000);
        var random = new Random(5);
        var pieces = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = int.Min(bytes.Length - at, random.Next(4) == 0 ? 0 : random.Next(1, 9000));
            pieces.Add(bytes.AsMemory(at, length));
            at += length;
        }
        await Store.CreateAsync(new("pieces"), ObjectBody.OfMemory(pieces, Convert.ToHexStringLower(SHA256.HashData(bytes))), default);
        Assert.Equal(bytes, await AllOfAsync(Store, "pieces"));
    }

    [Fact]
    public async Task More_pieces_than_one_system_call_takes_are_written_whole()
    {
        var bytes = Random(5000);
        var pieces = bytes.Select((_, i) => (ReadOnlyMemory<byte>)bytes.AsMemory(i, 1)).ToList();
        await Store.CreateAsync(new("pieces"), ObjectBody.OfMemory(pieces, Convert.ToHexStringLower(SHA256.HashData(bytes))), default);
        Assert.Equal(bytes, await AllOfAsync(Store, "pieces"));
    }

    [Theory]
    [InlineData(0, 10, 10), InlineData(5, 10, 10), InlineData(990, 10, 10), InlineData(995, 10, 5), InlineData(1000, 10, 0), InlineData(5000, 10, 0), InlineData(3, 0, 0), InlineData(0, 2000, 1000)]
    public async Task A_range_is_read(long offset, int wanted, int expected)
    {
        var bytes = Random(1000);
        await CreateAsync("object", bytes);
        var into = new byte[wanted];
        Assert.Equal(expected, await Store.ReadAsync(new("object"), offset, into, default));
        if (expected > 0) Assert.Equal(bytes.AsSpan((int)offset, expected).ToArray(), into[..expected]);
    }

    [Fact]
    public async Task A_listing_is_in_ordinal_order_and_has_everything_under_the_prefix()
    {
        string[] keys = ["a/b", "a-b", "a.b", "a/B", "a/b.2/x", "a/b-c/x", "a/b/..x".Replace("..", "x", StringComparison.Ordinal), "ab/c", "b", "A/z", "_/1", "a/b0", "10", "9", "a/c/d/e/f/g"];
        // In a directory "a/b" cannot be an object and a folder.
        keys = [.. keys.Where(k => !keys.Any(o => o.StartsWith(k + "/", StringComparison.Ordinal)))];
        foreach (var key in keys) await CreateAsync(key, Random(3));
        foreach (var prefix in new[] { "", "a", "a/", "a/b", "a/b.", "a/b.2/", "A", "z", "a/c/d/", "1" })
            Assert.Equal(keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal), await ListedAsync(Store, prefix));
    }

    [Fact]
    public async Task A_listing_tells_lengths()
    {
        await CreateAsync("x/a", Random(7));
        await CreateAsync("x/b", []);
        var lengths = new List<long>();
        await foreach (var info in Store.ListAsync("x/", default)) lengths.Add(info.Length);
        Assert.Equal([7L, 0L], lengths);
    }

    [Fact]
    public async Task What_is_absent_is_said_to_be_absent()
    {
        foreach (var key in new[] { "nothing", "no/such/folder/object" })
        {
            Assert.Null(await Store.StatAsync(new(key), default));
            var failure = await Assert.ThrowsAsync<StoreException>(() => Store.ReadAsync(new(key), 0, new byte[1], default));
            Assert.Equal(StoreFailure.Absent, failure.Failure);
            Assert.Contains(key, failure.Message, StringComparison.Ordinal);
            await Store.DeleteAsync(new(key), default);
        }
        Assert.Empty(await ListedAsync(Store, "no/"));
    }

    [Fact]
    public async Task A_folder_is_no_object()
    {
        await CreateAsync("folder/object", Random(3));
        Assert.Null(await Store.StatAsync(new("folder"), default));
    }

    [Fact]
    public async Task What_was_removed_is_absent_and_its_name_is_free()
    {
        await CreateAsync("d/object", Random(3));
        await CreateAsync("d/other", Random(3));
        await Store.DeleteAsync(new("d/object"), default);
        Assert.Null(await Store.StatAsync(new("d/object"), default));
        Assert.Equal(["d/other"], await ListedAsync(Store, ""));
        Assert.Equal(CreateOutcome.Created, await CreateAsync("d/object", Random(4)));
    }

    [Theory, InlineData(0), InlineData(1000), InlineData(3_000_000)]
    public async Task A_taken_name_with_the_same_bytes_is_success(int length)
    {
        await CreateAsync("object", Random(length));
        Assert.Equal(CreateOutcome.AlreadyThere, await CreateAsync("object", Random(length)));
        Assert.Equal(Random(length), await AllOfAsync(Store, "object"));
    }

    [Theory, InlineData(1000, 1000), InlineData(1000, 999), InlineData(1000, 0), InlineData(0, 1)]
    public async Task A_taken_name_with_other_bytes_is_a_conflict_and_stays_what_it_was(int length, int other)
    {
        await CreateAsync("some/object", Random(length));
        var failure = await Assert.ThrowsAsync<StoreException>(() => CreateAsync("some/object", Random(other, seed: 2)));
        Assert.Equal(StoreFailure.Conflict, failure.Failure);
        Assert.Contains("some/object", failure.Message, StringComparison.Ordinal);
        Assert.Equal(Random(length), await AllOfAsync(Store, "some/object"));
        Assert.Equal(["some/object"], await ListedAsync(Store, ""));
    }

    [Fact]
    public async Task Replace_puts_the_right_bytes_in_the_place_of_wrong_ones()
    {
        await CreateAsync("c/object", Random(5000, 1));
        await Store.ReplaceAsync(new("c/object"), ObjectBody.OfBytes(Random(4000, 2)), default);
        Assert.Equal(Random(4000, 2), await AllOfAsync(Store, "c/object"));
        await Store.ReplaceAsync(new("c/new"), ObjectBody.OfBytes(Random(10, 3)), default);
        Assert.Equal(["c/new", "c/object"], await ListedAsync(Store, ""));
    }

    [Theory, InlineData(0), InlineData(100), InlineData(9_000_000)]
    public async Task A_creation_that_is_cancelled_leaves_nothing(int length)
    {
        File.WriteAllBytes(_temp["body"], Random(length));
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(Random(length)));
        foreach (var body in new[] { ObjectBody.OfBytes(Random(length)), ObjectBody.OfFile(_temp["body"], length, sha256) })
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.CreateAsync(new("x/cancelled"), body, new CancellationToken(true)));
            Assert.Null(await Store.StatAsync(new("x/cancelled"), default));
            Assert.Empty(await ListedAsync(Store, ""));
        }
    }

    [Fact]
    public async Task A_creation_that_is_cancelled_midway_leaves_all_or_nothing()
    {
        var bytes = Random(9_000_000);
        var body = ObjectBody.OfBytes(bytes);
        for (var round = 0; round < 15; round++)
        {
            using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(round));
            try
            {
                await Store.CreateAsync(new($"x/{round}"), body, stop.Token);
                Assert.Equal(bytes, await AllOfAsync(Store, $"x/{round}"));
                await Store.DeleteAsync(new($"x/{round}"), default);
            }
            catch (OperationCanceledException)
            {
                // a service may have had all of it by then, and finish by itself
                if (await Store.StatAsync(new($"x/{round}"), default) is not null) Assert.Equal(bytes, await AllOfAsync(Store, $"x/{round}"));
            }
        }
        foreach (var key in await ListedAsync(Store, "")) Assert.Equal(bytes, await AllOfAsync(Store, key));
    }

    [Fact]
    public async Task A_sweep_of_a_clean_place_removes_nothing()
    {
        await CreateAsync("archives/a/1", Random(10));
        Assert.Equal(0, await Store.SweepAsync("archives/", default));
        Assert.Equal(0, await Store.SweepAsync("no/such/", default));
        Assert.Equal(["archives/a/1"], await ListedAsync(Store, ""));
    }

    [Fact]
    public async Task It_tells_a_time_and_where_it_is()
    {
        Assert.NotEqual(default, await Store.TimeAsync(default));
        Assert.NotEmpty(Store.Location);
    }
}

public sealed class MemoryStoreTests : ObjectStoreConformance
{
    protected override IObjectStore NewStore() => new MemoryStore();
}

public sealed class FailingStoreTests : ObjectStoreConformance
{
    protected override IObjectStore NewStore() => new FailingStore(new MemoryStore());
}

public sealed class ObjectKeyTests
{
    [Theory, InlineData("a"), InlineData("a/b"), InlineData("zfsarchive.json"), InlineData("archives/tank-home_0123456789abcdef/x.2/000000-ab.zst"), InlineData("_-/A.b..c")]
    public void A_name_that_we_would_write_is_a_key(string text) => Assert.Equal(text, new ObjectKey(text).Text);

    [Theory, InlineData(""), InlineData("/"), InlineData("/a"), InlineData("a/"), InlineData("a//b"), InlineData("."), InlineData(".."), InlineData("a/../b"), InlineData("a/.hidden"),
        InlineData(".x.part"), InlineData("a b"), InlineData("a\nb"), InlineData("a\n"), InlineData("ä"), InlineData("a\\b"), InlineData("a\0"), InlineData("a:b"), InlineData("~/a")]
    public void Any_other_is_none(string text)
    {
        Assert.False(ObjectKey.IsValid(text));
        Assert.Throws<ArgumentException>(() => new ObjectKey(text));
    }

    [Fact]
    public void A_key_has_at_most_512_characters()
    {
        Assert.True(ObjectKey.IsValid(new('a', 512)));
        Assert.False(ObjectKey.IsValid(new('a', 513)));
    }
}
