using ZfsArchive.Stores;
using ZfsArchive.Sftp;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>An archive that went round all kinds of places is the one it was.</summary>
public sealed class CopyRoundTests
{
    [S3Fact]
    public async Task From_a_directory_to_s3_to_sftp_to_a_directory_nothing_changes()
    {
        var (bucket, folder) = (new S3Place(), new SftpPlace());
        using var s3 = await bucket.NewRepositoryAsync();
        using var sftp = await folder.NewRepositoryAsync();
        using var host = await TestHost.WithRepositoryAsync();
        foreach (var variable in new[] { "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY" }) host.Set(variable, s3.Environment(variable)!);
        foreach (var variable in new[] { "ZFSARCHIVE_SFTP_CONFIG", "ZFSARCHIVE_SFTP_IDENTITY", "ZFSARCHIVE_SFTP_KNOWN_HOSTS" }) host.Set(variable, sftp.Environment(variable)!);
        foreach (var name in new[] { "chain-full", "chain-I-package", "R-raw-full" }) await host.ExpectAsync(0, Golden.Bytes(name), "backup", "--stdin");
        await host.ExpectAsync(0, new SyntheticStream { Blocks = 40 }.Bytes(), "backup", "--stdin", "--allow-plaintext", "--chunk-size", "1");

        var home = host.Beside("home again");
        await host.ExpectAsync(0, null, "init", "--repo", home);
        string[] way = [host.Repo, bucket.Location, folder.Location, home];
        for (var i = 1; i < way.Length; i++)
        {
            await host.ExpectAsync(0, null, "copy", "--from", way[i - 1], "--to", way[i]);
            await host.ExpectAsync(0, null, "verify", "--repo", way[i]);
            await host.ExpectAsync(0, null, "copy", "--from", way[i - 1], "--to", way[i]);
            Assert.Contains("nothing to do", host.Out.ToString(), StringComparison.Ordinal);
        }
        Assert.Equal(Content(host.Repo), Content(home));
    }

    static SortedDictionary<string, string> Content(string place) =>
        new(TempFolder.Contents(place).Where(f => f.Key != "zfsarchive.json" && !f.Key.StartsWith("records/", StringComparison.Ordinal)).ToDictionary(f => f.Key, f => f.Value), StringComparer.Ordinal);
}

/// <summary>A line that breaks, or stands still, in the middle of an answer.</summary>
public sealed class CutWhileReadingTests
{
    [SftpFact]
    public async Task A_read_that_is_cut_fails_for_a_time_and_never_hangs()
    {
        var place = new SftpPlace();
        var bytes = new byte[6 << 20];
        new Random(1).NextBytes(bytes);
        using var host = await place.NewRepositoryAsync();
        await place.PutAsync("x", bytes);
        using var proxy = place.NewProxy();
        using var through = place.NewHost(proxy.Port);
        for (var cut = 0; cut < 12; cut++)
        {
            await using var store = Open(through);
            Assert.Equal(6 << 20, (await store.StatAsync(new("x"), default))!.Length);
            // somewhere inside an answer of 255 KiB, nearly always
            proxy.CutAfter((cut + 1) * 400_000L + 7);
            var into = new byte[bytes.Length];
            var failure = await Assert.ThrowsAsync<StoreException>(() => store.ReadAsync(new("x"), 0, into, default).WaitAsync(TimeSpan.FromSeconds(30)));
            Assert.Equal(StoreFailure.Transient, failure.Failure);
            // another channel may have been cut as well, and not know it yet
            var again = new RetryingStore(store, RetryPolicy.Standard, TimeProvider.System, () => 0.5);
            Assert.Equal(bytes.Length, await again.ReadAsync(new("x"), 0, into, default).WaitAsync(TimeSpan.FromSeconds(30)));
            Assert.Equal(bytes, into);
        }
    }

    [SftpFact]
    public async Task A_read_that_stands_still_inside_an_answer_is_given_up()
    {
        var place = new SftpPlace();
        using var host = await place.NewRepositoryAsync();
        await place.PutAsync("x", new byte[200_000]);
        using var proxy = place.NewProxy();
        using var through = place.NewHost(proxy.Port);
        await using var store = Open(through, TimeSpan.FromSeconds(1));
        await store.StatAsync(new("x"), default);
        proxy.BytesPerSecond = 150_000;
        var reading = store.ReadAsync(new("x"), 0, new byte[200_000], default);
        await Task.Delay(300);
        proxy.Stall();
        Assert.Equal(StoreFailure.Transient, (await Assert.ThrowsAsync<StoreException>(() => reading.WaitAsync(TimeSpan.FromSeconds(30)))).Failure);
    }

    static SftpStore Open(TestHost host, TimeSpan? stallLimit = null) => new(
        (StoreAddress.Remote)StoreAddress.Parse(host.Environment("ZFSARCHIVE_REPO")!),
        new()
        {
            SshConfiguration = host.Environment("ZFSARCHIVE_SFTP_CONFIG"), Identity = host.Environment("ZFSARCHIVE_SFTP_IDENTITY"),
            KnownHosts = host.Environment("ZFSARCHIVE_SFTP_KNOWN_HOSTS"), StallLimit = stallLimit ?? TimeSpan.FromSeconds(60),
        }, TimeProvider.System);
}
