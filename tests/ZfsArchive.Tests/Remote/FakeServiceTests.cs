using System.Net;
using System.Net.Sockets;
using ZfsArchive.S3;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>Services with habits that the real one at hand does not have.</summary>
public sealed class FakeServiceTests : IDisposable
{
    const string Sha256Header = "x-amz-checksum-sha256";
    const string Descriptor = "zfsarchive.json";
    static readonly ObjectKey s_key = new("archives/a/chunk");
    readonly FakeS3 _service = new();

    public FakeServiceTests() => _service[Descriptor] = Bytes(200, 9);

    public void Dispose() => _service.Dispose();

    S3Store Open(Md5Use md5 = Md5Use.WhereNeeded) =>
        new(new(FakeS3.Bucket, "", null), new() { Endpoint = _service.Endpoint, Region = "us-east-1", Keys = ("access", "secret", null), Md5 = md5, StallLimit = TimeSpan.FromSeconds(20) }, TimeProvider.System);

    static byte[] Bytes(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    static ObjectBody Body(int length = 300_000, int seed = 1) => ObjectBody.OfBytes(Bytes(length, seed));

    static async Task<StoreException> FailsAsync(StoreFailure failure, Func<Task> act)
    {
        var e = await Assert.ThrowsAsync<StoreException>(act);
        Assert.True(e.Failure == failure, e.Message);
        Assert.Contains($"s3://{FakeS3.Bucket}", e.Message, StringComparison.Ordinal);
        return e;
    }

    // Whatever the service does: what is there is found, what is taken is not overwritten, and what comes back is what went in.
    static async Task KeepsItsPromisesAsync(S3Store store)
    {
        foreach (var length in new[] { 1000, 300_000 })
        {
            var key = new ObjectKey($"archives/promises/{length}");
            Assert.Equal(CreateOutcome.Created, await store.CreateAsync(key, Body(length), default));
            Assert.Equal(CreateOutcome.AlreadyThere, await store.CreateAsync(key, Body(length), default));
            await FailsAsync(StoreFailure.Conflict, () => store.CreateAsync(key, Body(length, 2), default));
            var into = new byte[length + 1];
            Assert.Equal(length, await store.ReadAsync(key, 0, into, default));
            Assert.Equal(Bytes(length), into[..length]);
            Assert.Equal(length, (await store.StatAsync(key, default))!.Length);
            await store.DeleteAsync(key, default);
            Assert.Null(await store.StatAsync(key, default));
        }
        Assert.DoesNotContain(await KeysAsync(store), k => k.StartsWith("records/", StringComparison.Ordinal));
    }

    static async Task<List<string>> KeysAsync(S3Store store)
    {
        var keys = new List<string>();
        await foreach (var info in store.ListAsync("", default)) keys.Add(info.Key.Text);
        return keys;
    }

    [Fact]
    public async Task A_service_that_keeps_sha256_is_asked_for_it()
    {
        await using var store = Open();
        await store.CreateAsync(new("first"), Body(10), default);
        // the descriptor was put by somebody who sent no checksum: it is not known yet
        Assert.Equal(Sha256Source.None, (await store.CapabilitiesAsync(default)).Sha256);
        await using var made = await MadeAsync();
        Assert.Equal(new StoreCapabilities(true, Sha256Source.Kept, KeepsMd5: false), await made.CapabilitiesAsync(default));
        var told = new List<string>();
        await made.CreateAsync(s_key, Body() with { Md5Kept = told.Add }, default);
        Assert.Equal(CreateOutcome.AlreadyThere, await made.CreateAsync(s_key, Body() with { Md5Kept = told.Add }, default));
        Assert.Empty(told);
        Assert.All(_service.Of("PUT", s_key.Text), r => Assert.NotNull(r.Header(Sha256Header)));
        Assert.Empty(_service.Of("GET", s_key.Text));
        Assert.Equal(Body().Sha256, Assert.Single(await made.Sha256Async([s_key, new("absent")], default)).Value);
        await KeepsItsPromisesAsync(made);
    }

    // A store whose descriptor was put by this program.
    async Task<S3Store> MadeAsync()
    {
        await using (var maker = Open())
        {
            await maker.DeleteAsync(new(Descriptor), default);
            await maker.CreateAsync(new(Descriptor), Body(200, 9), default);
        }
        var store = Open();
        await store.CreateAsync(new("first"), Body(10), default);
        return store;
    }

    [Fact]
    public async Task Prepared_it_sees_what_the_service_does_before_anything_is_written()
    {
        var store = Open();
        store.PrepareToWrite();
        await store.DisposeAsync();
        Assert.Single(_service.Of("PUT", Descriptor));
        Assert.Single(_service.Of("PUT", "records/probe-"));
        Assert.Equal(Bytes(200, 9), _service[Descriptor]);
        await using var later = Open();
        Assert.Equal([Descriptor], await KeysAsync(later));
    }

    [Fact]
    public async Task Prepared_it_writes_nothing_where_there_is_no_repository()
    {
        _service.Remove(Descriptor);
        var store = Open();
        store.PrepareToWrite();
        await store.DisposeAsync();
        Assert.NotEmpty(_service.Of("GET", Descriptor));
        Assert.DoesNotContain(_service.Requests, r => r.Method == "PUT");
    }

    [Fact]
    public async Task A_service_whose_kept_sha256_is_another_one_is_not_believed()
    {
        _service.LiesAtHead = true;
        await using var store = await MadeAsync();
        Assert.Equal(Sha256Source.None, (await store.CapabilitiesAsync(default)).Sha256);
        Assert.Empty(await store.Sha256Async([new("first")], default));
        await KeepsItsPromisesAsync(store);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_service_that_answers_a_put_with_another_sha256_is_not_trusted(bool always)
    {
        if (always)
        {
            _service.LiesAtPut = true;
            await FailsAsync(StoreFailure.Permanent, MadeAsync);
            return;
        }
        await using var store = await MadeAsync();
        _service.LiesAtPut = true;
        Assert.Contains("not trusted", (await FailsAsync(StoreFailure.Permanent, () => store.CreateAsync(s_key, Body(), default))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Treatment.Ignored, 0)]
    [InlineData(Treatment.Refused, 501)]
    [InlineData(Treatment.Refused, 400)]
    public async Task Without_the_condition_a_name_is_looked_at_before(object condition, int status)
    {
        (_service.Condition, _service.RefusedWith) = ((Treatment)condition, status);
        await using var store = Open();
        await KeepsItsPromisesAsync(store);
        Assert.False((await store.CapabilitiesAsync(default)).CreatesAtomically);
        Assert.Equal(Bytes(200, 9), _service[Descriptor]);
        if (_service.Condition is Treatment.Refused) Assert.DoesNotContain(_service.Of("PUT", "archives/"), r => r.Header("If-None-Match") is not null);
    }

    [Theory]
    [InlineData(400, false)]
    [InlineData(501, false)]
    [InlineData(400, true)]
    [InlineData(501, true)]
    public async Task Without_the_checksum_header_it_is_left_out(int status, bool conditionFirst)
    {
        (_service.Checksum, _service.RefusedWith, _service.ConditionFirst) = (Treatment.Refused, status, conditionFirst);
        await using var store = Open();
        await store.CreateAsync(new("first"), Body(10), default);
        await KeepsItsPromisesAsync(store);
        Assert.True((await store.CapabilitiesAsync(default)).CreatesAtomically);
        Assert.DoesNotContain(_service.Of("PUT", "archives/"), r => r.Header(Sha256Header) is not null);
    }

    [Fact]
    public async Task A_service_that_refuses_both_headers_is_used_without()
    {
        (_service.Checksum, _service.Condition) = (Treatment.Refused, Treatment.Refused);
        await using var store = Open();
        await KeepsItsPromisesAsync(store);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Content_md5_goes_along_unless_the_body_is_checked_by_its_signature(bool checks)
    {
        (_service.ChecksBody, _service.Checksum) = (checks, Treatment.Ignored);
        await using var store = Open();
        await KeepsItsPromisesAsync(store);
        Assert.All(_service.Of("PUT", "archives/"), r => Assert.Equal(checks, r.Header("Content-MD5") is null));
    }

    [Theory]
    [InlineData("0123456789abcdef-2")]
    [InlineData("not hexadecimal")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    public async Task An_etag_that_is_no_md5_is_not_taken_for_one(string etag)
    {
        (_service.Checksum, _service.ChecksBody) = (Treatment.Ignored, false);
        _service.Etag = (_, _) => etag;
        await using var store = Open();
        await KeepsItsPromisesAsync(store);
        var told = new List<string>();
        await store.CreateAsync(s_key, Body() with { Md5Kept = told.Add }, default);
        Assert.Empty(told);
        Assert.False((await store.CapabilitiesAsync(default)).KeepsMd5);
        Assert.Null((await store.StatAsync(s_key, default))!.Md5);
    }

    // As when a bucket encrypts by default since the repository was made.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Etags_that_are_md5_no_longer_are_seen_at_the_first_object(bool always)
    {
        _service.Checksum = Treatment.Ignored;
        _service.Etag = (key, bytes) => key == Descriptor ? FakeS3.Md5(bytes) : FakeS3.Md5([.. bytes, 1]);
        await using var store = Open(always ? Md5Use.Always : Md5Use.WhereNeeded);
        Assert.True((await store.CapabilitiesAsync(default)).KeepsMd5);
        var told = new List<string>();
        await store.CreateAsync(s_key, Body() with { Md5Kept = told.Add }, default);
        Assert.Empty(told);
        await KeepsItsPromisesAsync(store);
    }

    [Fact]
    public async Task A_listing_out_of_order_is_not_trusted()
    {
        await FillAsync();
        _service.Page = (keys, _) => (keys.Reverse(), null);
        await using var store = Open();
        Assert.Contains("out of order", (await FailsAsync(StoreFailure.Permanent, () => KeysAsync(store))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listing_of_other_prefixes_is_not_trusted()
    {
        await FillAsync();
        _service.Page = (_, _) => (["stranger"], null);
        _service["stranger"] = [1];
        await using var store = Open();
        await FailsAsync(StoreFailure.Permanent, async () =>
        {
            await foreach (var unused in store.ListAsync("archives/", default)) Assert.Fail(unused.Key.Text);
        });
    }

    public static TheoryData<string> Endless => ["same token", "same page", "no token", "empty pages"];

    [Theory, MemberData(nameof(Endless))]
    public async Task A_listing_that_never_ends_is_given_up(string how)
    {
        await FillAsync();
        var pages = 0;
        _service.Page = (keys, _) => how switch
        {
            "same token" => (keys.Skip(pages++).Take(1), "again"),
            "same page" => (keys, $"page{pages++}"),
            "no token" => (keys, ""),
            _ => ([], $"page{pages++}"),
        };
        await using var store = Open();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await FailsAsync(StoreFailure.Permanent, async () =>
        {
            await foreach (var unused in store.ListAsync("", limit.Token)) Assert.NotEmpty(unused.Key.Text);
        });
    }

    [Fact]
    public async Task A_listing_with_an_empty_page_goes_on()
    {
        await FillAsync();
        _service.Page = (keys, token) => token switch { "" => (keys.Take(2), "a"), "a" => ([], "b"), "b" => ([], "c"), _ => (keys.Skip(2), null) };
        await using var store = Open();
        Assert.Equal(6, (await KeysAsync(store)).Count);
    }

    [Fact]
    public async Task A_refusal_without_words_is_asked_about()
    {
        _service.Expired = true;
        await using var store = Open();
        foreach (var act in new Func<Task>[] { () => store.StatAsync(s_key, default), () => store.CreateAsync(s_key, Body(), default) })
            Assert.Contains("the credentials have expired: renew them", (await FailsAsync(StoreFailure.Denied, act)).Message, StringComparison.Ordinal);
    }

    // A packet filter, or a host that is down: nobody refuses, nobody answers.
    [Fact]
    public async Task A_connection_that_does_not_come_about_may_heal()
    {
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var waiting = new List<Socket>();
        try
        {
            for (var i = 0; i < 4; i++)
            {
                waiting.Add(new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false });
                Assert.Throws<SocketException>(() => waiting[^1].Connect(full.LocalEndPoint!));
            }
            await using var store = new S3Store(
                new(FakeS3.Bucket, "", null),
                new() { Endpoint = new($"http://{full.LocalEndPoint}"), Region = "us-east-1", Keys = ("access", "secret", null), ConnectLimit = TimeSpan.FromSeconds(1) }, TimeProvider.System);
            var e = await FailsAsync(StoreFailure.Transient, () => store.StatAsync(s_key, default));
            Assert.Contains("no connection came about in time", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            waiting.ForEach(s => s.Dispose());
        }
    }

    [Fact]
    public async Task What_may_not_be_looked_at_is_denied_and_not_absent()
    {
        _service.ForbidsHead = true;
        await using var store = Open();
        foreach (var act in new Func<Task>[] { () => store.StatAsync(s_key, default), () => store.CreateAsync(s_key, Body(), default), () => store.CapabilitiesAsync(default) })
            Assert.Contains("these credentials may not do that", (await FailsAsync(StoreFailure.Denied, act)).Message, StringComparison.Ordinal);
    }

    async Task FillAsync()
    {
        await using var store = Open();
        for (var i = 0; i < 5; i++) await store.CreateAsync(new($"archives/{i}"), Body(10, i), default);
    }
}
