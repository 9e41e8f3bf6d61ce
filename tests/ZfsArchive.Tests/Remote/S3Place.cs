using System.Net;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>A prefix in a bucket.</summary>
sealed class S3Place(S3Server server, string? bucket = null) : RemotePlace
{
    static readonly Lazy<string> s_bucket = new(() => S3Server.Shared.NewBucket("remote"));

    /// <summary>On the server that all tests share.</summary>
    public S3Place()
        : this(S3Server.Shared, s_bucket.Value)
    {
    }

    public string Bucket { get; } = bucket ?? server.NewBucket("remote");

    public S3Server Service => server;

    public override EndPoint Server => new IPEndPoint(IPAddress.Loopback, server.Endpoint.Port);

    public override string Location => $"s3://{Bucket}/{Name}";

    public override TestHost NewHost(int? port = null) => NewHost(port is { } number ? new($"http://127.0.0.1:{number}") : server.Endpoint, null);

    /// <param name="keys">Of another account; null for the one that owns the bucket.</param>
    public TestHost NewHost(Uri endpoint, (string AccessKey, string SecretKey)? keys)
    {
        var host = new TestHost { ClockRuns = true };
        host.Set("ZFSARCHIVE_REPO", Location);
        host.Set("AWS_ENDPOINT_URL", endpoint.ToString());
        host.Set("AWS_REGION", server.Region);
        host.Set("AWS_ACCESS_KEY_ID", keys?.AccessKey ?? server.AccessKey);
        host.Set("AWS_SECRET_ACCESS_KEY", keys?.SecretKey ?? server.SecretKey);
        return host;
    }

    public override async Task<Dictionary<string, byte[]>> ObjectsAsync()
    {
        using var client = server.Client();
        var objects = new Dictionary<string, byte[]>();
        await foreach (var listed in client.Paginators.ListObjectsV2(new() { BucketName = Bucket, Prefix = $"{Name}/" }).S3Objects)
        {
            using var answer = await client.GetObjectAsync(Bucket, listed.Key);
            var bytes = new MemoryStream();
            await answer.ResponseStream.CopyToAsync(bytes);
            objects[listed.Key[(Name.Length + 1)..]] = bytes.ToArray();
        }
        return objects;
    }

    public override async Task PutAsync(string key, byte[] bytes)
    {
        using var client = server.Client();
        await client.PutObjectAsync(new() { BucketName = Bucket, Key = $"{Name}/{key}", InputStream = new MemoryStream(bytes), UseChunkEncoding = false });
    }
}
