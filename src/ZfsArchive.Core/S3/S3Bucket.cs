using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Amazon;
using Amazon.S3;
using Amazon.S3.Model;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.S3;

/// <summary>The requests that are made of a bucket, or of what begins with a prefix in it: each with its time limit, and with what its failure means.</summary>
sealed class S3Bucket : IDisposable
{
    readonly S3Connection _connection;
    readonly S3Failures _failures;
    readonly S3Options _options;
    readonly TimeProvider _clock;
    readonly string _bucket;
    readonly string _prefix;
    volatile bool _isSeen;
    volatile bool _etagConfirmed;

    public S3Bucket(StoreAddress.Bucket address, S3Options options, TimeProvider clock)
    {
        (_options, _clock, _bucket) = (options with { Endpoint = address.Endpoint ?? options.Endpoint }, clock, address.Name);
        _prefix = address.Prefix.Length == 0 ? "" : address.Prefix + "/";
        _connection = new(_options, clock);
        Location = $"s3://{_bucket}{(_prefix.Length == 0 ? "" : "/" + address.Prefix)}";
        _failures = new(Location, _bucket, _connection.Endpoint);
    }

    public string Location { get; }

    /// <summary>The ETag of an object is the MD5 of its bytes: seen by <see cref="S3Probe"/>, and held against the first object that is put.</summary>
    public bool EtagIsMd5 { get; set; }

    /// <summary>How far the service's clock is before this machine's; null while no answer had a date.</summary>
    public TimeSpan? Skew => _connection.Skew;

