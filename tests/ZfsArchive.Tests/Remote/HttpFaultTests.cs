using System.Text.Json;
using ZfsArchive.Servers;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>A service, or what lies before it, answers otherwise than it should.</summary>
public sealed class HttpFaultTests
{
    const string Chunk = ".zst";
    const int Garbled = 8;
    static readonly byte[] s_stream = new SyntheticStream { Blocks = 96 }.Bytes();
    static readonly string[] s_backup = ["backup", "--stdin", "--allow-plaintext", "--chunk-size", "1", "--json"];
    static readonly string[] s_cat = ["cat", "tank/made@s1"];

    [S3Fact]
    public async Task A_service_that_asks_to_slow_down_is_given_time()
    {
        var place = new S3Place();
        using var proxy = new HttpFaultProxy(place.Service.Endpoint);
        using var host = await BackedUpAsync(place, proxy, HttpFault.SlowDown with { Method = "PUT", Path = Chunk, Nth = 3, Times = 4 }, HttpFault.SlowDown with { Method = "GET", Path = "list-type", Nth = 2, Times = 2 });
        proxy.Add(HttpFault.SlowDown with { Method = "GET", Path = Chunk, Times = 3 });
        await RequireCatAsync(host);
    }

    [S3Fact]
    public async Task An_answer_that_is_lost_after_the_object_was_made_is_success()
    {
        var place = new S3Place();
        using var proxy = new HttpFaultProxy(place.Service.Endpoint);
        using var host = await BackedUpAsync(
            place, proxy,
            HttpFault.InternalError with { Method = "PUT", Path = Chunk, Nth = 2, Lost = true }, HttpFault.Reset with { Method = "PUT", Path = Chunk, Nth = 5, Lost = true },
            HttpFault.InternalError with { Method = "PUT", Path = "/manifests/", Times = 2, Lost = true }, HttpFault.InternalError with { Method = "PUT", Path = "/leases/", Lost = true },
            HttpFault.Reset with { Method = "DELETE", Lost = true });
        Assert.DoesNotContain(await place.ObjectsAsync(), o => o.Key.StartsWith("leases/", StringComparison.Ordinal));
        await RequireCatAsync(host);
    }

    [S3Fact]
    public async Task An_answer_that_ends_early_is_asked_for_again()
    {
        var place = new S3Place();
        using var proxy = new HttpFaultProxy(place.Service.Endpoint);
        using var host = await BackedUpAsync(place, proxy);
        foreach (var fault in new[] { HttpFault.Truncated(0), HttpFault.Truncated(1), HttpFault.Truncated(100_000), HttpFault.Reset, HttpFault.Reset with { Lost = true } })
        {
            proxy.Add(fault with { Method = "GET", Path = Chunk, Nth = 2, Times = 2 });
            proxy.Add(fault with { Method = "GET", Path = "/manifests/" });
            await RequireCatAsync(host);
        }
    }

    [S3Fact]
    public async Task A_connection_that_is_reset_amid_answers_is_made_again()
    {
        var place = new S3Place();
        using var owner = await BackedUpAsync(place, null);
        using var proxy = place.NewProxy();
        using var host = place.NewHost(proxy.Port);
        for (var after = 500_000; after < s_stream.Length / 2; after += 2_000_000)
        {
            proxy.CutAfter(after, Flow.Down);
            await RequireCatAsync(host);
        }
    }

    [S3Fact]
    public async Task A_byte_that_turns_over_on_its_way_never_comes_out_and_never_stays()
    {
        var place = new S3Place();
        using var proxy = place.NewProxy();
        using var host = place.NewHost(proxy.Port);
        await host.ExpectAsync(0, null, "init");
        proxy.Garble(3_000_000);
        await host.ExpectAsync(0, s_stream, s_backup);
        Assert.True(Assert.Single(StoredTruth.Streams(await place.ObjectsAsync())).Value.AsSpan().SequenceEqual(s_stream));

        var before = proxy.BytesDown;
        await RequireCatAsync(host);
        var whole = proxy.BytesDown - before;
        var (seed, right) = (Environment.TickCount, 0);
        var random = new Random(seed);
        for (var i = 0; i < Garbled; i++)
        {
            var nth = random.NextInt64(1, whole);
            proxy.Garble(nth, Flow.Down);
            var code = await host.FeedAsync([], s_cat);
            if (code == 0) right++;
            var output = host.Output.ToArray();
            Assert.True(code == 0 ? output.AsSpan().SequenceEqual(s_stream) : output.Length < s_stream.Length && s_stream.AsSpan().StartsWith(output), $"seed {seed}, byte {nth}: exit {code}, {host.Error}");
        }
        Assert.True(right > Garbled / 2, $"seed {seed}: only {right} of {Garbled}");
    }

