using Amazon.Runtime;
using Amazon.S3;

namespace ZfsArchive.Tests.Worlds;

/// <summary>A real S3 service on this machine, with all its data in memory.</summary>
sealed class S3Server : IDisposable
{
    static readonly Lazy<S3Server> s_shared = new(() => new());
    static int s_buckets;
    readonly ServerFolder _folder = new("s3-server");

    S3Server() => Start();

    /// <summary>The one that all tests use which let it be; started by the first, ended with the process.</summary>
    public static S3Server Shared => s_shared.Value;

    /// <summary>One for a test that stops it, kills it, or makes it stand still.</summary>
    public static S3Server StartPrivate() => new();

    public Uri Endpoint { get; private set; } = null!;

    public string AccessKey { get; private set; } = "";

    public string SecretKey { get; private set; } = "";

    public string Region { get; private set; } = "";

    /// <summary>A client of its first account, or of another, perhaps through a proxy at another endpoint.</summary>
    public AmazonS3Client Client((string AccessKey, string SecretKey)? keys = null, Uri? endpoint = null, Action<AmazonS3Config>? change = null)
    {
        var configuration = new AmazonS3Config
        {
            ServiceURL = (endpoint ?? Endpoint).ToString(),
            AuthenticationRegion = Region,
            ForcePathStyle = true,
            // what the service of Debian 12 does not know
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            // After a refused PUT the service can answer the next request on that connection with 405: let it be of the same test.
            CacheHttpClient = false,
        };
        change?.Invoke(configuration);
        return new(new BasicAWSCredentials(keys?.AccessKey ?? AccessKey, keys?.SecretKey ?? SecretKey), configuration);
    }

    /// <summary>A new empty bucket of the first account, with a name that no other test has.</summary>
    public string NewBucket(string word = "test")
    {
        var name = $"{word}-{Interlocked.Increment(ref s_buckets)}-{Guid.NewGuid():N}"[..Math.Min(40, word.Length + 20)];
        using var client = Client();
        client.PutBucketAsync(name).GetAwaiter().GetResult();
        return name;
    }

    /// <summary>An account that may read all buckets of the first and write nothing.</summary>
    public (string AccessKey, string SecretKey) NewReader() => NewUser("--read-only");

    /// <summary>An account that may do nothing with the buckets of the first.</summary>
    public (string AccessKey, string SecretKey) NewStranger() => NewUser();

    /// <summary>It takes connections and does not answer.</summary>
    public void Pause() => _folder.Run("pause");

    public void Resume() => _folder.Run("resume");

    /// <summary>Ends it as a crash would. What was stored stays.</summary>
    public void Kill() => _folder.Run("kill");

    /// <summary>Starts it again with the same address, keys and data.</summary>
    public void Restart()
    {
        Kill();
        Start();
    }

    public void Dispose() => _folder.Remove();

    (string, string) NewUser(params string[] options)
    {
        var keys = _folder.Run("user", [$"u{Guid.NewGuid():N}"[..12], .. options]);
        return (keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]);
    }

    void Start()
    {
        var values = _folder.Run("start", "--store", "memstore");
        (Endpoint, AccessKey, SecretKey, Region) = (new(values["S3_ENDPOINT"]), values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], values["AWS_REGION"]);
    }
}
