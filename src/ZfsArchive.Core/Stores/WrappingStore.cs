namespace ZfsArchive.Stores;

/// <summary>A store around another one: what a wrapper does not change goes through as it is.</summary>
public abstract class WrappingStore(IObjectStore inner) : IObjectStore
{
    protected IObjectStore Inner { get; } = inner;

    public string Location => Inner.Location;

    public virtual Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel) => Inner.CapabilitiesAsync(cancel);

    public virtual void Prepare() => Inner.Prepare();

    public virtual void PrepareToWrite() => Inner.PrepareToWrite();

    public virtual Task MakePlaceAsync(CancellationToken cancel) => Inner.MakePlaceAsync(cancel);

    public virtual Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => Inner.CreateAsync(key, body, cancel);

    public virtual Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel) => Inner.ReadAsync(key, offset, into, cancel);

    public virtual Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) => Inner.StatAsync(key, cancel);

    public virtual IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel) => Inner.ListAsync(prefix, cancel);

    public virtual Task DeleteAsync(ObjectKey key, CancellationToken cancel) => Inner.DeleteAsync(key, cancel);

    public virtual Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => Inner.ReplaceAsync(key, body, cancel);

    public virtual Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => Inner.TimeAsync(cancel);

    public virtual Task<int> SweepAsync(string prefix, CancellationToken cancel) => Inner.SweepAsync(prefix, cancel);

    public virtual Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel) => Inner.Sha256Async(keys, cancel);

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Inner.DisposeAsync();
    }
}
