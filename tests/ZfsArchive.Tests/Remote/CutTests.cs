using System.Text.Json;
using ZfsArchive.Servers;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>Connections are cut at random bytes of a backup.</summary>
public sealed class CutTests
{
    const int Cuts = 30;
    const int MiB = 1 << 20;
    const int TransfersAtOnce = 8;
    const string Descriptor = "zfsarchive.json";

    // of the second run: its connections, what asks whether each chunk is there, its lease, manifest and record of the dataset
    const long Overhead = 256 << 10;

    static readonly byte[] s_stream = new SyntheticStream { Blocks = 96 }.Bytes();
    static readonly string[] s_backup = ["backup", "--stdin", "--allow-plaintext", "--chunk-size", "1", "--compress", "1", "--json"];

    [S3Fact]
    public Task After_any_cut_nothing_lies_in_s3_and_the_next_run_sends_the_rest() => CutAnywhereAsync(() => new S3Place());

    [SftpFact]
    public Task After_any_cut_nothing_lies_on_sftp_and_the_next_run_sends_the_rest() => CutAnywhereAsync(() => new SftpPlace());

    [S3Fact]
    public Task A_run_to_s3_survives_a_cut() => SurviveAsync(new S3Place());

    [SftpFact]
    public Task A_run_to_sftp_survives_a_cut() => SurviveAsync(new SftpPlace());

    static async Task CutAnywhereAsync(Func<RemotePlace> newPlace)
    {
        var whole = await UndisturbedAsync(newPlace());
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var cuts = Enumerable.Range(0, Cuts).Select(i => (Number: i, Bytes: (i % 6) switch
        {
            0 => whole.Up - random.Next(20_000),
            1 => random.Next(20_000),
            _ => random.NextInt64(whole.Up),
        })).ToList();
        var failed = 0;
        await Parallel.ForEachAsync(cuts, new ParallelOptions { MaxDegreeOfParallelism = 10 }, async (cut, _) =>
        {
            if (await CutAsync(newPlace(), cut.Bytes, whole, $"seed {seed}, cut {cut.Number} after {cut.Bytes} bytes") != 0) Interlocked.Increment(ref failed);
        });
        Assert.True(failed > Cuts / 4, $"seed {seed}: only {failed} of {Cuts} runs failed");
    }

    static async Task<Undisturbed> UndisturbedAsync(RemotePlace place)
    {
        using var proxy = place.NewProxy();
        using var host = place.NewHost(proxy.Port);
        await host.ExpectAsync(0, null, "init");
        var before = proxy.BytesUp;
        await host.ExpectAsync(0, s_stream, s_backup);
        var objects = await place.ObjectsAsync();
        return new(proxy.BytesUp - before, [.. Chunks(objects)], objects[Descriptor]);
    }

    static async Task<int> CutAsync(RemotePlace place, long bytes, Undisturbed whole, string what)
    {
        await place.PutAsync(Descriptor, whole.Descriptor);
        using var proxy = place.NewProxy();
        using var host = place.NewHost(proxy.Port);
        // a third of them only for a moment: then it is the same run that goes on
        proxy.StaysCut = bytes % 3 > 0;
        proxy.CutAfter(bytes, Flow.Up);
        var code = await host.FeedAsync(s_stream, [.. s_backup, "-o", "store.retry-limit=1"]);
        Assert.True(code is 0 or 1, $"{what}: exit {code}\n{host.Error}");

        // no archive, or a whole one: no manifest says more than is true
        var left = await place.ObjectsAsync();
        var streams = StoredTruth.Streams(left);
        Assert.True(streams.Count <= 1 && (code != 0 || streams.Count == 1), $"{what}: exit {code}, {streams.Count} archives");
        Assert.All(streams.Values, s => Assert.True(s.AsSpan().SequenceEqual(s_stream), what));

        proxy.Refuse = false;
        proxy.CutAfter(long.MaxValue);
        await host.ExpectAsync(0, s_stream, s_backup);
        Assert.True(Chunks(left).Sum() + Sent(host) == whole.Chunks.Sum(), $"{what}: {Chunks(left).Sum()} bytes were stored, and {Sent(host)} of {whole.Chunks.Sum()} were sent again");
        var bound = whole.Up + whole.Chunks.OrderDescending().Take(TransfersAtOnce).Sum() + Overhead;
        Assert.True(proxy.BytesUp <= bound, $"{what}: {proxy.BytesUp} bytes went over the line, more than {bound}");
        await RequireWholeAsync(place, what);
        if (code == 1 && Random.Shared.Next(8) == 0) await host.ExpectAsync(0, null, "verify");
        return code;
    }

    static async Task SurviveAsync(RemotePlace place)
    {
        using var proxy = place.NewProxy();
        using var host = place.NewHost(proxy.Port);
        await host.ExpectAsync(0, null, "init");
        proxy.CutAfter(5 * MiB, Flow.Up);
        await host.ExpectAsync(0, s_stream, s_backup);
        await RequireWholeAsync(place, "cut midway");
    }

    static async Task RequireWholeAsync(RemotePlace place, string what) =>
        Assert.True(Assert.Single(StoredTruth.Streams(await place.ObjectsAsync())).Value.AsSpan().SequenceEqual(s_stream), what);

    static IEnumerable<long> Chunks(Dictionary<string, byte[]> objects) => objects.Where(o => o.Key.EndsWith(".zst", StringComparison.Ordinal)).Select(o => (long)o.Value.Length);

    static long Sent(TestHost host)
    {
        using var result = JsonDocument.Parse(host.Out.ToString());
        return result.RootElement.GetProperty("archives")[0].GetProperty("sentLength").GetInt64();
    }

    /// <summary>A backup to which nothing happens.</summary>
    /// <param name="Up">Bytes on the line.</param>
    /// <param name="Chunks">Lengths of what is stored.</param>
    sealed record Undisturbed(long Up, IReadOnlyList<long> Chunks, byte[] Descriptor);
}
