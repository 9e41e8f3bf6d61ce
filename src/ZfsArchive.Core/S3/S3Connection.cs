using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using ZfsArchive.Model;

namespace ZfsArchive.S3;

/// <summary>Makes the SDK's client: connections that are used again, no retries of its own (they are made further up), the service's time.</summary>
sealed class S3Connection : IDisposable
{
    readonly Wire _wire;

    public S3Connection(S3Options options, TimeProvider clock)
    {
        _wire = new(Sockets(options), clock);
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.PathStyle ?? options.Endpoint is not null,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
            ThrottleRetries = false,
            Timeout = Timeout.InfiniteTimeSpan,
            BufferSize = 256 << 10,
            HttpClientFactory = new Factory(_wire),
        };
        if (options.Profile is { } profile) config.Profile = new(profile);
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.UseHttp = endpoint.Scheme == Uri.UriSchemeHttp;
            config.AuthenticationRegion = options.Region ?? FallbackRegions.Of(config) ?? "us-east-1";
        }
        else if (options.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }
        Client = NewClient(options, config);
        Endpoint = (options.Endpoint?.ToString().TrimEnd('/') ?? config.RegionEndpoint?.SystemName ?? "AWS") + ByWayOf(options.Endpoint ?? new("https://s3.amazonaws.com"));
    }

    public HashedClient Client { get; }

    /// <summary>For messages.</summary>
    public string Endpoint { get; }

    /// <summary>What to add to this machine's time to have the service's; null before its first answer.</summary>
    public TimeSpan? Skew => _wire.Skew;

    // HTTPS_PROXY and its like: what fails may be the proxy. Its address may have a password in it.
    static string ByWayOf(Uri endpoint) =>
        HttpClient.DefaultProxy.IsBypassed(endpoint) || HttpClient.DefaultProxy.GetProxy(endpoint) is not { } proxy ? "" : $" (by way of the proxy {proxy.Host}:{proxy.Port})";

    static HashedClient NewClient(S3Options options, AmazonS3Config config)
    {
        try
        {
            return options.Keys switch
            {
                (var access, var secret, { } token) => new HashedClient(new SessionAWSCredentials(access, secret, token), config),
                (var access, var secret, _) => new HashedClient(new BasicAWSCredentials(access, secret), config),
                _ => new HashedClient(config),
            };
        }
        catch (AmazonClientException e)
        {
            throw new ArchiveException(FailureKind.Usage, $"S3 cannot be used: {e.Message}; set AWS_REGION, and AWS_ENDPOINT_URL or the option s3.endpoint for a service that is not AWS", e);
        }
    }

    static Func<SocketsHttpHandler> Sockets(S3Options options)
    {
        var trust = options.CaBundle is { } bundle ? TrustBeside(bundle) : null;
        return () => new()
        {
            ConnectTimeout = options.ConnectLimit,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            AllowAutoRedirect = false,
            UseCookies = false,
            MaxConnectionsPerServer = 64,
            SslOptions = { RemoteCertificateValidationCallback = trust },
        };
    }

    static RemoteCertificateValidationCallback TrustBeside(string bundle)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(bundle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new ArchiveException(FailureKind.Usage, $"the certificates in {bundle} (AWS_CA_BUNDLE) cannot be read: {e.Message}", e);
        }
        return (_, certificate, chain, errors) =>
        {
            if (errors is SslPolicyErrors.None) return true;
            if (errors is not SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 server) return false;
            using var own = new X509Chain();
            own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            own.ChainPolicy.CustomTrustStore.AddRange(authorities);
            if (chain is not null)
            {
                foreach (var sent in chain.ChainElements) own.ChainPolicy.ExtraStore.Add(sent.Certificate);
            }
            return own.Build(server);
        };
    }

    public void Dispose()
    {
        Client.Dispose();
        _wire.Dispose();
    }

    static class FallbackRegions
    {
        // The SDK looks at AWS_REGION and the profile, and fails where neither says a region.
        public static string? Of(AmazonS3Config config)
        {
            try
            {
                return config.Profile is null ? FallbackRegionFactory.GetRegionEndpoint(includeInstanceMetadata: false)?.SystemName : null;
            }
            catch (AmazonClientException)
            {
                return null;
            }
        }
    }

    sealed class Factory(HttpMessageHandler handler) : HttpClientFactory
    {
        // time limits are ours: a body may take hours, and must move all the while
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
