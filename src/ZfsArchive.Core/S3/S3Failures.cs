using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;
using ZfsArchive.Stores;

namespace ZfsArchive.S3;

/// <summary>Turns what the SDK throws into what it means, and into what to do.</summary>
sealed class S3Failures(string location, string bucket, string endpoint)
{
    /// <param name="act">What was tried, for example <c>create manifests/x.json</c>.</param>
    /// <param name="isHead">The answer has no words: a 404 is the object, or the bucket.</param>
    public StoreException Of(Exception e, string act, bool isHead, bool stalled, TimeSpan limit, TimeSpan? skew) => e switch
    {
        OperationCanceledException when stalled => Make(StoreFailure.Transient, act, $"nothing moved for {limit.TotalSeconds:0} s", e),
        AmazonServiceException { StatusCode: HttpStatusCode.NotFound } when isHead => Make(StoreFailure.Absent, act, "it is not there", e),
        AmazonServiceException { StatusCode: not 0 } answer => OfAnswer(answer, act, skew),
        _ => OfConnection(e, act),
    };

    StoreException OfAnswer(AmazonServiceException e, string act, TimeSpan? skew)
    {
        var (failure, cause) = e.ErrorCode switch
        {
            "SignatureDoesNotMatch" => (StoreFailure.Denied, "the secret key does not fit the access key, or the service does not know the access key: check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID, or the profile"),
            "InvalidAccessKeyId" => (StoreFailure.Denied, "the service does not know the access key: check AWS_ACCESS_KEY_ID, or the profile, and the endpoint"),
            "ExpiredToken" or "ExpiredTokenException" or "TokenRefreshRequired" or "InvalidToken" => (StoreFailure.Denied, "the credentials have expired: renew them and run again; what is stored is used again"),
            "RequestTimeTooSkewed" or "RequestExpired" => (StoreFailure.Denied, $"this machine's clock is {Skewed(skew)} the service's: set it (chronyd, systemd-timesyncd) and run again"),
            "NoSuchBucket" => (StoreFailure.Absent, $"there is no bucket '{bucket}' at {endpoint}: create it, or check its name, the endpoint and the region"),
            "NoSuchKey" => (StoreFailure.Absent, "it is not there"),
            "PermanentRedirect" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException" => (StoreFailure.Permanent, $"the bucket lies in another region: set AWS_REGION ({e.Message})"),
            "QuotaExceeded" or "XMinioStorageFull" or "InsufficientCapacity" => (StoreFailure.Full, $"there is no room, or a quota is reached ({e.ErrorCode})"),
            "InvalidObjectState" => (StoreFailure.Denied, "it lies in cold storage: have the provider restore it first"),
            "BadDigest" or "XAmzContentSHA256Mismatch" or "IncompleteBody" or "RequestTimeout" => (StoreFailure.Transient, $"it did not arrive as it was sent ({e.ErrorCode})"),
            "AccessDenied" or "AllAccessDisabled" or "AccountProblem" => (StoreFailure.Denied, NotAllowed(act, e.ErrorCode)),
            _ => OfStatus(e, act),
        };
        return Make(failure, act, cause, e);
    }

    static (StoreFailure, string) OfStatus(AmazonServiceException e, string act) => e.StatusCode switch
    {
        HttpStatusCode.NotFound => (StoreFailure.Permanent, "the answer is 404 and not in the words of S3: is this an S3 service?"),
        HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized => (StoreFailure.Denied, NotAllowed(act, Code(e))),
        HttpStatusCode.InsufficientStorage => (StoreFailure.Full, "there is no room"),
        HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.Conflict => (StoreFailure.Transient, $"the service asks to try again ({Code(e)})"),
        >= HttpStatusCode.InternalServerError and not HttpStatusCode.NotImplemented => (StoreFailure.Transient, $"the service failed ({Code(e)})"),
        _ => (StoreFailure.Permanent, $"the service refused it ({Code(e)}: {e.Message})"),
    };

    static string NotAllowed(string act, string code)
    {
        var right = act.Split(' ')[0] switch
        {
            "create" => "s3:PutObject",
            "remove" => "s3:DeleteObject",
            "read" or "look" => "s3:GetObject and s3:ListBucket",
            _ => "s3:ListBucket",
        };
        return $"these credentials may not do that ({code}): use some that may, or allow them {right} here";
    }

    StoreException OfConnection(Exception e, string act)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case AuthenticationException tls when tls.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase):
                    return Make(StoreFailure.Permanent, act, $"the certificate of {endpoint} is not trusted ({tls.Message}): name its authority with AWS_CA_BUNDLE", e);
                case AuthenticationException tls:
                    return Make(StoreFailure.Transient, act, $"no TLS came about with {endpoint} ({tls.Message.TrimEnd('.')}): is it an http:// endpoint?", e);
                case TimeoutException:
                    return Make(StoreFailure.Transient, act, $"no connection came about in time on the way to {endpoint}: check the endpoint, and the network", e);
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData }:
                    return Make(StoreFailure.Transient, act, $"a name cannot be resolved ({Asked(e)}) on the way to {endpoint}: check the endpoint, and the network", e);
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return Make(StoreFailure.Transient, act, $"nothing listens there ({Asked(e)}) on the way to {endpoint}: check the endpoint, and whether the service runs", e);
            }
        }
        if (IsTransport(e)) return Make(StoreFailure.Transient, act, $"the connection failed ({Innermost(e)})", e);
        return e.Message.Contains("credential", StringComparison.OrdinalIgnoreCase)
            ? Make(StoreFailure.Denied, act, "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE", e)
            : Make(StoreFailure.Permanent, act, $"{e.GetType().Name}: {e.Message}", e);
    }

    static bool IsTransport(Exception e)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
            if (inner is HttpRequestException or IOException or SocketException or WebException or OperationCanceledException) return true;
        return false;
    }

    // The client's words have the host and port in them: a proxy's or a token service's, perhaps.
    static string Asked(Exception e)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
            if (inner is HttpRequestException request) return request.Message;
        return Innermost(e);
    }

    static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e.Message;
    }

    static string Code(AmazonServiceException e) => string.IsNullOrEmpty(e.ErrorCode) ? ((int)e.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture) : $"{(int)e.StatusCode} {e.ErrorCode}";

    static string Skewed(TimeSpan? skew) => skew is { } by ? $"{by.Duration().TotalMinutes:0} minutes {(by > TimeSpan.Zero ? "behind" : "before")}" : "far from";

    StoreException Make(StoreFailure failure, string act, string cause, Exception e) => new(failure, $"{location}: cannot {act}: {cause}", e);
}
