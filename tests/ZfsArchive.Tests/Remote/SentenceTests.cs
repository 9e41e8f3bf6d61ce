using System.Diagnostics;
using ZfsArchive.Servers;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>A way to the repository that does not work is said in a sentence: which store, why, and what to do; soon, and without a secret.</summary>
public sealed class SentenceTests
{
    // the six seconds for which a first contact is tried, and time for what a resolver and a machine with much to do take
    static readonly TimeSpan s_soon = TimeSpan.FromSeconds(15);

    static async Task SaysAsync(TestHost host, int code, params string[] words)
    {
        var since = Stopwatch.StartNew();
        var found = await host.FeedAsync(new SyntheticStream { Blocks = 2 }.Bytes(), "backup", "--stdin", "--allow-plaintext", "--json");
        var took = since.Elapsed;
        var said = host.Error.ToString();
        Assert.True(found == code, $"exit {found}, not {code}: {said}");
        foreach (var word in words.Append(code == 2 ? "" : host.Environment("ZFSARCHIVE_REPO")!)) Assert.Contains(word, said, StringComparison.Ordinal);
        if (host.Environment("AWS_SECRET_ACCESS_KEY") is { } secret) Assert.DoesNotContain(secret, $"{host.Out}{said}", StringComparison.Ordinal);
        Assert.Contains($"\"exitCode\":{code}}}", host.Out.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        Assert.True(took < s_soon, $"{took}: {said}");
    }

    [S3Fact]
    public async Task A_wrong_secret()
    {
        var place = new S3Place();
        using var host = place.NewHost(place.Service.Endpoint, (place.Service.AccessKey, "n0t-the-s3cret/of-this+account"));
        await SaysAsync(host, 1, "the secret key does not fit the access key", "AWS_SECRET_ACCESS_KEY");
    }

    [S3Fact]
    public async Task An_unknown_access_key()
    {
        var place = new S3Place();
        using var host = place.NewHost(place.Service.Endpoint, ("AKIANOBODYKNOWSTHIS0", place.Service.SecretKey));
        await SaysAsync(host, 1, "does not know the access key", "AWS_ACCESS_KEY_ID");
    }

    [S3Fact]
    public async Task A_missing_bucket()
    {
        using var host = new S3Place(S3Server.Shared, "there-is-no-such-bucket").NewHost();
        await SaysAsync(host, 10, "there is no bucket 'there-is-no-such-bucket'", S3Server.Shared.Endpoint.ToString().TrimEnd('/'), "create it");
    }

    [S3Fact]
    public async Task A_bucket_without_a_repository()
    {
        using var host = new S3Place().NewHost();
        await SaysAsync(host, 10, "is no repository", "zfsarchive init");
    }

    [S3Fact]
    public async Task A_stranger_to_the_bucket()
    {
        var place = new S3Place();
        using var owner = await place.NewRepositoryAsync();
        using var host = place.NewHost(place.Service.Endpoint, place.Service.NewStranger());
        await SaysAsync(host, 1, "these credentials may not do that", "s3:GetObject");
    }

    [S3Fact]
    public async Task No_service_at_the_endpoint()
    {
        using var closed = new FaultProxy(new S3Place().Server);
        using var host = new S3Place().NewHost(closed.Port);
        closed.Dispose();
        await SaysAsync(host, 1, $"nothing listens there (Connection refused (127.0.0.1:{closed.Port}))", "check the endpoint");
    }

    [S3Fact]
    public async Task An_endpoint_that_cannot_be_resolved()
    {
        var place = new S3Place();
        using var host = place.NewHost(new Uri("http://no-such-host.invalid:9000"), null);
        await SaysAsync(host, 1, "(no-such-host.invalid:9000)) on the way to http://no-such-host.invalid:9000", "check the endpoint");
    }

    [Theory]
    [InlineData("s3:/bucket")]
    [InlineData("s3://BUCKET_OF{}/x")]
    [InlineData("s3:https://access:s3cret-of-mine@host/bucket")]
    [InlineData("sftp://host")]
    [InlineData("sftp://user:s3cret-of-mine@host/folder")]
    [InlineData("sftp://host:99999/folder")]
    [InlineData("ftp://host/folder")]
    public async Task An_address_that_is_none(string address)
    {
        using var host = new TestHost { ClockRuns = true };
        host.Set("ZFSARCHIVE_REPO", address);
        await SaysAsync(host, 2);
        Assert.DoesNotContain("s3cret-of-mine", $"{host.Out}{host.Error}", StringComparison.Ordinal);
    }

    [SftpFact]
    public async Task An_unknown_host_key()
    {
        var place = new SftpPlace();
        using var host = SftpPlace.NewHost(place.Location, place.Machine.Identity, "");
        await SaysAsync(host, 1, "is unknown: it shows ssh-ed25519 SHA256:", await FingerprintAsync(place), "accept it once with `ssh");
    }

    [SftpFact]
    public async Task A_changed_host_key()
    {
        var place = new SftpPlace();
        using var keys = new TempFolder();
        await Shell.RunAsync(keys.Path, "ssh-keygen -q -t ed25519 -N '' -f other");
        using var host = SftpPlace.NewHost(place.Location, place.Machine.Identity, $"[127.0.0.1]:{place.Machine.Port} {File.ReadAllText(keys["other.pub"])}");
        await SaysAsync(host, 1, "has CHANGED: it shows ssh-ed25519 SHA256:", await FingerprintAsync(place), "ssh-keygen -R");
    }

    [SftpFact]
    public async Task A_key_that_is_refused()
    {
        var place = new SftpPlace();
        using var keys = new TempFolder();
        await Shell.RunAsync(keys.Path, "ssh-keygen -q -t ed25519 -N '' -f other");
        using var host = SftpPlace.NewHost(place.Location, keys["other"], $"* {SftpPlace.Key(place.Machine.KnownHosts)}\n");
        await SaysAsync(host, 1, "does not accept this login", "ssh-copy-id");
        Assert.DoesNotContain("PRIVATE KEY", host.Error.ToString(), StringComparison.Ordinal);
    }

    [SftpFact]
    public async Task A_folder_that_does_not_exist()
    {
        using var host = new SftpPlace().NewHost();
        await SaysAsync(host, 10, "does not exist on 127.0.0.1");
    }

    [SftpFact]
    public async Task A_folder_without_a_repository()
    {
        var place = new SftpPlace();
        Directory.CreateDirectory(place.Folder);
        using var host = place.NewHost();
        await SaysAsync(host, 10, "is no repository", "zfsarchive init");
    }

    [SftpFact]
    public async Task No_ssh_at_the_port()
    {
        using var closed = new FaultProxy(new SftpPlace().Server);
        using var host = new SftpPlace().NewHost(closed.Port);
        closed.Dispose();
        await SaysAsync(host, 1, "Connection refused", "check");
    }

    [SftpFact]
    public async Task A_host_that_cannot_be_resolved()
    {
        using var host = SftpPlace.NewHost("sftp://no-such-host.invalid/x", new SftpPlace().Machine.Identity, "");
        await SaysAsync(host, 1, "Could not resolve hostname", "check");
    }

    static async Task<string> FingerprintAsync(SftpPlace place) =>
        System.Text.Encoding.UTF8.GetString(await Shell.RunAsync("/", $"ssh-keygen -l -f <(cut -d' ' -f2- '{place.Machine.KnownHosts}')")).Split(' ')[1];
}
