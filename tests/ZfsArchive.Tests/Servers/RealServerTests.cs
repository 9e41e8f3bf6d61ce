using System.Net;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Servers;

/// <summary>The servers are what the tests of the stores take them for.</summary>
public sealed class RealServerTests
{
    [S3Fact]
    public async Task S3_gives_back_what_it_got()
    {
        using var client = S3Server.Shared.Client();
        var bucket = S3Server.Shared.NewBucket();
        await PutAsync(client, bucket, "a/b", "text");
        Assert.Equal("text", await GetAsync(client, bucket, "a/b"));
        Assert.Equal(["a/b"], (await client.ListObjectsV2Async(new() { BucketName = bucket })).S3Objects.Select(o => o.Key));
    }

    [S3Fact]
    public async Task Of_20_creators_in_S3_one_wins()
    {
        using var client = S3Server.Shared.Client();
        var bucket = S3Server.Shared.NewBucket();
        var codes = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            try
            {
                await PutAsync(client, bucket, "one", $"{i}", "*");
                return HttpStatusCode.OK;
            }
            catch (AmazonS3Exception e)
            {
                return e.StatusCode;
            }
        }));
        Assert.Single(codes, HttpStatusCode.OK);
        Assert.Equal(19, codes.Count(c => c == HttpStatusCode.PreconditionFailed));
        Assert.Equal($"{Array.IndexOf(codes, HttpStatusCode.OK)}", await GetAsync(client, bucket, "one"));
    }

    [S3Fact]
    public async Task A_reader_may_not_write_and_a_stranger_may_nothing()
    {
        var bucket = S3Server.Shared.NewBucket();
        using var owner = S3Server.Shared.Client();
        await PutAsync(owner, bucket, "a", "text");
        var (readerKeys, strangerKeys) = (S3Server.Shared.NewReader(), S3Server.Shared.NewStranger());
        using var reader = S3Server.Shared.Client(readerKeys);
        Assert.Equal("text", await GetAsync(reader, bucket, "a"));
        Assert.Single((await reader.ListObjectsV2Async(new() { BucketName = bucket })).S3Objects);
        await IsDeniedAsync(readerKeys, c => PutAsync(c, bucket, "b", "text"));
        await IsDeniedAsync(readerKeys, c => c.DeleteObjectAsync(bucket, "a"));
        await IsDeniedAsync(readerKeys, c => c.InitiateMultipartUploadAsync(bucket, "c"));
        await IsDeniedAsync(strangerKeys, c => GetAsync(c, bucket, "a"));
        await IsDeniedAsync(strangerKeys, c => c.ListObjectsV2Async(new() { BucketName = bucket }));
    }

    [S3Fact]
    public async Task S3_stands_still_crashes_and_comes_back()
    {
        using var server = S3Server.StartPrivate();
        var bucket = server.NewBucket();
        using var client = server.Client(change: c => (c.MaxErrorRetry, c.Timeout) = (0, TimeSpan.FromSeconds(1)));
        await PutAsync(client, bucket, "a", "text");
        server.Pause();
        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync(client, bucket, "a"));
        server.Resume();
        Assert.Equal("text", await GetAsync(client, bucket, "a"));
        var endpoint = server.Endpoint;
        server.Kill();
        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync(client, bucket, "a"));
        server.Restart();
        Assert.Equal(endpoint, server.Endpoint);
        using var patient = server.Client();
        Assert.Equal("text", await GetAsync(patient, bucket, "a"));
    }

    [S3Fact]
    public async Task The_S3_client_tries_again_what_the_proxy_spoils()
    {
        var bucket = S3Server.Shared.NewBucket();
        using var proxy = new HttpFaultProxy(S3Server.Shared.Endpoint);
        using var client = S3Server.Shared.Client(endpoint: proxy.Endpoint);
        proxy.Add(HttpFault.SlowDown with { Method = "PUT" });
        proxy.Add(HttpFault.TimeTooSkewed with { Method = "GET", Nth = 2 });
        await PutAsync(client, bucket, "a", "text");
        Assert.Equal("text", await GetAsync(client, bucket, "a"));
        Assert.Equal((2, 1), (proxy.Requests("PUT"), proxy.Requests("GET")));
        proxy.Add(HttpFault.InternalError with { Method = "PUT", Lost = true });
        var e = await Assert.ThrowsAsync<AmazonS3Exception>(() => PutAsync(client, bucket, "b", "text", "*"));
        Assert.Equal((HttpStatusCode.PreconditionFailed, "text"), (e.StatusCode, await GetAsync(S3Server.Shared.Client(), bucket, "b")));
    }

    [SftpFact]
    public async Task Sftp_puts_and_gets_and_comes_back()
    {
        using var server = SftpServer.Start();
        using var temp = new TempFolder();
        await File.WriteAllTextAsync(temp["in"], "text");
        await Shell.RunAsync(temp.Path, $"printf 'put in {server.Root}/a\\n' | sftp -q -b - -F {server.SshConfiguration} any");
        Assert.Equal("text", await File.ReadAllTextAsync(Path.Combine(server.Folder, "a")));
        server.Kill();
        await Assert.ThrowsAnyAsync<Exception>(() => Shell.RunAsync(temp.Path, $"printf 'pwd\\n' | sftp -q -b - -F {server.SshConfiguration} any"));
        var port = server.Port;
        server.Restart();
        await Shell.RunAsync(temp.Path, $"printf 'get {server.Root}/a out\\n' | sftp -q -b - -F {server.SshConfiguration} any");
        Assert.Equal(("text", port), (await File.ReadAllTextAsync(temp["out"]), server.Port));
    }

    [SftpTheory]
    [InlineData("--sftp-only", false)]
    [InlineData("--external", true)]
    [InlineData("--chroot", false)]
    public async Task Sftp_runs_commands_only_where_it_may(string option, bool commands)
    {
        // only root can confine
        if (option == "--chroot" && Environment.UserName != "root") return;
        using var server = SftpServer.Start(option);
        await Shell.RunAsync("/", $"printf 'mkdir {server.Root}/made\\n' | sftp -q -b - -F {server.SshConfiguration} any");
        Assert.True(Directory.Exists(Path.Combine(server.Folder, "made")));
        var said = await Shell.RunAsync("/", $"timeout 20 ssh -F {server.SshConfiguration} any echo hello < /dev/null || true");
        Assert.Equal(commands, Encoding.UTF8.GetString(said) == "hello\n");
    }

    // With a client and so a connection of its own: see there.
    static async Task IsDeniedAsync((string, string) keys, Func<AmazonS3Client, Task> request)
    {
        using var client = S3Server.Shared.Client(keys);
        Assert.Equal("AccessDenied", (await Assert.ThrowsAsync<AmazonS3Exception>(() => request(client))).ErrorCode);
    }

    static Task PutAsync(AmazonS3Client client, string bucket, string key, string text, string? ifNoneMatch = null) =>
        client.PutObjectAsync(new() { BucketName = bucket, Key = key, ContentBody = text, IfNoneMatch = ifNoneMatch, UseChunkEncoding = false });

    static async Task<string> GetAsync(AmazonS3Client client, string bucket, string key)
    {
        using var answer = await client.GetObjectAsync(bucket, key);
        using var reader = new StreamReader(answer.ResponseStream);
        return await reader.ReadToEndAsync();
    }
}
