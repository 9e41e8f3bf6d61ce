using System.Security.Cryptography;
using Amazon.S3;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.S3;

/// <summary>What a service was seen to do.</summary>
/// <param name="Conditional">A PUT with <c>If-None-Match: *</c> onto a taken name is refused.</param>
/// <param name="TakesSha256">A PUT with <c>x-amz-checksum-sha256</c> is taken.</param>
/// <param name="KeepsSha256">And the checksum is told again later.</param>
/// <param name="EtagIsMd5">The ETag of an object is the MD5 of its bytes.</param>
/// <param name="ChecksBody">A PUT whose body does not have the SHA-256 that it is signed with is refused.</param>
sealed record S3Seen(bool Conditional, bool TakesSha256, bool KeepsSha256, bool EtagIsMd5, bool ChecksBody = false);

/// <summary>
/// Sees once what a service honours. Where there is a descriptor, it is put once more with the bytes it has: nothing changes whether
/// the condition is honoured, ignored or unknown. All else is tried with small objects that are removed again. Who waits for it may give
/// up; it goes to its end, so that it leaves nothing behind.
/// </summary>
sealed class S3Probe(S3Bucket bucket, TimeProvider clock)
{
    const int LargestDescriptor = 64 << 10;
    static readonly ObjectKey s_descriptor = new("zfsarchive.json");
    readonly Lock _turn = new();
    (byte[] Bytes, string? Sha256, string? Etag)? _there;
    Task<S3Seen>? _reading;
    Task<S3Seen>? _writing;
    Task _preparing = Task.CompletedTask;

    /// <summary>Begins to see all of it, where there is a descriptor: who is going to write need not wait for it then. Nobody waits for this.</summary>
    public void Prepare() => _preparing = PrepareAsync();

    /// <summary>What can be seen without writing; <see cref="S3Seen.Conditional"/> is false until something was written.</summary>
    public Task<S3Seen> ReadingAsync(CancellationToken cancel)
    {
        lock (_turn) return (_writing is { IsCompletedSuccessfully: true } ? _writing : Once(ref _reading, ReadAsync)).WaitAsync(cancel);
    }

    /// <summary>All that can be seen.</summary>
    public Task<S3Seen> WritingAsync(CancellationToken cancel)
    {
        lock (_turn) return Once(ref _writing, WriteAsync).WaitAsync(cancel);
    }

    /// <summary>Waits a little for what is under way.</summary>
    public async Task SettleAsync()
    {
        Task underway;
        lock (_turn) underway = Task.WhenAll(_preparing, _reading ?? Task.CompletedTask, _writing ?? Task.CompletedTask);
        await Task.WhenAny(underway, Task.Delay(TimeSpan.FromSeconds(5), clock));
    }

    async Task PrepareAsync()
    {
        try
        {
            await ReadingAsync(CancellationToken.None);
            if (_there is not null) await WritingAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException)
        {
            // whoever needs it will ask again, and see why
        }
    }

    // what failed is tried again by the next who asks
    static Task<S3Seen> Once(ref Task<S3Seen>? known, Func<Task<S3Seen>> see) => known is { IsFaulted: false, IsCanceled: false } ? known : known = see();

    async Task<S3Seen> ReadAsync()
    {
        _there = await bucket.ReadSmallAsync(s_descriptor, LargestDescriptor, CancellationToken.None);
        return _there is { } there ? Judge(there, new(false, false, false, false)) : new(false, false, false, false);
    }

    async Task<S3Seen> WriteAsync()
    {
        if (_there is null) await ReadAsync();
        if (_there is not { } there) return await TryOutAsync();
        var known = Judge(there, new(false, false, false, false));
        // A checksum that is not kept is not sent. A refusal does not tell whether the rest of the request was understood.
        var seen = known with { TakesSha256 = known.KeepsSha256 };
        return await RefusalsAsync(s_descriptor, there.Bytes, seen);
    }

