using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Amazon;
using Amazon.S3;
using Amazon.S3.Model;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.S3;

/// <summary>
/// A bucket, or what begins with a prefix in it, as a store. An object is one PUT, signed with its SHA-256, so the service takes no
/// other bytes than ours. What the service honours is seen once, by <see cref="S3Probe"/>.
/// </summary>
public sealed class S3Store : IObjectStore
{
    /// <summary>From here on a name is looked at before a PUT: sending costs more than asking, and so does a refusal. In bytes.</summary>
    const int LookFirst = 256 << 10;
    const int HeadsAtOnce = 32;
    const int MostEmptyPages = 1000;
    readonly S3Connection _connection;
    readonly S3Failures _failures;
    readonly S3Options _options;
    readonly TimeProvider _clock;
    readonly string _bucket;
    readonly string _prefix;
    readonly S3Probe _probe;
    volatile bool _bucketSeen;
    volatile bool _etagConfirmed;

    public S3Store(StoreAddress.Bucket address, S3Options options, TimeProvider clock)
    {
        (_options, _clock, _bucket) = (options with { Endpoint = address.Endpoint ?? options.Endpoint }, clock, address.Name);
        _prefix = address.Prefix.Length == 0 ? "" : address.Prefix + "/";
        _connection = new(_options, clock);
        Location = $"s3://{_bucket}{(_prefix.Length == 0 ? "" : "/" + address.Prefix)}";
        _failures = new(Location, _bucket, _connection.Endpoint);
        _probe = new(this, clock);
    }

    public string Location { get; }

