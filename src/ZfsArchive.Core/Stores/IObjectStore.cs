namespace ZfsArchive.Stores;

/// <summary>
/// A flat place of named objects that never change. The promises, kept by every store and held by one conformance suite:
/// an object appears whole or not at all; when <see cref="CreateAsync"/> returns, the object is durable and can be read at once;
/// a taken name is never overwritten; a listing has everything created before it began; removing what is absent succeeds.
/// Every failure is a <see cref="StoreException"/> whose kind says what it means.
/// </summary>
public interface IObjectStore : IAsyncDisposable
{
    /// <summary>Where this is, for messages; never with a secret.</summary>
    string Location { get; }

    /// <summary>
    /// Creates the object if the name is free. A taken name with the same bytes is success (a lost answer looks like that).
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
}

public enum CreateOutcome
{
    Created,

    /// <summary>The name was taken by the same bytes.</summary>
    AlreadyThere,
}

/// <param name="Length">Bytes.</param>
/// <param name="ModifiedAt">By the store's own clock.</param>
public sealed record ObjectInfo(ObjectKey Key, long Length, DateTimeOffset ModifiedAt);
