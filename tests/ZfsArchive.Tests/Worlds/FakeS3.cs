using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace ZfsArchive.Tests.Worlds;

/// <summary>How a service treats a header.</summary>
enum Treatment
{
    Honoured,
    Ignored,
    Refused,
}

/// <summary>
/// A small S3 service in memory, with the habits that some services have. Path style, any signature, one bucket; every request is remembered.
/// </summary>
sealed class FakeS3 : IDisposable
{
    public const string Bucket = "bucket";
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly ConcurrentQueue<HttpHead> _requests = new();
    readonly ConcurrentDictionary<string, (byte[] Bytes, string? Sha256)> _objects = new();

    public FakeS3()
    {
        _listener.Start();
        Endpoint = new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _ = AcceptAsync();
    }

    public Uri Endpoint { get; }

    /// <summary>If-None-Match.</summary>
    public Treatment Condition { get; set; }

    /// <summary>The header x-amz-checksum-sha256, and its being told again.</summary>
    public Treatment Checksum { get; set; }

    /// <summary>A taken name is refused before anything else is looked at.</summary>
    public bool ConditionFirst { get; set; }

    /// <summary>The status with which <see cref="Treatment.Refused"/> is said.</summary>
    public int RefusedWith { get; set; } = 501;

    /// <summary>What it says about checksums is not so: in the answers to PUT, to HEAD, or both.</summary>
    public bool LiesAtPut { get; set; }

    /// <inheritdoc cref="LiesAtPut"/>
    public bool LiesAtHead { get; set; }

    /// <summary>A body that does not have the SHA-256 it is signed with is refused.</summary>
    public bool ChecksBody { get; set; } = true;

    /// <summary>The credentials have expired; with HEAD this is said without words.</summary>
    public bool Expired { get; set; }

    /// <summary>HEAD is forbidden.</summary>
    public bool ForbidsHead { get; set; }

    /// <summary>The ETag of an object, without quotes.</summary>
    public Func<string, byte[], string> Etag { get; set; } = (_, bytes) => Md5(bytes);

    /// <summary>Told of each key when its object was put, before that is answered.</summary>
    public Action<string>? Stored { get; set; }

    /// <summary>A page of a listing: its keys out of all that fit, and the token of the next page. The token of the first is empty.</summary>
    public Func<IReadOnlyList<string>, string, (IEnumerable<string> Keys, string? Next)> Page { get; set; } = (keys, _) => (keys, null);

    public IReadOnlyList<HttpHead> Requests => [.. _requests];

    /// <summary>Requests of one method for one object.</summary>
    public IEnumerable<HttpHead> Of(string method, string key) => _requests.Where(r => r.Method == method && r.Target.StartsWith($"/{Bucket}/{key}", StringComparison.Ordinal));

    /// <summary>An object behind its back.</summary>
    public byte[] this[string key]
    {
        get => _objects[key].Bytes;
        set => _objects[key] = (value, null);
    }

