namespace ZfsArchive.Stores;

/// <summary>
/// A flat place of named objects that never change. The promises, kept by every store and held by one conformance suite:
/// <list type="bullet">
/// <item>Atomicity: an object appears whole or not at all, and a taken name is never overwritten. Where the service cannot promise
/// that to two that create at once, <see cref="StoreCapabilities.CreatesAtomically"/> says so; nothing depends on it for its safety.</item>
/// <item>Durability: when <see cref="CreateAsync"/> or <see cref="ReplaceAsync"/> returns, the object survives a crash of either side.</item>
/// <item>Order: what was created before a read, a stat or a listing began is seen by it; what was removed is not.</item>
/// <item>Errors: every failure is a <see cref="StoreException"/> whose kind says what it means and whose message names the store, the
/// object and the cause. Absent means definitely absent, never "could not be asked". Removing what is absent succeeds.</item>
/// <item>Time: no call waits without a limit, and every call ends soon after it is cancelled.</item>
/// </list>
/// All members may be called from many threads at once.
/// </summary>
public interface IObjectStore : IAsyncDisposable
{
    /// <summary>Where this is, for messages; never with a secret.</summary>
    string Location { get; }

    /// <summary>What the store was seen to be able to do, without writing for it: whether it creates atomically may show at the first creation.</summary>
    Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel);

    /// <summary>Much will be moved soon: what takes a store long to make, connections, it may make meanwhile. Returns at once.</summary>
    void Prepare()
    {
    }

    /// <summary>Something will be written soon, and may be: what has to be found out for that may be found out meanwhile. Returns at once.</summary>
    void PrepareToWrite()
    {
    }

    /// <summary>Makes the place itself if it is not there yet: a folder, for its owner alone. What belongs to the provider, a bucket, has to be there.</summary>
    Task MakePlaceAsync(CancellationToken cancel);

    /// <summary>
    /// Creates the object if the name is free. A taken name with the same bytes is success (a lost answer looks like that): they are
    /// compared, or the service's own checksum of them is.
    /// </summary>
    /// <exception cref="StoreException">Kind Conflict: the name is taken by other bytes.</exception>
    Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel);

    /// <summary>Fills <paramref name="into"/> from byte <paramref name="offset"/> on; returns how much there was, less at the end.</summary>
    /// <exception cref="StoreException">Kind Absent: there is no such object.</exception>
    Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel);

    /// <summary>What is known of the object, or null when it is definitely absent.</summary>
    Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel);

    /// <summary>All objects whose names begin with <paramref name="prefix"/>, in the ordinal order of their names.</summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel);

    Task DeleteAsync(ObjectKey key, CancellationToken cancel);

    /// <summary>Puts the right bytes where wrong ones lie: only for names that prove their content.</summary>
    Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel);

    /// <summary>The store's own time, by which the age of what lies in it is judged.</summary>
    Task<DateTimeOffset> TimeAsync(CancellationToken cancel);

    /// <summary>Removes what interrupted creations left under the prefix and nobody writes any more; returns how many.</summary>
    Task<int> SweepAsync(string prefix, CancellationToken cancel);

    /// <summary>
    /// SHA-256 (64 hexadecimal digits) of these objects by the word of the far side, without a download; what it has no word on, or does not
    /// have, is left out. Where it comes from is said by <see cref="StoreCapabilities.Sha256"/>.
    /// </summary>
    Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel);
}

public enum CreateOutcome
{
    Created,

    /// <summary>The name was taken by the same bytes.</summary>
    AlreadyThere,
}

/// <summary>Whether a store can tell an object's SHA-256 without a download.</summary>
public enum Sha256Source
{
    /// <summary>It cannot.</summary>
    None,

    /// <summary>The service keeps what it compared when the object came in.</summary>
    Kept,

    /// <summary>The far side reads and hashes the object when asked: it takes about as long as a disk takes to read it.</summary>
    Computed,
}

/// <summary>What a store is able to do, with these credentials.</summary>
/// <param name="CreatesAtomically">Of several that create one name at once, exactly one succeeds. If not, a name is looked at just before.</param>
/// <param name="KeepsMd5">Listings tell the MD5 that the service made of what came in (<see cref="ObjectInfo.Md5"/>), and nothing stronger is
/// kept: manifests remember it (<see cref="ObjectBody.Md5Kept"/>).</param>
public sealed record StoreCapabilities(bool CreatesAtomically, Sha256Source Sha256 = Sha256Source.None, bool KeepsMd5 = false);

/// <param name="Length">Bytes.</param>
/// <param name="ModifiedAt">By the store's own clock.</param>
/// <param name="Md5">32 hexadecimal digits by the word of the service, where it keeps an MD5.</param>
public sealed record ObjectInfo(ObjectKey Key, long Length, DateTimeOffset ModifiedAt, string? Md5 = null);
