using System.Runtime.CompilerServices;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Worlds;

/// <summary>
/// A store that dies at its n-th change, before it was made or right after, and stays dead: what the process would have done
/// afterwards never happens.
/// </summary>
/// <param name="dieAt">The change that it dies at, counted from 1; 0 never.</param>
/// <param name="afterTheFact">The change was made and only its answer is lost.</param>
sealed class FailingStore(IObjectStore inner, int dieAt = 0, bool afterTheFact = false) : IObjectStore
{
    int _changes;
    long _createdBytes;
    volatile bool _dead;

    public string Location => inner.Location;

    public Task MakePlaceAsync(CancellationToken cancel) => Alive().MakePlaceAsync(cancel);

    public Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel) => Alive().CapabilitiesAsync(cancel);

    public Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel) => Alive().Sha256Async(keys, cancel);

    /// <summary>It has died.</summary>
    public bool Dead => _dead;

    /// <summary>Changes asked for so far.</summary>
    public int Changes => Volatile.Read(ref _changes);

    /// <summary>Bytes of objects that were created here, leases apart.</summary>
    public long CreatedBytes => Interlocked.Read(ref _createdBytes);

    public Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => ChangeAsync(async () =>
    {
        var outcome = await inner.CreateAsync(key, body, cancel);
        if (outcome is CreateOutcome.Created && !key.Text.StartsWith("leases/", StringComparison.Ordinal)) Interlocked.Add(ref _createdBytes, body.Length);
        return outcome;
    });

    public Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => ChangeAsync(async () =>
    {
        await inner.ReplaceAsync(key, body, cancel);
        return true;
    });

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => ChangeAsync(async () =>
    {
        await inner.DeleteAsync(key, cancel);
        return true;
    });

    public Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel) => Alive().ReadAsync(key, offset, into, cancel);

    public Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) => Alive().StatAsync(key, cancel);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var info in Alive().ListAsync(prefix, cancel))
        {
            Alive();
            yield return info;
        }
    }

    public Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => Alive().TimeAsync(cancel);

    public Task<int> SweepAsync(string prefix, CancellationToken cancel) => Alive().SweepAsync(prefix, cancel);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    async Task<T> ChangeAsync<T>(Func<Task<T>> change)
    {
        Alive();
        var dies = Interlocked.Increment(ref _changes) == dieAt;
        if (dies && !afterTheFact) throw Die();
        var result = await change();
        if (dies) throw Die();
        return result;
    }

    StoreException Die()
    {
        _dead = true;
        return new(StoreFailure.Permanent, $"{Location}: the store has died");
    }

    IObjectStore Alive() => _dead ? throw Die() : inner;
}