    /// <summary>Takes an object away behind its back.</summary>
    public void Remove(string key) => _objects.TryRemove(key, out _);

#pragma warning disable CA5351 // the ETag of S3 is an MD5
    public static string Md5(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351

    public void Dispose() => _listener.Dispose();

    async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the end of the service
        }
    }

    async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var wire = new HttpWire(client.GetStream());
                while (await wire.ReadHeadAsync() is { } request)
                {
                    var body = new MemoryStream();
                    await wire.CopyBodyAsync(request, false, bytes =>
                    {
                        body.Write(bytes.Span);
                        return default;
                    });
                    _requests.Enqueue(request);
                    var answer = Answer(request, body.ToArray());
                    await wire.WriteAsync(answer.Raw(withBody: request.Method != "HEAD"));
                }
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // it was given up
            }
        }
    }

    FakeAnswer Answer(HttpHead request, byte[] body)
    {
        var parts = request.Target.Split('?', 2);
        var key = Uri.UnescapeDataString(parts[0].Length > Bucket.Length + 2 ? parts[0][(Bucket.Length + 2)..] : "");
        return request.Method switch
        {
            _ when Expired => FakeAnswer.Error(400, "ExpiredToken"),
            "GET" when key.Length == 0 => List(parts[1]),
            "HEAD" when ForbidsHead => new(403),
            "PUT" => Put(request, key, body),
            "DELETE" => Delete(key),
            _ when !_objects.ContainsKey(key) => FakeAnswer.Error(404, "NoSuchKey"),
            _ => Get(request, key),
        };
    }

    FakeAnswer Put(HttpHead request, string key, byte[] body)
    {
        var (condition, checksum) = (request.Header("If-None-Match"), request.Header("x-amz-checksum-sha256"));
        var isTaken = condition is not null && Condition is Treatment.Honoured && _objects.ContainsKey(key);
        if (isTaken && ConditionFirst) return FakeAnswer.Error(412, "PreconditionFailed");
        if ((condition is not null && Condition is Treatment.Refused) || (checksum is not null && Checksum is Treatment.Refused))
            return FakeAnswer.Error(RefusedWith, RefusedWith == 501 ? "NotImplemented" : "InvalidArgument");
        if (isTaken) return FakeAnswer.Error(412, "PreconditionFailed");
        if (ChecksBody && request.Header("x-amz-content-sha256") != Convert.ToHexStringLower(SHA256.HashData(body))) return FakeAnswer.Error(400, "XAmzContentSHA256Mismatch");
        if (request.Header("Content-MD5") is { } md5 && Convert.ToHexStringLower(Convert.FromBase64String(md5)) != Md5(body)) return FakeAnswer.Error(400, "BadDigest");
        var kept = Checksum is Treatment.Honoured ? checksum : null;
        _objects[key] = (body, kept);
        Stored?.Invoke(key);
        return new FakeAnswer(200).With("ETag", $"\"{Etag(key, body)}\"").With("x-amz-checksum-sha256", kept is not null && LiesAtPut ? Lie : kept);
    }

    FakeAnswer Delete(string key)
    {
        _objects.TryRemove(key, out _);
        return new(204);
    }

    FakeAnswer Get(HttpHead request, string key)
    {
        var (bytes, sha256) = _objects[key];
        var (status, range, all) = (200, (string?)null, bytes.Length);
        if (request.Header("Range") is { } wanted)
        {
            var ends = wanted["bytes=".Length..].Split('-').Select(e => long.Parse(e, CultureInfo.InvariantCulture)).ToList();
            if (ends[0] >= all) return FakeAnswer.Error(416, "InvalidRange");
            var last = (int)long.Min(ends[1], all - 1);
            (status, range, bytes) = (206, $"bytes {ends[0]}-{last}/{all}", bytes[(int)ends[0]..(last + 1)]);
        }
        var told = request.Header("x-amz-checksum-mode") is null ? null : LiesAtHead && sha256 is not null ? Lie : sha256;
        return new FakeAnswer(status) { Body = bytes }.With("Content-Range", range).With("ETag", $"\"{Etag(key, _objects[key].Bytes)}\"").With("x-amz-checksum-sha256", told)
            .With("Last-Modified", TimeProvider.System.GetUtcNow().ToString("R", CultureInfo.InvariantCulture));
    }

    FakeAnswer List(string query)
    {
        var values = query.Split('&').Select(v => v.Split('=', 2)).ToDictionary(v => v[0], v => Uri.UnescapeDataString(v[1]));
        var prefix = values.GetValueOrDefault("prefix", "");
        var (keys, next) = Page([.. _objects.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)], values.GetValueOrDefault("continuation-token", ""));
        var xml = new StringBuilder($"<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{Bucket}</Name><IsTruncated>{(next is null ? "false" : "true")}</IsTruncated>");
        if (next is not null) xml.Append(CultureInfo.InvariantCulture, $"<NextContinuationToken>{next}</NextContinuationToken>");
        foreach (var key in keys)
            xml.Append(CultureInfo.InvariantCulture, $"<Contents><Key>{key}</Key><LastModified>2026-11-21T02:00:00.000Z</LastModified><ETag>\"{Etag(key, _objects[key].Bytes)}\"</ETag><Size>{_objects[key].Bytes.Length}</Size></Contents>");
        return new(200) { Body = Encoding.UTF8.GetBytes(xml.Append("</ListBucketResult>").ToString()) };
    }

    static string Lie { get; } = Convert.ToBase64String(new byte[SHA256.HashSizeInBytes]);
}

/// <summary>What a fake service says.</summary>
sealed record FakeAnswer(int Status)
{
    readonly StringBuilder _headers = new();

    public byte[] Body { get; init; } = [];

    public static FakeAnswer Error(int status, string code) =>
        new(status) { Body = Encoding.ASCII.GetBytes($"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>made by a test</Message></Error>") };

    /// <summary>With a header, unless it is null.</summary>
    public FakeAnswer With(string name, string? value)
    {
        if (value is not null) _headers.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        return this;
    }

    public byte[] Raw(bool withBody)
    {
        var date = TimeProvider.System.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
        var length = Status == 204 ? "" : $"Content-Length: {Body.Length}\r\n";
        return [.. Encoding.ASCII.GetBytes($"HTTP/1.1 {Status} Said\r\nDate: {date}\r\n{length}{_headers}\r\n"), .. withBody ? Body : []];
    }
}
