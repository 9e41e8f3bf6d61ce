using ZfsArchive.S3;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.S3;

/// <summary>The promises of a store, held by a real service.</summary>
public sealed class S3StoreTests : ObjectStoreConformance
{
    protected override IObjectStore NewStore()
    {
        var store = RealS3.Open(S3Server.Shared.NewBucket(), "a/prefix");
        // the small object of its probe would be seen in listings
        store.CreateAsync(new("first"), ObjectBody.OfBytes(Random(1)), default).GetAwaiter().GetResult();
        store.DeleteAsync(new("first"), default).GetAwaiter().GetResult();
        return store;
    }

    // The listing of Ceph is in pages of 1,000.
    [S3Fact]
    public async Task More_keys_than_a_page_holds_are_listed_once_each_and_in_order()
    {
        await using var store = RealS3.Open(S3Server.Shared.NewBucket());
        var keys = Enumerable.Range(0, 2100).Select(i => $"many/{i:D5}").ToList();
        await Parallel.ForEachAsync(keys, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (key, cancel) =>
            await store.CreateAsync(new(key), ObjectBody.OfBytes(new byte[] { 1 }), cancel));
        await store.CreateAsync(new("other"), ObjectBody.OfBytes(new byte[] { 1 }), default);
        Assert.Equal(keys, await ListedAsync(store, "many/"));
    }

    [S3Fact]
    public async Task What_this_service_does_is_seen_and_not_assumed()
    {
        var bucket = S3Server.Shared.NewBucket();
        await using var store = RealS3.Open(bucket);
        Assert.Equal(new StoreCapabilities(CreatesAtomically: false), await store.CapabilitiesAsync(default));
        await store.CreateAsync(new("zfsarchive.json"), ObjectBody.OfBytes(Random(200)), default);
        Assert.Equal(new StoreCapabilities(CreatesAtomically: true, Sha256Source.None, KeepsMd5: true), await store.CapabilitiesAsync(default));
        Assert.Equal(["zfsarchive.json"], await ListedAsync(store, ""));

        await using var again = RealS3.Open(bucket);
        Assert.Equal(new StoreCapabilities(CreatesAtomically: false, Sha256Source.None, KeepsMd5: true), await again.CapabilitiesAsync(default));
        await again.CreateAsync(new("x"), ObjectBody.OfBytes(Random(20)), default);
        Assert.True((await again.CapabilitiesAsync(default)).CreatesAtomically);
        await again.DeleteAsync(new("x"), default);
        Assert.Equal(Random(200), await AllOfAsync(again, "zfsarchive.json"));
        Assert.Equal(["zfsarchive.json"], await ListedAsync(again, ""));

        await using var quick = RealS3.Open(bucket, change: o => o with { Md5 = Md5Use.Never });
        Assert.False((await quick.CapabilitiesAsync(default)).KeepsMd5);
    }

    [S3Fact]
    public async Task On_a_versioned_bucket_the_condition_is_ignored_and_that_is_seen()
    {
        var bucket = S3Server.Shared.NewBucket();
        using (var client = S3Server.Shared.Client())
            await client.PutBucketVersioningAsync(new() { BucketName = bucket, VersioningConfig = new() { Status = Amazon.S3.VersionStatus.Enabled } });
        await using var store = RealS3.Open(bucket);
        await store.CreateAsync(new("a"), ObjectBody.OfBytes(Random(10)), default);
        Assert.False((await store.CapabilitiesAsync(default)).CreatesAtomically);
        Assert.Equal(CreateOutcome.AlreadyThere, await store.CreateAsync(new("a"), ObjectBody.OfBytes(Random(10)), default));
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.CreateAsync(new("a"), ObjectBody.OfBytes(Random(10, 2)), default));
        Assert.Equal(StoreFailure.Conflict, failure.Failure);
        Assert.Equal(Random(10), await AllOfAsync(store, "a"));
    }

    [S3Fact]
    public async Task A_listing_and_a_stat_tell_the_md5_that_the_service_made()
    {
        await using var store = RealS3.Open(S3Server.Shared.NewBucket());
        await store.CreateAsync(new("zfsarchive.json"), ObjectBody.OfBytes(Random(200)), default);
        var told = new List<string?>();
        var body = ObjectBody.OfBytes(Random(300_000, 3)) with { Md5Kept = told.Add };
        Assert.Equal(CreateOutcome.Created, await store.CreateAsync(new("x"), body, default));
        Assert.Equal(CreateOutcome.AlreadyThere, await store.CreateAsync(new("x"), body, default));
        told.Add((await store.StatAsync(new("x"), default))!.Md5);
        await foreach (var info in store.ListAsync("x", default)) told.Add(info.Md5);
        Assert.Equal(Enumerable.Repeat(RealS3.Md5(Random(300_000, 3)), 4), told);
    }

    [S3Fact]
    public async Task A_body_whose_hash_is_not_its_own_is_refused_by_the_service()
    {
        await using var store = RealS3.Open(S3Server.Shared.NewBucket());
        await store.CreateAsync(new("first"), ObjectBody.OfBytes(Random(1)), default);
        var wrong = ObjectBody.OfBytes(Random(1000)) with { Sha256 = new string('a', 64) };
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.CreateAsync(new("x"), wrong, default));
        Assert.Equal(StoreFailure.Transient, failure.Failure);
        Assert.Null(await store.StatAsync(new("x"), default));
    }

    [S3Fact]
    public async Task The_time_is_the_services()
    {
        await using var store = new S3Store(new(S3Server.Shared.NewBucket(), "", null), RealS3.Options(S3Server.Shared), new StillClock { Now = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) });
        var apart = await store.TimeAsync(default) - TimeProvider.System.GetUtcNow();
        Assert.True(apart.Duration() < TimeSpan.FromMinutes(1), $"{apart} apart");
    }
}

/// <summary>Stores on a real service.</summary>
static class RealS3
{
    public static S3Options Options(S3Server server) => new() { Endpoint = server.Endpoint, Region = server.Region, Keys = (server.AccessKey, server.SecretKey, null) };

    public static S3Store Open(string bucket, string prefix = "", Uri? through = null, Func<S3Options, S3Options>? change = null) =>
        new(new(bucket, prefix, through), (change ?? (o => o))(Options(S3Server.Shared)), TimeProvider.System);

#pragma warning disable CA5351 // the service's checksum is an MD5
    public static string Md5(byte[] bytes) => Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(bytes));
#pragma warning restore CA5351
}
