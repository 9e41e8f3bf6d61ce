using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Worlds;

/// <summary>A store in memory. Its objects can be changed behind its back, as a failing disk would.</summary>
sealed class MemoryStore : IObjectStore
{
    readonly Lock _turn = new();
    readonly SortedDictionary<string, byte[]> _objects;
    readonly Dictionary<string, DateTimeOffset> _times;
    DateTimeOffset _time = new(2026, 11, 1, 3, 0, 0, TimeSpan.Zero);

    public MemoryStore() => (_objects, _times) = (new(StringComparer.Ordinal), []);

    MemoryStore(MemoryStore other) => (_objects, _times, _time) = (new(other._objects, StringComparer.Ordinal), new(other._times), other._time);

    public string Location => "memory";

    public Task MakePlaceAsync(CancellationToken cancel) => Task.CompletedTask;

    public Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel) => Task.FromResult(new StoreCapabilities(CreatesAtomically: true));

    public Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyDictionary<ObjectKey, string>>(new Dictionary<ObjectKey, string>());

    /// <summary>The store's own clock, which stands still unless it is moved.</summary>
    public DateTimeOffset Time
    {
        get { lock (_turn) return _time; }
        set { lock (_turn) _time = value; }
    }

    /// <summary>Names of all objects.</summary>
    public IReadOnlyList<string> Keys
    {
        get { lock (_turn) return [.. _objects.Keys]; }
    }

    /// <summary>An object's bytes; null puts it away. The array is never changed in place.</summary>
    public byte[]? this[string key]
    {
        get { lock (_turn) return _objects.GetValueOrDefault(key); }
        set
        {
            lock (_turn)
            {
                if (value is null) _objects.Remove(key);
                else (_objects[key], _times[key]) = (value, _time);
            }
        }
    }

    public MemoryStore Clone()
    {
        lock (_turn) return new(this);
    }

    /// <summary>The same objects as files.</summary>
    public void WriteTo(string folder)
    {
        foreach (var key in Keys)
        {
            var path = Path.Combine(folder, key);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, this[key]!);
        }
    }

    public static MemoryStore ReadFrom(string folder)
    {
        var store = new MemoryStore();
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)) store[Path.GetRelativePath(folder, path)] = File.ReadAllBytes(path);
        return store;
    }

    public async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var bytes = await BytesAsync(body, cancel);
        lock (_turn)
        {
            if (_objects.TryAdd(key.Text, bytes))
            {
                _times[key.Text] = _time;
                return CreateOutcome.Created;
            }
            if (_objects[key.Text].AsSpan().SequenceEqual(bytes)) return CreateOutcome.AlreadyThere;
        }
        throw new StoreException(StoreFailure.Conflict, $"{Location}: {key} exists and holds other bytes");
    }

    public Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (this[key.Text] is not { } bytes) return Task.FromException<int>(new StoreException(StoreFailure.Absent, $"{Location}: {key} is not there"));
        var length = (int)long.Clamp(bytes.Length - offset, 0, into.Length);
        if (length > 0) bytes.AsSpan((int)offset, length).CopyTo(into.Span);
        return Task.FromResult(length);
    }

    public Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) =>
        Task.FromResult(InfoOf(key.Text));

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var key in Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)))
        {
            cancel.ThrowIfCancellationRequested();
            if (InfoOf(key) is { } info) yield return info;
        }
        await Task.CompletedTask;
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel)
    {
        this[key.Text] = null;
        return Task.CompletedTask;
    }

    public async Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) => this[key.Text] = await BytesAsync(body, cancel);

    public Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => Task.FromResult(Time);

    public Task<int> SweepAsync(string prefix, CancellationToken cancel) => Task.FromResult(0);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    ObjectInfo? InfoOf(string key)
    {
        lock (_turn) return _objects.TryGetValue(key, out var bytes) ? new(new(key), bytes.Length, _times[key]) : null;
    }

    static async Task<byte[]> BytesAsync(ObjectBody body, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var bytes = body.Pieces is { } pieces ? Join(pieces, body.Length) : await ReadSharedAsync(body.File!, cancel);
        Assert.Equal(body.Length, bytes.Length);
        Assert.Equal(body.Sha256, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        return bytes;
    }

    static byte[] Join(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long length)
    {
        var bytes = new byte[length];
        var at = 0;
        foreach (var piece in pieces)
        {
            piece.Span.CopyTo(bytes.AsSpan(at));
            at += piece.Length;
        }
        return bytes[..at];
    }

    static async Task<byte[]> ReadSharedAsync(string path, CancellationToken cancel)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes, cancel);
        return bytes;
    }
}
