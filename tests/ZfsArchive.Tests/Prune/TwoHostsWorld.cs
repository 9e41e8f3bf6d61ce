using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using ZfsArchive.Backup;
using ZfsArchive.Chunks;
using ZfsArchive.Fetch;
using ZfsArchive.Manifests;
using ZfsArchive.Prune;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Prune;

/// <summary>How much later it is in a place than its own clock says: hours pass without waiting for them.</summary>
sealed class PassedTime
{
    long _ticks;

    public ConcurrentDictionary<string, TimeSpan> Born { get; } = [];

    public TimeSpan Passed => new(Interlocked.Read(ref _ticks));

    public void Pass(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);
}

/// <summary>A place in which time passes as it is told to; it may leave an object out of its listings.</summary>
sealed class TimedStore(IObjectStore inner, PassedTime time, string? leftOut = null) : WrappingStore(inner)
{
    public override async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var outcome = await Inner.CreateAsync(key, body, cancel);
        if (outcome is CreateOutcome.Created) time.Born[key.Text] = time.Passed;
        return outcome;
    }

    public override async Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) => await Inner.StatAsync(key, cancel) is { } info ? Dated(info) : null;

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var info in Inner.ListAsync(prefix, cancel))
            if (info.Key.Text != leftOut) yield return Dated(info);
    }

    public override async Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => await Inner.TimeAsync(cancel) + time.Passed;

    ObjectInfo Dated(ObjectInfo info) => info with { ModifiedAt = info.ModifiedAt + time.Born.GetValueOrDefault(info.Key.Text) };
}

/// <summary>What becomes of a process at one of its calls.</summary>
enum Fate
{
    Lives,
    Dies,

    /// <summary>It stands still until it is woken, hours later.</summary>
    Sleeps,
}

/// <summary>A process: its calls take their time, and one of them may be its last.</summary>
/// <param name="kind">The calls that are counted for its fate: of this kind, on objects under this prefix; any if empty.</param>
/// <param name="at">The call at which its fate comes, counted from 1.</param>
sealed class Process(IObjectStore place, PassedTime time, int seed, Fate fate, (string Call, string Prefix) kind, int at)
{
    readonly Random _random = new(seed);
    readonly Lock _turn = new();
    readonly TaskCompletionSource _awake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _calls;
    volatile bool _dead, _asleep;

    public Fate Fate => _dead ? Fate.Dies : _asleep ? Fate.Sleeps : Fate.Lives;

    public Action<int>? OnCall { get; set; }

    public void Wake() => _awake.TrySetResult();

    public IObjectStore Store => new InterceptedStore(place, async (what, key) =>
    {
        int call = 0, wait;
        lock (_turn)
        {
            wait = _random.Next(6);
            if ((kind.Call.Length == 0 || kind.Call == what) && key.StartsWith(kind.Prefix, StringComparison.Ordinal)) call = ++_calls;
        }
        OnCall?.Invoke(call);
        if (call == at && fate is Fate.Dies) _dead = true;
        if (call == at && fate is Fate.Sleeps)
        {
            _asleep = true;
            time.Pass(TimeSpan.FromHours(2));
        }
        if (_dead) throw new StoreException(StoreFailure.Permanent, "the process is dead");
        if (_asleep) await _awake.Task;
        if (wait == 0) await Task.Delay(1);
        else if (wait < 4) await Task.Yield();
    });
}

/// <summary>What two hosts do in one repository, as the commands do it.</summary>
sealed class TwoHosts(string host, LocalFolders folders, RetentionPolicy policy, TimeSpan grace)
{
    static readonly DateTimeOffset s_begin = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static DateTimeOffset Taken(ulong guid) => s_begin.AddHours(guid);

    public static SyntheticStream Stream(ulong guid, ulong from) =>
        new() { ToGuid = guid, FromGuid = from, Name = $"tank/made@s{guid}", Seed = (int)guid, Blocks = 9, Creation = (ulong)Taken(guid).ToUnixTimeSeconds() };

    /// <summary>Archives a snapshot, from an archived one or as a full; null when it is there already.</summary>
    public async Task<ulong?> BackupAsync(IObjectStore store, ulong guid, Random random)
    {
        var repository = await ArchiveRepository.OpenAsync(store, folders, RepositoryUse.Write, default);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Shared, "backup", host, TimeProvider.System, default);
        var catalog = await repository.KnownCatalogAsync(default);
        if (catalog.Graph.OfSnapshot(guid).Any()) return null;
        var paths = catalog.Graph.Paths();
        var bases = catalog.Graph.Archives.Where(a => a.Head.Snapshot.Guid < guid && paths.Reaches(a) && paths.Way(a).Length < 4).OrderBy(a => a.Head.Snapshot.Guid).ToList();
        // every other one is always a full, so that what is archived again is the same stream
        var from = bases.Count == 0 || guid % 2 == 0 ? 0 : bases[random.Next(bases.Count)].Head.Snapshot.Guid;
        var settings = new WriterSettings(ChunkSchedule.Fixed(1 << 20), 1 << 20, 1, "test", host, null, null);
        var order = new StdinOrder(catalog, new(null, AllowPlaintext: true, Insist: false, null, null), () => null);
        var written = await new ArchiveWriter(repository, lease, catalog, settings, TimeProvider.System).WriteAsync(new MemoryStream(Stream(guid, from).Bytes()), order, null, default);
        new KnownHeads(folders, repository.Descriptor).Remember([written.Single().Archive]);
        return guid;
    }

    public async Task PruneAsync(IObjectStore store)
    {
        var repository = await ArchiveRepository.OpenAsync(store, folders, RepositoryUse.Remove, default);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Exclusive, "prune", host, TimeProvider.System, default);
        await new PruneRun(repository, lease, grace, host, TimeProvider.System).ExecuteAsync(_ => new(policy, 1), _ => Task.FromResult<IReadOnlySet<string>>(ImmutableHashSet<string>.Empty), default);
    }

    public async Task<VerifyReport> VerifyAsync(IObjectStore store)
    {
        var repository = await ArchiveRepository.OpenAsync(store, folders, RepositoryUse.Read, default);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Shared, "verify", host, TimeProvider.System, default);
        return await new VerifyRun(repository, VerifyLevel.Objects).ExecuteAsync(await repository.CatalogAsync(default), _ => true, default);
    }

    /// <summary>Reads an archive as a restore does, and holds it against what was sent.</summary>
    public async Task CatAsync(IObjectStore store, Random random)
    {
        var repository = await ArchiveRepository.OpenAsync(store, folders, RepositoryUse.Read, default);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Shared, "restore", host, TimeProvider.System, default);
        var archives = (await repository.KnownCatalogAsync(default)).Graph.Archives;
        if (archives.IsEmpty) return;
        var archive = archives[random.Next(archives.Length)];
        using var fetcher = new ChunkFetcher(repository.Store, 2);
        var output = new MemoryStream();
        await new ArchiveFeed(repository, fetcher, 2).WriteAsync(archive, output, null, default);
        Assert.Equal(Stream(archive.Head.Snapshot.Guid, archive.Head.Stream.FromGuid).Bytes(), output.ToArray());
    }
}
