using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Stores;

namespace ZfsArchive.Doctor;

/// <summary>
/// Tries out what a store promises, with small objects of its own (<c>records/probe-…</c>) that it removes again. What one probe finds
/// never stops the next.
/// </summary>
/// <param name="random">Fills bytes by chance.</param>
public sealed class DoctorRun(IObjectStore store, string host, TimeProvider clock, Action<byte[]> random, Action<string>? says = null)
{
    const int Racers = 20, Rounds = 3;
    const int SmallPiece = 1 << 20, LargePiece = 8 << 20, AtOnce = 4;
    const string OneHost = "let only one host write here at a time: the service does not honour If-None-Match (on a versioned bucket, some do not)";
    static readonly TimeSpan s_skewWorthKnowing = TimeSpan.FromMinutes(1), s_tooFar = TimeSpan.FromMinutes(10);
    readonly ConcurrentDictionary<string, bool> _made = [];
    readonly string _id = Probes.NewId();
    int _next;

    /// <exception cref="StoreException">The place cannot be reached at all, or nothing may be created there.</exception>
    public async Task<Diagnosis> ExecuteAsync(CancellationToken cancel)
    {
        var probes = ImmutableArray.CreateBuilder<ProbeResult>();
        try
        {
            // who cannot create one object cannot be told anything more
            var bytes = Random(1000);
            var first = await CreateAsync(bytes, cancel);
            foreach (var (name, probe) in new (string, Func<Task<ProbeResult>>)[]
            {
                ("round trip", () => RoundTripAsync(first, cancel)), ("what was written", () => ReadBackAsync(first, bytes, cancel)), ("range reads", () => RangesAsync(first, bytes, cancel)),
                ("list after write", () => ListAsync(cancel)), ("atomic create", () => RaceAsync(cancel)), ("checksums", () => ChecksumsAsync(cancel)), ("clock", () => ClockAsync(cancel)),
                ("overwrite", () => OverwriteAsync(first, cancel)), ("delete", () => DeleteAsync(cancel)), ("speed", () => SpeedAsync(cancel)),
            }) probes.Add(await TryAsync(name, probe));
            await Probes.RemoveLeftAsync(store, cancel);
        }
        finally
        {
            await RemoveAllAsync();
        }
        return new(store.Location, host, clock.GetUtcNow(), probes.ToImmutable(), [.. _made.Keys.Order(StringComparer.Ordinal)]);
    }

    async Task<ProbeResult> TryAsync(string name, Func<Task<ProbeResult>> probe)
    {
        says?.Invoke(name);
        try
        {
            return await probe() with { Name = name };
        }
        catch (StoreException e)
        {
            return new(name, ProbeState.Bad, e.Message, "look into this first: archives rest on it");
        }
    }

