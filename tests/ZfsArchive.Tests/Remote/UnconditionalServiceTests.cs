using ZfsArchive.S3;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>A service that takes every PUT: of two that create one name at the same time, the first one's bytes are gone.</summary>
public sealed class UnconditionalServiceTests : IDisposable
{
    const string Manifest = "_full.json";
    readonly FakeS3 _service = new() { Condition = Treatment.Ignored };

    public void Dispose() => _service.Dispose();

    TestHost NewHost()
    {
        var host = new TestHost { ClockRuns = true };
        host.Set("ZFSARCHIVE_REPO", $"s3://{FakeS3.Bucket}");
        host.Set("AWS_ENDPOINT_URL", _service.Endpoint.ToString());
        host.Set("AWS_REGION", "us-east-1");
        host.Set("AWS_ACCESS_KEY_ID", "access");
        host.Set("AWS_SECRET_ACCESS_KEY", "secret");
        return host;
    }

    static Task BackupAsync(TestHost host, string stream, int code = 0) => host.ExpectAsync(code, Golden.Bytes(stream), "backup", "--stdin", "--dataset", "tank/x", "--allow-plaintext");

    // The archive of another host, whose PUT of the manifest arrives just behind ours.
    async Task<(TestHost Other, Action<string> Arrives)> OtherAsync(string stream)
    {
        var other = NewHost();
        await other.ExpectAsync(0, null, "init");
        await BackupAsync(other, stream);
        var key = Assert.Single(_service.Requests, r => r.Method == "PUT" && r.Target.EndsWith(Manifest, StringComparison.Ordinal)).Target[(FakeS3.Bucket.Length + 2)..];
        var manifest = _service[key];
        _service.Remove(key);
        return (other, put => { if (put == key) _service[key] = manifest; });
    }

    [Fact]
    public async Task Whose_bytes_were_replaced_is_told()
    {
        await using var store = new S3Store(new(FakeS3.Bucket, "", null), new() { Endpoint = _service.Endpoint, Region = "us-east-1", Keys = ("access", "secret", null) }, TimeProvider.System);
        _service["zfsarchive.json"] = new byte[200];
        _service.Stored = key => { if (key == "manifests/x") _service[key] = new byte[10]; };
        var e = await Assert.ThrowsAsync<StoreException>(() => store.CreateAsync(new("manifests/x"), ObjectBody.OfBytes(new byte[20]), default));
        Assert.Equal(StoreFailure.Conflict, e.Failure);
        Assert.Equal(CreateOutcome.Created, await store.CreateAsync(new("manifests/y"), ObjectBody.OfBytes(new byte[20]), default));
    }

    [Fact]
    public async Task Two_hosts_that_archive_a_stream_at_once_agree_on_one_manifest()
    {
        var (other, arrives) = await OtherAsync("chain-full");
        using var _ = other;
        using var host = NewHost();
        _service.Stored = arrives;
        await BackupAsync(host, "chain-full");
        _service.Stored = null;
        await host.ExpectAsync(0, null, "verify");
        await other.ExpectAsync(0, null, "verify");
        await BackupAsync(host, "chain-incr1");
        await other.ExpectAsync(0, null, "verify");
    }

    [Fact]
    public async Task Who_archived_another_stream_of_the_same_snapshot_at_once_is_told_to_run_again()
    {
        var (other, arrives) = await OtherAsync("lz4-full");
        using var _ = other;
        using var host = NewHost();
        _service.Stored = arrives;
        await BackupAsync(host, "lz4-full-c", 1);
        Assert.Contains("run this one again, it takes the next name", host.Error.ToString(), StringComparison.Ordinal);
        _service.Stored = null;
        await BackupAsync(host, "lz4-full-c");
        await host.ExpectAsync(0, null, "verify");
        Assert.Contains("2 archives", host.Out.ToString(), StringComparison.Ordinal);
    }
}
