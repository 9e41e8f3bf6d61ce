using System.Runtime.CompilerServices;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Worlds;

/// <summary>A store of which a share of all calls fails for a time.</summary>
/// <param name="share">From 0 to 1.</param>
/// <param name="losesAnswers">Half of the failing calls were made, and only their answer is lost.</param>
sealed class FlakyStore(IObjectStore inner, double share, bool losesAnswers, int seed = 1) : WrappingStore(inner)
{
    readonly Random _chance = new(seed);
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
        var breaksAt = Fails() ? Next(50) : -1;
        await foreach (var info in Inner.ListAsync(prefix, cancel))
        {
            if (breaksAt-- == 0) throw Failure();
            yield return info;
        }
    }

    async Task<T> MaybeAsync<T>(Func<Task<T>> call)
    {
        if (!Fails()) return await call();
        if (losesAnswers && Next(2) == 0) await call();
        throw Failure();
    }

    bool Fails() => Next(1000) < share * 1000;

    int Next(int below)
    {
        lock (_chance) return _chance.Next(below);
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