    async Task<ProbeResult> RoundTripAsync(ObjectKey key, CancellationToken cancel)
    {
        var times = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            var since = clock.GetTimestamp();
            await store.StatAsync(key, cancel);
            times.Add(clock.GetElapsedTime(since).TotalMilliseconds);
        }
        times.Sort();
        return Good(string.Create(CultureInfo.InvariantCulture, $"{times[2]:0.0} ms (median of 5; {times[0]:0.0} to {times[^1]:0.0})"));
    }

    async Task<ProbeResult> ReadBackAsync(ObjectKey key, byte[] bytes, CancellationToken cancel)
    {
        var read = new byte[bytes.Length + 1];
        var length = await store.ReadAsync(key, 0, read, cancel);
        return read.AsSpan(0, length).SequenceEqual(bytes) ? Good("read back as it was written, at once") : Bad("other bytes came back", "do not use this place");
    }

    async Task<ProbeResult> RangesAsync(ObjectKey key, byte[] bytes, CancellationToken cancel)
    {
        var read = new byte[100];
        foreach (var (at, expected) in new[] { (0, 100), (450, 100), (950, 50), (5000, 0) })
        {
            var length = await store.ReadAsync(key, at, read, cancel);
            if (length != expected || !read.AsSpan(0, length).SequenceEqual(bytes.AsSpan(int.Min(at, bytes.Length), expected)))
                return Bad($"the range from byte {at} came back wrong", "restores would not work: another service, or another proxy in between");
        }
        return Good("exact");
    }

    async Task<ProbeResult> ListAsync(CancellationToken cancel)
    {
        for (var i = 0; i < 10; i++)
        {
            var key = await CreateAsync(Random(10), cancel);
            var found = false;
            await foreach (var info in store.ListAsync(key.Text, cancel)) found |= info.Key == key;
            if (!found) return Bad("an object was created and a listing right after it did not have it", "prune must not be used here: it goes by listings");
        }
        return Good("complete, 10 of 10 times");
    }

    async Task<ProbeResult> RaceAsync(CancellationToken cancel)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var key = NextKey();
            var bodies = Enumerable.Range(0, Racers).Select(_ => Random(1000)).ToArray();
            var results = await Task.WhenAll(bodies.Select(body => WinsAsync(key, body, cancel)));
            var winners = results.Count(won => won);
            var stored = new byte[1001];
            var length = await store.ReadAsync(key, 0, stored, cancel);
            var kept = winners == 1 && stored.AsSpan(0, length).SequenceEqual(bodies[Array.IndexOf(results, true)]);
            if (!kept)
                return new("", ProbeState.Note, $"{winners} of {Racers} that created one name at once were told that they had", OneHost);
        }
        if (!(await store.CapabilitiesAsync(cancel)).CreatesAtomically) return new("", ProbeState.Note, "only looked at before and after: of two that create one name at once, the later one's bytes stay", OneHost);
        return Good($"one winner of {Racers}, {Rounds} of {Rounds} times");
    }

    async Task<bool> WinsAsync(ObjectKey key, byte[] body, CancellationToken cancel)
    {
        try
        {
            return await store.CreateAsync(key, ObjectBody.OfBytes(body), cancel) is CreateOutcome.Created;
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Conflict)
        {
            return false;
        }
    }

    async Task<ProbeResult> ChecksumsAsync(CancellationToken cancel)
    {
        var can = await store.CapabilitiesAsync(cancel);
        return can switch
        {
            { Sha256: Sha256Source.Kept } => Good("SHA-256 is kept: verify --level objects compares it without reading"),
            { Sha256: Sha256Source.Computed } => Good("SHA-256 on request: verify --level data --remote hashes at the far side"),
            { KeepsMd5: true } => Good("MD5 is kept: verify --level objects compares it without reading"),
            _ => new("", ProbeState.Note, "none without reading", "verify --level data or stream reads what it checks; --level objects sees presence and size only"),
        };
    }

    async Task<ProbeResult> ClockAsync(CancellationToken cancel)
    {
        var apart = await store.TimeAsync(cancel) - clock.GetUtcNow();
        var found = string.Create(CultureInfo.InvariantCulture, $"{apart.TotalSeconds:+0;-0;0} s against this machine's");
        return apart.Duration() < s_skewWorthKnowing ? Good(found)
            : new("", apart.Duration() < s_tooFar ? ProbeState.Note : ProbeState.Bad, found, "set the clock of this machine (chronyd, systemd-timesyncd), if it is the wrong one");
    }

    async Task<ProbeResult> OverwriteAsync(ObjectKey key, CancellationToken cancel)
    {
        try
        {
            await store.ReplaceAsync(key, ObjectBody.OfBytes(Random(1000)), cancel);
            return Good("allowed (needed to repair; whoever has these credentials can damage archives)");
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Denied)
        {
            return new("", ProbeState.Note, "refused", "good against whoever steals these credentials; a repair needs others");
        }
    }

    async Task<ProbeResult> DeleteAsync(CancellationToken cancel)
    {
        var key = await CreateAsync(Random(10), cancel);
        try
        {
            await store.DeleteAsync(key, cancel);
            _made.TryRemove(key.Text, out _);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Denied)
        {
            return new("", ProbeState.Note, "refused", "good against whoever steals these credentials; to free space, others are needed");
        }
        return await store.StatAsync(key, cancel) is null ? Good("allowed, and gone at once") : Bad("what was removed is still there", "do not trust sizes and listings of this place");
    }

    // A small piece first: who has a slow line is not kept for minutes.
    async Task<ProbeResult> SpeedAsync(CancellationToken cancel)
    {
        var bytes = Random(SmallPiece);
        var key = NextKey();
        var trial = await TimedAsync(() => store.CreateAsync(key, ObjectBody.OfBytes(bytes), cancel));
        var size = trial < 1 ? LargePiece : SmallPiece;
        if (size != bytes.Length) bytes = Random(size);
        var body = ObjectBody.OfBytes(bytes);
        var keys = Enumerable.Range(0, AtOnce).Select(_ => NextKey()).ToArray();
        var up = await TimedAsync(() => Task.WhenAll(keys.Select(k => store.CreateAsync(k, body, cancel))));
        var wrong = 0;
        var down = await TimedAsync(() => Task.WhenAll(keys.Select(async k =>
        {
            var into = new byte[size];
            if (await store.ReadAsync(k, 0, into, cancel) != size || !into.AsSpan().SequenceEqual(bytes)) Interlocked.Increment(ref wrong);
        })));
        if (wrong > 0) return Bad($"{wrong} of {AtOnce} objects came back wrong", "do not use this place");
        var total = (double)size * AtOnce / (1 << 20);
        return Good(string.Create(CultureInfo.InvariantCulture, $"{total / up:0.0} MiB/s up, {total / down:0.0} MiB/s down ({AtOnce} x {size >> 20} MiB at once)"));
    }

    async Task<double> TimedAsync(Func<Task> act)
    {
        var since = clock.GetTimestamp();
        await act();
        return double.Max(clock.GetElapsedTime(since).TotalSeconds, 1e-6);
    }

    async Task<ObjectKey> CreateAsync(byte[] bytes, CancellationToken cancel)
    {
        var key = NextKey();
        await store.CreateAsync(key, ObjectBody.OfBytes(bytes), cancel);
        return key;
    }

    ObjectKey NextKey()
    {
        var key = Probes.Key(_id, Interlocked.Increment(ref _next));
        _made[key.Text] = true;
        return key;
    }

    // Also after a failure or cancellation; what may not be removed is told.
    async Task RemoveAllAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), clock);
        foreach (var key in _made.Keys)
        {
            try
            {
                await store.DeleteAsync(new(key), patience.Token);
                _made.TryRemove(key, out _);
            }
            catch (Exception e) when (e is StoreException or OperationCanceledException)
            {
                // said in the diagnosis
            }
        }
    }

    byte[] Random(int length)
    {
        var bytes = new byte[length];
        random(bytes);
        return bytes;
    }

    static ProbeResult Good(string found) => new("", ProbeState.Good, found);

    static ProbeResult Bad(string found, string advice) => new("", ProbeState.Bad, found, advice);
}
