using System.Runtime.CompilerServices;
using System.Security.Cryptography;
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
    readonly S3Bucket _bucket;
    readonly S3Probe _probe;
    readonly Md5Use _md5;
    readonly TimeProvider _clock;

    public S3Store(StoreAddress.Bucket address, S3Options options, TimeProvider clock)
    {
        (_bucket, _md5, _clock) = (new(address, options, clock), options.Md5, clock);
        _probe = new(_bucket, clock);
    }

    public string Location => _bucket.Location;

    public async Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel)
    {
        var seen = await _probe.ReadingAsync(cancel);
        return new(seen.Conditional, seen.KeepsSha256 ? Sha256Source.Kept : Sha256Source.None, seen.EtagIsMd5 && !seen.KeepsSha256 && _md5 is not Md5Use.Never);
    }

    public void PrepareToWrite() => _probe.Prepare();

    // A bucket is made by its owner, with all that he decides about it; here it only has to be there.
    public Task MakePlaceAsync(CancellationToken cancel) => _bucket.SeeAsync("use this place", cancel);

    public async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var seen = await _probe.WritingAsync(cancel);
        if ((!seen.Conditional || body.Length > LookFirst) && await StatAsync(key, cancel) is not null) return await SettleTakenAsync(key, body, cancel);
        if (!await _bucket.PutAsync(key, body, seen, seen.Conditional, cancel)) return await SettleTakenAsync(key, body, cancel);
        // of several that looked at the same time, all were told that the name is free: most of those whose bytes did not stay see it now
        if (!seen.Conditional && !IsNamedByContent(key, body)) await SettleTakenAsync(key, body, cancel);
        return CreateOutcome.Created;
    }

    // Whoever writes under such a name writes the same.
    static bool IsNamedByContent(ObjectKey key, ObjectBody body) => key.Text.Contains(body.Sha256, StringComparison.Ordinal);

    public async Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => await _bucket.PutAsync(key, body, await _probe.WritingAsync(cancel), onlyIfFree: false, cancel);

    public async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        if (into.Length > 0) return await _bucket.ReadAsync(key, offset, into, cancel);
        return await StatAsync(key, cancel) is null ? throw new StoreException(StoreFailure.Absent, $"{Location}: {key} is not there") : 0;
    }

    public async Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) =>
        await _bucket.HeadAsync(key, cancel) is { } head ? new(key, head.ContentLength, Time(head.LastModified), _bucket.Md5Of(head.ETag)) : null;

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var seeing = _probe.ReadingAsync(cancel);
        string? continuation = null;
        var (last, emptyPages) = ("", 0);
        do
        {
            var page = await _bucket.PageAsync(prefix, continuation, cancel);
            await seeing;
            foreach (var listed in page.Objects)
            {
                if (!listed.Key.StartsWith(page.Prefix + prefix, StringComparison.Ordinal) || string.CompareOrdinal(listed.Key, last) <= 0)
                    throw new StoreException(StoreFailure.Permanent, $"{Location}: the listing of {prefix} is out of order at {listed.Key}: it is not trusted");
                last = listed.Key;
                var key = listed.Key[page.Prefix.Length..];
                if (listed.Size is not >= 0) throw new StoreException(StoreFailure.Permanent, $"{Location}: the listing of {prefix} tells no size of {key}: it is not trusted");
                if (ObjectKey.IsValid(key)) yield return new(new(key), listed.Size.Value, Time(listed.LastModified), _bucket.Md5Of(listed.ETag));
            }
            emptyPages = page.Objects.Count > 0 ? 0 : emptyPages + 1;
            if (page.GoesOn && (page.Continuation is null || page.Continuation == continuation || emptyPages > MostEmptyPages))
                throw new StoreException(StoreFailure.Permanent, $"{Location}: the listing of {prefix} is cut and does not go on");
            continuation = page.GoesOn ? page.Continuation : null;
        }
        while (continuation is not null);
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => _bucket.DeleteAsync(key, cancel);

    public async Task<DateTimeOffset> TimeAsync(CancellationToken cancel)
    {
        await _bucket.SeeAsync("ask for the time", cancel);
        return _clock.GetUtcNow() + (_bucket.Skew ?? throw new StoreException(StoreFailure.Permanent, $"{Location}: the service's answers have no date"));
    }

    // A PUT that was cut leaves nothing.
    public Task<int> SweepAsync(string prefix, CancellationToken cancel) => Task.FromResult(0);

    public async Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel)
    {
        var found = new System.Collections.Concurrent.ConcurrentDictionary<ObjectKey, string>();
        if (!(await _probe.ReadingAsync(cancel)).KeepsSha256) return found;
        await Parallel.ForEachAsync(keys, new ParallelOptions { MaxDegreeOfParallelism = HeadsAtOnce, CancellationToken = cancel }, async (key, stop) =>
        {
            if ((await _bucket.HeadAsync(key, stop))?.ChecksumSHA256 is { } sha256 && S3Checksums.Hex(sha256, SHA256.HashSizeInBytes) is { } hex) found[key] = hex;
        });
        return found;
    }

    public async ValueTask DisposeAsync()
    {
        await _probe.SettleAsync();
        _bucket.Dispose();
    }

    // The name is taken: by the same bytes, by the service's checksum of them if it has one, else by reading.
    async Task<CreateOutcome> SettleTakenAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var head = await _bucket.HeadAsync(key, cancel)
            ?? throw new StoreException(StoreFailure.Transient, $"{Location}: {key} was there and is gone: somebody removes while we create");
        var seen = await _probe.ReadingAsync(cancel);
        if (head.ContentLength == body.Length && await HoldsAsync(key, body, head, seen, cancel))
        {
            if (_bucket.KeptMd5(head.ETag, seen) is { } md5) body.Md5Kept?.Invoke(md5);
            return CreateOutcome.AlreadyThere;
        }
        throw new StoreException(StoreFailure.Conflict, $"{Location}: {key} exists and holds other bytes");
    }

    async Task<bool> HoldsAsync(ObjectKey key, ObjectBody body, GetObjectMetadataResponse head, S3Seen seen, CancellationToken cancel)
    {
        if (seen.KeepsSha256 && S3Checksums.Hex(head.ChecksumSHA256, SHA256.HashSizeInBytes) is { } kept) return kept == body.Sha256;
        // an equal MD5 proves it; another number may be none
        if (_bucket.Md5Of(head.ETag) is { } etag && etag == await S3Checksums.Md5Async(body, cancel)) return true;
        return await StoredHash.Sha256Async(this, key, body.Length, cancel) == body.Sha256;
    }

    static DateTimeOffset Time(DateTime? time) => time is { } known ? new(DateTime.SpecifyKind(known.ToUniversalTime(), DateTimeKind.Utc)) : default;
}
