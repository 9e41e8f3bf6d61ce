using System.Runtime.CompilerServices;

namespace ZfsArchive.Stores;

/// <summary>What passed between this program and a store.</summary>
public sealed class StoreTraffic
{
    long _requests, _sent, _read, _repeated;

    /// <summary>Calls that were answered or failed.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Bytes of objects created or replaced; what was found to be there is not counted.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes of objects read.</summary>
    public long Read => Interlocked.Read(ref _read);

    /// <summary>Calls that were made again.</summary>
    public long Repeated => Interlocked.Read(ref _repeated);

    internal void Asked() => Interlocked.Increment(ref _requests);

    internal void AddSent(long bytes) => Interlocked.Add(ref _sent, bytes);

    internal void AddRead(long bytes) => Interlocked.Add(ref _read, bytes);

    public void Again() => Interlocked.Increment(ref _repeated);
}

/// <summary>Counts what passes.</summary>
public sealed class ObservedStore(IObjectStore inner, StoreTraffic traffic) : WrappingStore(inner)
{
    public override async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        traffic.Asked();
        var outcome = await Inner.CreateAsync(key, body, cancel);
        if (outcome is CreateOutcome.Created) traffic.AddSent(body.Length);
        return outcome;
    }

    public override async Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        traffic.Asked();
        await Inner.ReplaceAsync(key, body, cancel);
        traffic.AddSent(body.Length);
    }

    public override async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        traffic.Asked();
        var read = await Inner.ReadAsync(key, offset, into, cancel);
        traffic.AddRead(read);
        return read;
    }

    public override Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel)
    {
        traffic.Asked();
        return Inner.StatAsync(key, cancel);
    }

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        traffic.Asked();
        await foreach (var info in Inner.ListAsync(prefix, cancel)) yield return info;
    }

    public override Task DeleteAsync(ObjectKey key, CancellationToken cancel)
    {
        traffic.Asked();
        return Inner.DeleteAsync(key, cancel);
    }
}
