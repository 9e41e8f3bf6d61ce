using System.Runtime.CompilerServices;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Worlds;

/// <summary>A store of which every n-th call fails for a time, in turn before it was made and after (its answer is lost).</summary>
sealed class FlakyStore(IObjectStore inner, int every) : WrappingStore(inner)
{
    int _calls;
    int _failures;

    /// <summary>Failures so far.</summary>
    public int Failures => Volatile.Read(ref _failures);

    public override Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => MaybeAsync(() => Inner.CreateAsync(key, body, cancel));

    public override Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel) => MaybeAsync(() => Inner.ReadAsync(key, offset, into, cancel));

    public override Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) => MaybeAsync(() => Inner.StatAsync(key, cancel));

    public override Task DeleteAsync(ObjectKey key, CancellationToken cancel) => MaybeAsync(() => Done(Inner.DeleteAsync(key, cancel)));

    public override Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => MaybeAsync(() => Done(Inner.ReplaceAsync(key, body, cancel)));

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var given = 0;
        await foreach (var info in Inner.ListAsync(prefix, cancel))
        {
            if (given++ % 7 == 3 && Interlocked.Increment(ref _calls) % every == 0) throw Failure();
            yield return info;
        }
    }

    async Task<T> MaybeAsync<T>(Func<Task<T>> call)
    {
        var number = Interlocked.Increment(ref _calls);
        if (number % every != 0) return await call();
        if (number / every % 2 == 0) throw Failure();
        await call();
        throw Failure();
    }

    StoreException Failure()
    {
        Interlocked.Increment(ref _failures);
        return new(StoreFailure.Transient, $"{Location}: try again");
    }

    static async Task<bool> Done(Task act)
    {
        await act;
        return true;
    }
}
