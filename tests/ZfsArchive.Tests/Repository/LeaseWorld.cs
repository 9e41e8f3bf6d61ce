using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Repository;

/// <summary>A repository in memory, a clock of the store and one of the host.</summary>
sealed class LeaseWorld : IDisposable
{
    readonly TempFolder _temp = new();

    public MemoryStore Store { get; } = new();

    public ManualClock Clock { get; } = new();

    public IEnumerable<string> Leases => Store.Keys.Where(k => k.StartsWith("leases/", StringComparison.Ordinal));

    public static async Task<LeaseWorld> NewAsync()
    {
        var world = new LeaseWorld();
        await ArchiveRepository.InitAsync(world.Store, world.Folders, world.Clock, default);
        return world;
    }

    public LocalFolders Folders => new(_temp["state"], _temp["cache"]);

    /// <summary>The repository as another process sees it, perhaps through a store of its own.</summary>
    public Task<ArchiveRepository> OpenAsync(IObjectStore? store = null) => ArchiveRepository.OpenAsync(store ?? Store, Folders, RepositoryUse.Write, default);

    public async Task<Lease> TakeAsync(LeaseKind kind, IObjectStore? store = null, CancellationToken cancel = default) =>
        await Lease.TakeAsync(await OpenAsync(store), kind, kind is LeaseKind.Shared ? "backup" : "prune", "here", Clock, cancel);

    /// <summary>What a process that was killed leaves: its lease as it was, and nobody who refreshes it.</summary>
    public async Task KillAsync(Lease lease)
    {
        var left = Leases.ToDictionary(k => k, k => Store[k]);
        var (time, at) = (Store.Time, await TimeOfNewestAsync());
        await lease.DisposeAsync();
        Store.Time = at;
        foreach (var (key, bytes) in left) Store[key] = bytes;
        Store.Time = time;
    }

    public async Task<DateTimeOffset> TimeOfNewestAsync()
    {
        var newest = DateTimeOffset.MinValue;
        await foreach (var info in Store.ListAsync("leases/", default)) newest = info.ModifiedAt > newest ? info.ModifiedAt : newest;
        return newest;
    }

    public void Dispose() => _temp.Dispose();
}