    /// <summary>Reads what there is of a range; 0 beyond the end.</summary>
    /// <param name="into">Not empty.</param>
    public Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel) => AskAsync($"read {key}", async watch =>
    {
        try
        {
            // A range even for the whole: the SDK would make an MD5 of an answer without one.
            using var answer = await _connection.Client.GetObjectAsync(
                new() { BucketName = _bucket, Key = _prefix + key.Text, ByteRange = new(offset, offset + into.Length - 1) }, watch.Token);
            return await FillAsync(key, answer, offset, into, watch);
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return 0;
        }
    }, cancel);

    /// <summary>One page of a listing; its keys still have the prefix of this place.</summary>
    public async Task<S3Page> PageAsync(string prefix, string? continuation, CancellationToken cancel)
    {
        var answer = await AskAsync($"list {prefix}", watch => _connection.Client.ListObjectsV2Async(
            new() { BucketName = _bucket, Prefix = _prefix + prefix, ContinuationToken = continuation }, watch.Token), cancel);
        _isSeen = true;
        var goesOn = answer.IsTruncated == true || (answer.IsTruncated is null && !string.IsNullOrEmpty(answer.NextContinuationToken));
        return new(_prefix, answer.S3Objects ?? [], goesOn, string.IsNullOrEmpty(answer.NextContinuationToken) ? null : answer.NextContinuationToken);
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => AskAsync($"remove {key}", async watch =>
    {
        try
        {
            await _connection.Client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _bucket, Key = _prefix + key.Text }, watch.Token);
        }
        catch (AmazonS3Exception e) when (e.ErrorCode is "NoSuchKey")
        {
            // what is absent needs no removing
        }
        return true;
    }, cancel);

    /// <summary>Reads a small object with what the service says of it; null when it is absent.</summary>
    public async Task<(byte[] Bytes, string? Sha256, string? Etag)?> ReadSmallAsync(ObjectKey key, int longest, CancellationToken cancel)
    {
        var bytes = new byte[longest + 1];
        var (asking, reading) = (HeadAsync(key, cancel), ReadAsync(key, 0, bytes, cancel));
        try
        {
            await Task.WhenAll(asking, reading);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Absent && asking.IsCompletedSuccessfully)
        {
            return null;
        }
        return await asking is { } head && head.ContentLength == await reading && head.ContentLength <= longest ? (bytes[..await reading], head.ChecksumSHA256, head.ETag) : null;
    }

    /// <summary>One PUT; false when the name is taken.</summary>
    public Task<bool> PutAsync(ObjectKey key, ObjectBody body, S3Seen seen, bool onlyIfFree, CancellationToken cancel) => AskAsync($"create {key}", async watch =>
    {
        await using var bytes = body.OpenRead();
        await using var watched = new WatchedBody(bytes, watch, body.Pace);
        var request = new PutObjectRequest
        {
            BucketName = _bucket, Key = _prefix + key.Text, InputStream = watched, AutoCloseStream = false,
            UseChunkEncoding = false,
            IfNoneMatch = onlyIfFree ? "*" : null,
            StorageClass = _options.StorageClass is { } storage && key.Text.StartsWith("archives/", StringComparison.Ordinal) ? new(storage) : null,
        };
        request.Headers.ContentLength = body.Length;
        // the signature covers the body by this: the service hashes what comes in and refuses anything else
        request.Headers[HashedClient.BodyHash] = body.Sha256;
        if (seen.TakesSha256) request.ChecksumSHA256 = Convert.ToBase64String(Convert.FromHexString(body.Sha256));
        var md5 = WantsMd5(seen) ? await S3Checksums.Md5Async(body, watch.Token) : null;
        if (md5 is not null) request.MD5Digest = Convert.ToBase64String(Convert.FromHexString(md5));
        try
        {
            var answer = await _connection.Client.PutObjectAsync(request, watch.Token);
            await ConfirmEtagAsync(body, md5, answer.ETag, watch);
            RequireSame(key, body, md5, answer);
            if (KeptMd5(answer.ETag, seen) is { } kept) body.Md5Kept?.Invoke(kept);
            return true;
        }
        catch (AmazonS3Exception e) when (onlyIfFree && (e.StatusCode is HttpStatusCode.PreconditionFailed || e.ErrorCode is "PreconditionFailed"))
        {
            return false;
        }
    }, cancel);

    public async Task<GetObjectMetadataResponse?> HeadAsync(ObjectKey key, CancellationToken cancel, bool isAgain = false)
    {
        try
        {
            var head = await AskAsync($"look at {key}", watch => _connection.Client.GetObjectMetadataAsync(
                new() { BucketName = _bucket, Key = _prefix + key.Text, ChecksumMode = ChecksumMode.ENABLED }, watch.Token), cancel, isHead: true);
            _isSeen = true;
            return head;
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Absent)
        {
            // "Not found" has no words with it: it may be the bucket.
            if (!_isSeen) await SeeAsync($"look at {key}", cancel);
            return null;
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Denied or StoreFailure.Permanent && !isAgain)
        {
            // The answer to a HEAD has no words: a listing says what is wrong, or mends it (the clock).
            await SeeAsync($"look at {key}", cancel);
            return await HeadAsync(key, cancel, isAgain: true);
        }
    }

    /// <summary>Asks for something that only needs the bucket to be there.</summary>
    public async Task SeeAsync(string act, CancellationToken cancel)
    {
        await AskAsync(act, watch => _connection.Client.ListObjectsV2Async(new() { BucketName = _bucket, Prefix = _prefix, MaxKeys = 1 }, watch.Token), cancel);
        _isSeen = true;
    }

    /// <summary>The MD5 in an ETag, where it is one.</summary>
    public string? Md5Of(string? etag) => EtagIsMd5 && etag?.Trim('"') is { Length: 32 } hex && hex.All(char.IsAsciiHexDigit) ? hex.ToLowerInvariant() : null;

    /// <summary>The MD5 that the service keeps of an object, where it keeps no SHA-256.</summary>
    public string? KeptMd5(string? etag, S3Seen seen) => seen.KeepsSha256 || _options.Md5 is Md5Use.Never ? null : Md5Of(etag);

    public void Dispose() => _connection.Dispose();

    // For as long as nothing else says that the service took our bytes and no others.
    bool WantsMd5(S3Seen seen) => _options.Md5 switch
    {
        Md5Use.Always => true,
        Md5Use.Never => false,
        _ => !seen.ChecksBody,
    };

    // The descriptor was put long ago: what the bucket does with new objects (encryption by default, say) is seen by the first one.
    async Task ConfirmEtagAsync(ObjectBody body, string? md5, string etag, StallWatch watch)
    {
        if (_etagConfirmed || !EtagIsMd5) return;
        watch.Suspend();
        if (Md5Of(etag) != (md5 ?? await S3Checksums.Md5Async(body, watch.Token))) EtagIsMd5 = false;
        _etagConfirmed = true;
    }

    void RequireSame(ObjectKey key, ObjectBody body, string? md5, PutObjectResponse answer)
    {
        var wrong = S3Checksums.Hex(answer.ChecksumSHA256, SHA256.HashSizeInBytes) is { } sha256 && sha256 != body.Sha256 ? "SHA-256"
            : md5 is not null && Md5Of(answer.ETag) is { } etag && etag != md5 ? "MD5" : null;
        if (wrong is not null) throw new StoreException(StoreFailure.Permanent, $"{Location}: the service took {key} and says another {wrong} of it than it has: it is not trusted");
    }

    async Task<int> FillAsync(ObjectKey key, GetObjectResponse answer, long offset, Memory<byte> into, StallWatch watch)
    {
        if (answer.HttpStatusCode is not HttpStatusCode.PartialContent && offset > 0)
            throw new StoreException(StoreFailure.Permanent, $"{Location}: the service does not answer with the part of {key} that was asked for");
        // what the whole object leaves for this range, where the answer says so; a proxy may send the rest without a length
        var wanted = LengthIn(answer.ContentRange) is { } whole ? (int)long.Clamp(whole - offset, 0, into.Length) : answer.ContentLength > 0 ? (int)long.Min(answer.ContentLength, into.Length) : (int?)null;
        var filled = 0;
        while (filled < (wanted ?? into.Length))
        {
            var read = await answer.ResponseStream.ReadAsync(into[filled..(wanted ?? into.Length)], watch.Token);
            if (read == 0 && wanted is null) break;
            if (read == 0) throw new StoreException(StoreFailure.Transient, $"{Location}: cannot read {key}: the answer was cut after {filled} of {wanted} bytes");
            filled += read;
            watch.Moved();
        }
        return filled;
    }

    // bytes 0-99/1234
    static long? LengthIn(string? range) =>
        range?.LastIndexOf('/') is { } slash and >= 0 && long.TryParse(range.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : null;

    // The one place where a request is made: its time limit, the service's clock, and what its failure means.
    async Task<T> AskAsync<T>(string act, Func<StallWatch, Task<T>> request, CancellationToken cancel, bool isHead = false)
    {
        for (var again = false; ; again = true)
        {
            using var watch = new StallWatch(_options.StallLimit, _clock, cancel);
            try
            {
                return await request(watch);
            }
            catch (AmazonS3Exception e) when (!again && e.ErrorCode is "RequestTimeTooSkewed" && _connection.Skew is { } skew)
            {
                // this machine's clock is wrong: requests are dated by the service's
                AWSConfigs.ManualClockCorrection = skew;
            }
            catch (Exception e) when (e is not OperationCanceledException && cancel.IsCancellationRequested)
            {
                throw new OperationCanceledException("cancelled", e, cancel);
            }
            catch (Exception e) when (e is not StoreException && !cancel.IsCancellationRequested)
            {
                throw _failures.Of(e, act, isHead, watch.Stalled, _options.StallLimit, _connection.Skew);
            }
        }
    }
}

/// <param name="Prefix">Of this place, before each key.</param>
/// <param name="GoesOn">There is more.</param>
/// <param name="Continuation">By which the next page is asked for; null when the service gives none.</param>
readonly record struct S3Page(string Prefix, IReadOnlyList<S3Object> Objects, bool GoesOn, string? Continuation);