    public async Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel)
    {
        var seen = await _probe.ReadingAsync(cancel);
        return new(seen.Conditional, seen.KeepsSha256 ? Sha256Source.Kept : Sha256Source.None, seen.EtagIsMd5 && !seen.KeepsSha256 && _options.Md5 is not Md5Use.Never);
    }

    // A bucket is made by its owner, with all that he decides about it; here it only has to be there.
    public Task MakePlaceAsync(CancellationToken cancel) => SeeBucketAsync("use this place", cancel);

    public async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var seen = await _probe.WritingAsync(cancel);
        if ((!seen.Conditional || body.Length > LookFirst) && await StatAsync(key, cancel) is not null) return await SettleTakenAsync(key, body, cancel);
        return await PutAsync(key, body, seen, seen.Conditional, cancel) ? CreateOutcome.Created : await SettleTakenAsync(key, body, cancel);
    }

    public async Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => await PutAsync(key, body, await _probe.WritingAsync(cancel), onlyIfFree: false, cancel);

    public async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        if (into.Length == 0) return await StatAsync(key, cancel) is null ? throw Absent(key) : 0;
        return await AskAsync($"read {key}", async watch =>
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
    }

    public async Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) =>
        await HeadAsync(key, cancel) is { } head ? new(key, head.ContentLength, Time(head.LastModified), Md5Of(head.ETag)) : null;

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var seeing = _probe.ReadingAsync(cancel);
        string? page = null;
        var (last, emptyPages) = ("", 0);
        do
        {
            var answer = await AskAsync($"list {prefix}", watch => _connection.Client.ListObjectsV2Async(
                new() { BucketName = _bucket, Prefix = _prefix + prefix, ContinuationToken = page }, watch.Token), cancel);
            _bucketSeen = true;
            await seeing;
            foreach (var listed in answer.S3Objects ?? [])
            {
                if (!listed.Key.StartsWith(_prefix + prefix, StringComparison.Ordinal) || string.CompareOrdinal(listed.Key, last) <= 0)
                    throw new StoreException(StoreFailure.Permanent, $"{Location}: the listing of {prefix} is out of order at {listed.Key}: it is not trusted");
                last = listed.Key;
                var key = listed.Key[_prefix.Length..];
                if (listed.Size is not >= 0) throw new StoreException(StoreFailure.Permanent, $"{Location}: the listing of {prefix} tells no size of {key}: it is not trusted");
                if (ObjectKey.IsValid(key)) yield return new(new(key), listed.Size.Value, Time(listed.LastModified), Md5Of(listed.ETag));
            }
            emptyPages = answer.S3Objects is { Count: > 0 } ? 0 : emptyPages + 1;
            var goesOn = answer.IsTruncated == true || (answer.IsTruncated is null && !string.IsNullOrEmpty(answer.NextContinuationToken));
            if (goesOn && (string.IsNullOrEmpty(answer.NextContinuationToken) || answer.NextContinuationToken == page || emptyPages > MostEmptyPages))
                throw new StoreException(StoreFailure.Permanent, $"{Location}: the listing of {prefix} is cut and does not go on");
            page = goesOn ? answer.NextContinuationToken : null;
        }
        while (page is not null);
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

    public async Task<DateTimeOffset> TimeAsync(CancellationToken cancel)
    {
        await SeeBucketAsync("ask for the time", cancel);
        return _clock.GetUtcNow() + (_connection.Skew ?? throw new StoreException(StoreFailure.Permanent, $"{Location}: the service's answers have no date"));
    }

    // A PUT that was cut leaves nothing.
    public Task<int> SweepAsync(string prefix, CancellationToken cancel) => Task.FromResult(0);

    public async Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel)
    {
        var found = new System.Collections.Concurrent.ConcurrentDictionary<ObjectKey, string>();
        if (!(await _probe.ReadingAsync(cancel)).KeepsSha256) return found;
        await Parallel.ForEachAsync(keys, new ParallelOptions { MaxDegreeOfParallelism = HeadsAtOnce, CancellationToken = cancel }, async (key, stop) =>
        {
            if ((await HeadAsync(key, stop))?.ChecksumSHA256 is { } sha256 && Hex(sha256, SHA256.HashSizeInBytes) is { } hex) found[key] = hex;
        });
        return found;
    }

    public async ValueTask DisposeAsync()
    {
        await _probe.SettleAsync();
        _connection.Dispose();
    }

    /// <summary>Reads a small object with what the service says of it; null when it is absent.</summary>
    internal async Task<(byte[] Bytes, string? Sha256, string? Etag)?> ReadSmallAsync(ObjectKey key, int longest, CancellationToken cancel)
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
    internal Task<bool> PutAsync(ObjectKey key, ObjectBody body, S3Seen seen, bool onlyIfFree, CancellationToken cancel) => AskAsync($"create {key}", async watch =>
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
        var md5 = WantsMd5(seen) ? await Md5OfAsync(body, watch.Token) : null;
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

    internal async Task<GetObjectMetadataResponse?> HeadAsync(ObjectKey key, CancellationToken cancel, bool isAgain = false)
    {
        try
        {
            var head = await AskAsync($"look at {key}", watch => _connection.Client.GetObjectMetadataAsync(
                new() { BucketName = _bucket, Key = _prefix + key.Text, ChecksumMode = ChecksumMode.ENABLED }, watch.Token), cancel, isHead: true);
            _bucketSeen = true;
            return head;
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Absent)
        {
            // "Not found" has no words with it: it may be the bucket.
            if (!_bucketSeen) await SeeBucketAsync($"look at {key}", cancel);
            return null;
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Denied or StoreFailure.Permanent && !isAgain)
        {
            // The answer to a HEAD has no words: a listing says what is wrong, or mends it (the clock).
            await SeeBucketAsync($"look at {key}", cancel);
            return await HeadAsync(key, cancel, isAgain: true);
        }
    }

    async Task SeeBucketAsync(string act, CancellationToken cancel)
    {
        await AskAsync(act, watch => _connection.Client.ListObjectsV2Async(new() { BucketName = _bucket, Prefix = _prefix, MaxKeys = 1 }, watch.Token), cancel);
        _bucketSeen = true;
    }

    // The name is taken: by the same bytes, by the service's checksum of them if it has one, else by reading.
    async Task<CreateOutcome> SettleTakenAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var head = await HeadAsync(key, cancel)
            ?? throw new StoreException(StoreFailure.Transient, $"{Location}: {key} was there and is gone: somebody removes while we create");
        var seen = await _probe.ReadingAsync(cancel);
        if (head.ContentLength == body.Length && await HoldsAsync(key, body, head, seen, cancel))
        {
            if (KeptMd5(head.ETag, seen) is { } md5) body.Md5Kept?.Invoke(md5);
            return CreateOutcome.AlreadyThere;
        }
        throw new StoreException(StoreFailure.Conflict, $"{Location}: {key} exists and holds other bytes");
    }

    async Task<bool> HoldsAsync(ObjectKey key, ObjectBody body, GetObjectMetadataResponse head, S3Seen seen, CancellationToken cancel)
    {
        if (seen.KeepsSha256 && Hex(head.ChecksumSHA256, SHA256.HashSizeInBytes) is { } kept) return kept == body.Sha256;
        // an equal MD5 proves it; another number may be none
        if (Md5Of(head.ETag) is { } etag && etag == await Md5OfAsync(body, cancel)) return true;
        return await StoredHash.Sha256Async(this, key, body.Length, cancel) == body.Sha256;
    }

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
        if (_etagConfirmed || !_probe.EtagIsMd5) return;
        watch.Suspend();
        if (Md5Of(etag) != (md5 ?? await Md5OfAsync(body, watch.Token))) _probe.EtagIsMd5 = false;
        _etagConfirmed = true;
    }

    string? KeptMd5(string? etag, S3Seen seen) => seen.KeepsSha256 || _options.Md5 is Md5Use.Never ? null : Md5Of(etag);

    static async Task<string> Md5OfAsync(ObjectBody body, CancellationToken cancel)
    {
        await using var bytes = body.OpenRead();
#pragma warning disable CA5351 // what the service keeps is an MD5; what proves the object is its SHA-256
        return Convert.ToHexStringLower(await MD5.HashDataAsync(bytes, cancel));
#pragma warning restore CA5351
    }

    void RequireSame(ObjectKey key, ObjectBody body, string? md5, PutObjectResponse answer)
    {
        var wrong = Hex(answer.ChecksumSHA256, SHA256.HashSizeInBytes) is { } sha256 && sha256 != body.Sha256 ? "SHA-256"
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
    internal async Task<T> AskAsync<T>(string act, Func<StallWatch, Task<T>> request, CancellationToken cancel, bool isHead = false)
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

    StoreException Absent(ObjectKey key) => new(StoreFailure.Absent, $"{Location}: {key} is not there");

    string? Md5Of(string? etag) => _probe.EtagIsMd5 && etag?.Trim('"') is { Length: 32 } hex && hex.All(char.IsAsciiHexDigit) ? hex.ToLowerInvariant() : null;

    internal static string? Hex(string? base64, int bytes)
    {
        Span<byte> decoded = stackalloc byte[64];
        return base64 is not null && Convert.TryFromBase64String(base64, decoded, out var length) && length == bytes ? Convert.ToHexStringLower(decoded[..length]) : null;
    }

    static DateTimeOffset Time(DateTime? time) => time is { } known ? new(DateTime.SpecifyKind(known.ToUniversalTime(), DateTimeKind.Utc)) : default;
}
