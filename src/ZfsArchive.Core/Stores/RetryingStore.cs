using System.Runtime.CompilerServices;

namespace ZfsArchive.Stores;

/// <summary>How long what may heal is tried again.</summary>
/// <param name="FirstContact">In all, for a store that has never answered: its address is more likely wrong than its network broken.</param>
/// <param name="Patience">In all, from a call's first failure on, for one that has.</param>
/// <param name="FirstPause">Before the first repetition; doubled each time.</param>
/// <param name="LongestPause">The pauses do not grow beyond this.</param>
public sealed record RetryPolicy(TimeSpan FirstContact, TimeSpan Patience, TimeSpan FirstPause, TimeSpan LongestPause)
{
    public static RetryPolicy Standard { get; } = new(TimeSpan.FromSeconds(6), TimeSpan.FromMinutes(15), TimeSpan.FromSeconds(0.25), TimeSpan.FromSeconds(30));
}

/// <summary>
/// Repeats what failed for a time only: with growing pauses, each shortened by chance so that many do not come back at once, and with
/// an end. Creating again is safe: what arrived though its answer was lost is found to be there.
/// </summary>
/// <param name="chance">A number from 0 to 1.</param>
/// <param name="said">Told of every repetition.</param>
public sealed class RetryingStore(IObjectStore inner, RetryPolicy policy, TimeProvider clock, Func<double> chance, Action<StoreException, TimeSpan>? said = null) : WrappingStore(inner)
{
    volatile bool _answered;

    public override Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel) => RetryAsync(() => Inner.CapabilitiesAsync(cancel), cancel);

    public override Task MakePlaceAsync(CancellationToken cancel) => RetryAsync(() => Done(Inner.MakePlaceAsync(cancel)), cancel);

    public override Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var (guarded, passed) = Guard(body);
        return RetryAsync(() => Inner.CreateAsync(key, guarded, cancel), cancel, passed);
    }

    public override Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var (guarded, passed) = Guard(body);
        return RetryAsync(() => Done(Inner.ReplaceAsync(key, guarded, cancel)), cancel, passed);
    }

    public override Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel) => RetryAsync(() => Inner.ReadAsync(key, offset, into, cancel), cancel);

    public override Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) => RetryAsync(() => Inner.StatAsync(key, cancel), cancel);

    // A listing that breaks is made again, and goes on behind what was given already.
    public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        string? last = null;
        var listing = Inner.ListAsync(prefix, cancel).GetAsyncEnumerator(cancel);
        try
        {
            while (await RetryAsync(MoveAsync, cancel))
            {
                last = listing.Current.Key.Text;
                yield return listing.Current;
            }
        }
        finally
        {
            await listing.DisposeAsync();
        }

        async Task<bool> MoveAsync()
        {
            try
            {
                do
                {
                    if (!await listing.MoveNextAsync()) return false;
                }
                while (last is not null && string.CompareOrdinal(listing.Current.Key.Text, last) <= 0);
                return true;
            }
            catch (StoreException)
            {
                await listing.DisposeAsync();
                listing = Inner.ListAsync(prefix, cancel).GetAsyncEnumerator(cancel);
                throw;
            }
        }
    }

    public override Task DeleteAsync(ObjectKey key, CancellationToken cancel) => RetryAsync(() => Done(Inner.DeleteAsync(key, cancel)), cancel);

    public override Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => RetryAsync(() => Inner.TimeAsync(cancel), cancel);

    public override Task<int> SweepAsync(string prefix, CancellationToken cancel) => RetryAsync(() => Inner.SweepAsync(prefix, cancel), cancel);

    public override Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel) => RetryAsync(() => Inner.Sha256Async(keys, cancel), cancel);

    // What was passed on for good cannot be sent again.
    static (ObjectBody Body, Func<bool>? Passed) Guard(ObjectBody body)
    {
        if (body.Passed is not { } told) return (body, null);
        var isPassed = false;
        return (body with
        {
            Passed = () =>
            {
                isPassed = true;
                told();
            },
        }, () => isPassed);
    }

    async Task<T> RetryAsync<T>(Func<Task<T>> act, CancellationToken cancel, Func<bool>? isPassed = null)
    {
        long? firstFailure = null;
        for (var pause = policy.FirstPause; ; pause = pause * 2 < policy.LongestPause ? pause * 2 : policy.LongestPause)
        {
            try
            {
                var result = await act();
                _answered = true;
                return result;
            }
            catch (StoreException e) when (e.Failure is StoreFailure.Transient && isPassed?.Invoke() != true)
            {
                firstFailure ??= clock.GetTimestamp();
                var wait = pause * (0.5 + (chance() / 2));
                var (patience, elapsed) = (_answered ? policy.Patience : policy.FirstContact, clock.GetElapsedTime(firstFailure.Value));
                if (elapsed + wait > patience) throw elapsed < policy.FirstPause ? e : new StoreException(e.Failure, $"{e.Message} (tried for {elapsed.TotalSeconds:0} s)", e);
                said?.Invoke(e, wait);
                await Task.Delay(wait, clock, cancel);
            }
            catch (StoreException)
            {
                _answered = true;
                throw;
            }
        }
    }

    static async Task<bool> Done(Task act)
    {
        await act;
        return true;
    }
}