    [S3Fact]
    public async Task Credentials_that_expire_midway_are_said_and_the_next_run_goes_on()
    {
        var place = new S3Place();
        using var proxy = new HttpFaultProxy(place.Service.Endpoint);
        using var host = place.NewHost(proxy.Endpoint.Port);
        await host.ExpectAsync(0, null, "init");
        // from then on, whatever is asked
        proxy.Add(HttpFault.ExpiredToken with { Nth = 36, Times = 100_000 });
        await host.ExpectAsync(1, s_stream, s_backup);
        Assert.Contains(place.Location, host.Error.ToString(), StringComparison.Ordinal);
        Assert.Contains("the credentials have expired: renew them and run again", host.Error.ToString(), StringComparison.Ordinal);
        await proxy.SettledAsync();
        var left = await place.ObjectsAsync();
        Assert.Empty(StoredTruth.Streams(left));

        using var again = place.NewHost();
        await again.ExpectAsync(0, s_stream, s_backup);
        using var result = JsonDocument.Parse(again.Out.ToString());
        var archive = result.RootElement.GetProperty("archives")[0];
        var stored = left.Where(o => o.Key.EndsWith(Chunk, StringComparison.Ordinal)).Sum(o => (long)o.Value.Length);
        Assert.True(stored > 0);
        Assert.Equal(archive.GetProperty("storedLength").GetInt64(), stored + archive.GetProperty("sentLength").GetInt64());
        Assert.Equal(s_stream, Assert.Single(StoredTruth.Streams(await place.ObjectsAsync())).Value);
    }

    [S3Fact]
    public async Task A_clock_that_is_wrong_is_set_by_the_services_and_said_when_that_does_not_help()
    {
        var place = new S3Place();
        using var proxy = new HttpFaultProxy(place.Service.Endpoint);
        using var host = await BackedUpAsync(place, proxy, HttpFault.TimeTooSkewed with { Method = "PUT", Path = Chunk, Nth = 2 }, HttpFault.TimeTooSkewed with { Method = "HEAD", Path = Chunk }, HttpFault.TimeTooSkewed with { Method = "GET", Path = "list-type" });
        proxy.Add(HttpFault.TimeTooSkewed with { Method = "GET", Times = 1000 });
        await host.ExpectAsync(1, null, "list");
        Assert.Contains("clock is", host.Error.ToString(), StringComparison.Ordinal);
        Assert.Contains("set it", host.Error.ToString(), StringComparison.Ordinal);
    }

    // A world whose repository holds the stream; it was stored in spite of the faults, and all of them happened.
    static async Task<TestHost> BackedUpAsync(S3Place place, HttpFaultProxy? proxy, params HttpFault[] faults)
    {
        var host = place.NewHost(proxy?.Endpoint.Port);
        await host.ExpectAsync(0, null, "init");
        foreach (var fault in faults) proxy!.Add(fault);
        await host.ExpectAsync(0, s_stream, s_backup);
        Assert.Equal(0, proxy?.Waiting ?? 0);
        Assert.True(Assert.Single(StoredTruth.Streams(await place.ObjectsAsync())).Value.AsSpan().SequenceEqual(s_stream));
        return host;
    }

    static async Task RequireCatAsync(TestHost host)
    {
        await host.ExpectAsync(0, null, s_cat);
        Assert.True(host.Output.ToArray().AsSpan().SequenceEqual(s_stream));
    }
}
