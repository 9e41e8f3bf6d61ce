using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Prune;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Worlds;

/// <summary>
/// A repository in memory whose archives are made from a few numbers: whole manifests with their seals and chunks that are what their
/// names say, but no streams. The store's clock and the host's go together unless one is moved.
/// </summary>
sealed class PruneWorld : IDisposable
{
    public const string Dataset = "tank/a";
    static readonly DateTimeOffset s_begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    readonly TempFolder _temp = new();

    public MemoryStore Store { get; private init; } = new();

    public StillClock Wall { get; } = new();

    public LocalFolders Folders => new(_temp["state"], _temp["cache"]);

    public static async Task<PruneWorld> NewAsync()
    {
        var world = new PruneWorld();
        world.MoveTo(s_begin);
        await ArchiveRepository.InitAsync(world.Store, world.Folders, world.Wall, default);
        return world;
    }

    public void MoveTo(DateTimeOffset time) => (Store.Time, Wall.Now) = (time, time);

    public void Move(TimeSpan by) => MoveTo(Store.Time + by);

    public Task<ArchiveRepository> OpenAsync(IObjectStore? store = null, LocalFolders? folders = null) => ArchiveRepository.OpenAsync(store ?? Store, folders ?? Folders, RepositoryUse.Remove, default);

    public async Task<Catalog> CatalogAsync() => await (await OpenAsync()).CatalogAsync(default);

    public static ArchiveEntry Entry(ulong guid, DateTimeOffset taken, ArchiveEntry? from, string dataset = Dataset, ulong datasetGuid = Archives.Dataset, int chunks = 1, int ordinal = 1, string[]? conditions = null)
    {
        var creation = (ulong)taken.ToUnixTimeSeconds();
        var entry = Archives.Of(guid, from?.Head.Snapshot.Guid ?? 0, datasetGuid, name: dataset, ordinal: ordinal, conditions: conditions);
        var link = from is null ? null : new ManifestBase(from.Head.Snapshot.Guid, from.SnapshotName, from.Id, from.Sha256);
        var head = entry.Head with { Snapshot = entry.Head.Snapshot with { Creation = creation }, Base = link, Stream = entry.Head.Stream with { Length = 16L * chunks }, Totals = new(chunks, Chunk(guid, 0).Length * (long)chunks, 0) };
        return new(entry.Folder, ArchiveName.Of(creation, guid, from?.Head.Snapshot.Guid ?? 0) with { Ordinal = ordinal }, head, "", 1);
    }

    /// <summary>Commits an archive as a backup does: chunks, the dataset's name, the manifest.</summary>
    public async Task<ArchiveEntry> CommitAsync(ArchiveEntry entry, IObjectStore? store = null, bool remember = true)
    {
        var repository = await OpenAsync(store);
        var lines = new MemoryStream();
        for (var i = 0; i < entry.Head.Totals.Chunks; i++)
        {
            var bytes = Chunk(entry.Head.Snapshot.Guid, i);
            var name = new ChunkName(i, Convert.ToHexStringLower(SHA256.HashData(bytes))).Text;
            await repository.Store.CreateAsync(new(Layout.Chunk(entry.Folder, entry.Name, name)), ObjectBody.OfBytes(bytes), default);
            lines.Write(ManifestWriter.Line(new(name, bytes.Length, 16, null, null)));
        }
        await repository.CreateDocumentAsync(Layout.Dataset(entry.Folder, 1), new(entry.Head.Dataset.Name, entry.Head.Dataset.Guid, 1, "h"), ManifestJson.Default.DatasetRecord, default);
        lines.Position = 0;
        using var file = new MemoryStream();
        var written = await ManifestWriter.WriteAsync(file, entry.Folder.Text, entry.Name, entry.Head, lines, [], default);
        await repository.Store.CreateAsync(new(Layout.Manifest(entry.Folder, entry.Name)), ObjectBody.OfBytes(file.ToArray()), default);
        var committed = new ArchiveEntry(entry.Folder, entry.Name, entry.Head, written.Sha256, written.Length);
        if (remember) new KnownHeads(Folders, repository.Descriptor).Remember([committed]);
        return committed;
    }

    /// <summary>A chain of snapshots that are this far apart, each based on the one before.</summary>
    public async Task<List<ArchiveEntry>> ChainAsync(int count, TimeSpan apart, ulong firstGuid = 1, string dataset = Dataset, ulong datasetGuid = Archives.Dataset, ArchiveEntry? from = null)
    {
        var chain = new List<ArchiveEntry>();
        for (var i = 0; i < count; i++)
        {
            from = await CommitAsync(Entry(firstGuid + (ulong)i, Store.Time, from, dataset, datasetGuid));
            chain.Add(from);
            Move(apart);
        }
        return chain;
    }

    public async Task<PruneReport> PruneAsync(RetentionPolicy policy, double atMost = 1, IObjectStore? store = null, LocalFolders? folders = null, TimeSpan? grace = null, Func<string, PruneRule>? ruleOf = null)
    {
        var repository = await OpenAsync(store, folders);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Exclusive, "prune", "here", Wall, default);
        return await new PruneRun(repository, lease, grace ?? PruneRun.StandardGrace, "here", Wall)
            .ExecuteAsync(ruleOf ?? (_ => new(policy, atMost)), _ => Task.FromResult<IReadOnlySet<string>>(ImmutableHashSet<string>.Empty), default);
    }

    /// <summary>Whether every archive that has a manifest has all its chunks too.</summary>
    public async Task<IReadOnlyList<string>> MissingChunksAsync()
    {
        var missing = new List<string>();
        var repository = await OpenAsync();
        foreach (var archive in (await repository.CatalogAsync(default)).Graph.Archives)
        {
            using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, default);
            missing.AddRange(manifest!.Chunks().Select(c => Layout.Chunk(archive.Folder, archive.Name, c.Name)).Where(k => Store[k] is null));
        }
        return missing;
    }

    public static byte[] Chunk(ulong guid, int index) => StoredFrame.Wrap(Encoding.ASCII.GetBytes($"{guid:x12}{index:x4}")).SelectMany(p => p.ToArray()).ToArray();

    public void Dispose() => _temp.Dispose();
}