    // Both at once, the second as if the first were known to be refused; where that is not so, and the body was taken, once more without.
    async Task<S3Seen> RefusalsAsync(ObjectKey key, byte[] bytes, S3Seen seen)
    {
        var (refusing, checking) = (RefusesAsync(key, bytes, seen), ChecksBodyAsync(seen with { Conditional = true }));
        await Task.WhenAll(refusing, checking);
        seen = seen with { Conditional = await refusing };
        return seen with { ChecksBody = await checking || (!seen.Conditional && await ChecksBodyAsync(seen)) };
    }

    async Task<S3Seen> TryOutAsync()
    {
        var key = Probes.NewKey();
        var bytes = RandomNumberGenerator.GetBytes(64);
        try
        {
            var takes = await TakesSha256Async(key, bytes);
            var stored = await bucket.ReadSmallAsync(key, LargestDescriptor, CancellationToken.None);
            var seen = stored is { } there ? Judge(there, new(false, takes, false, false)) : new(false, takes, false, false);
            return await RefusalsAsync(key, bytes, seen);
        }
        finally
        {
            await RemoveAsync(key);
        }
    }

    // A service that does not know the header says so, and is asked without it.
    async Task<bool> TakesSha256Async(ObjectKey key, byte[] bytes)
    {
        foreach (var (conditional, sha256) in new[] { (true, true), (true, false), (false, true) })
        {
            try
            {
                await bucket.PutAsync(key, ObjectBody.OfBytes(bytes), new(conditional, sha256, false, false), conditional, CancellationToken.None);
                return sha256;
            }
            catch (StoreException e) when (e is { Failure: StoreFailure.Permanent, InnerException: AmazonS3Exception })
            {
            }
        }
        await bucket.PutAsync(key, ObjectBody.OfBytes(bytes), new(false, false, false, false), onlyIfFree: false, CancellationToken.None);
        return false;
    }

    // The same bytes under a taken name: whoever does not honour the condition stores what is there already.
    async Task<bool> RefusesAsync(ObjectKey key, byte[] bytes, S3Seen seen)
    {
        try
        {
            return !await bucket.PutAsync(key, ObjectBody.OfBytes(bytes), seen, onlyIfFree: true, CancellationToken.None);
        }
        catch (StoreException e) when (e is { Failure: StoreFailure.Permanent, InnerException: AmazonS3Exception })
        {
            return false;
        }
    }

    // An object of its own, under a wrong hash; never the descriptor. Whatever is not clearly a refusal of the body counts for nothing.
    async Task<bool> ChecksBodyAsync(S3Seen seen)
    {
        var key = Probes.NewKey();
        try
        {
            var wrong = ObjectBody.OfBytes(RandomNumberGenerator.GetBytes(64)) with { Sha256 = new('0', 64) };
            await bucket.PutAsync(key, wrong, seen with { TakesSha256 = false, ChecksBody = false }, seen.Conditional, CancellationToken.None);
            await RemoveAsync(key);
            return false;
        }
        catch (StoreException e)
        {
            return e.Message.Contains("SHA256Mismatch", StringComparison.Ordinal) || e.Message.Contains("BadDigest", StringComparison.Ordinal) || e.Message.Contains("content-sha256", StringComparison.Ordinal);
        }
    }

    // Who may only create leaves it: its name is one of ours, and prune may remove it.
    async Task RemoveAsync(ObjectKey key)
    {
        try
        {
            await bucket.DeleteAsync(key, CancellationToken.None);
        }
        catch (StoreException)
        {
            // what counts was seen before
        }
    }

    S3Seen Judge((byte[] Bytes, string? Sha256, string? Etag) there, S3Seen seen)
    {
        bucket.EtagIsMd5 = string.Equals(there.Etag?.Trim('"'), S3Checksums.Md5(there.Bytes), StringComparison.OrdinalIgnoreCase);
        return seen with { KeepsSha256 = S3Checksums.Hex(there.Sha256, SHA256.HashSizeInBytes) == Convert.ToHexStringLower(SHA256.HashData(there.Bytes)), EtagIsMd5 = bucket.EtagIsMd5 };
    }
}
