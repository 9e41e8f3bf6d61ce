using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Chunks;
using ZfsArchive.Fetch;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Verify;

/// <summary>Stored bytes read, of those that will be.</summary>
public readonly record struct VerifyProgress(long Read, long Total);

/// <summary>Holds what is stored against the manifests. Damage is a finding, never an exception; a store that fails is one.</summary>
/// <param name="remote">Chunks are hashed by the far side where it can; what it cannot is read. Not beyond <see cref="VerifyLevel.Data"/>.</param>
/// <param name="known">What was found damaged before, and what this run, whose trace it is given, has not looked at again.</param>
/// <param name="outOfTime">Asked before each chunk; once it says so the rest is left, and the trace tells what was looked at.</param>
public sealed class VerifyRun(ArchiveRepository repository, VerifyLevel level, IProgress<VerifyProgress>? progress = null, bool remote = false, Func<bool>? outOfTime = null,
    Func<VerifyTrace, IEnumerable<(ArchiveEntry Archive, DamagedObject Damaged)>>? known = null)
{
    const string Mend = "send the snapshot again while the source has it (zfs send -w … | zfsarchive backup --stdin --dataset NAME): the same stream puts the chunk back; or, from a repository that has the archive whole: zfsarchive copy --from THAT --to THIS";
    const int WordsAtOnce = 256;

    /// <summary>Of so many findings it is said what each one costs; where there are more, what all of them cost says enough, and names without end help nobody.</summary>
    const int MostCosts = 2000;

    /// <summary>Archives that are looked at at once: a small one is little more than questions to a store that may be far away.</summary>
    const int ArchivesAtOnce = 8;

    readonly ConcurrentQueue<Fault> _faults = new();
    readonly ConcurrentDictionary<string, (VerifyLevel Level, string Reason)> _damaged = new();
    readonly ConcurrentDictionary<string, ConcurrentQueue<int>> _looked = new();
    ImmutableDictionary<string, ImmutableArray<VerifyPart>>? _parts;
    ImmutableArray<ArchiveEntry> _archives = [];
    readonly ConcurrentDictionary<string, bool> _checkedByWord = new();
    long _chunks, _read, _total, _byWord;
    volatile bool _hasBrokenChain;

    /// <summary>Only these chunks are read, and of their archives only the presence is checked; the catalog is checked as a whole.</summary>
    public Task<VerifyReport> ExecuteAsync(Catalog catalog, ImmutableArray<VerifyPart> parts, CancellationToken cancel)
    {
        _parts = parts.GroupBy(p => p.Archive.Id).ToImmutableDictionary(g => g.Key, g => g.ToImmutableArray());
        // in the order of the plan: when the time is over, what waits longest was looked at
        return ExecuteAsync(catalog, parts.Select(p => p.Archive).DistinctBy(a => a.Id), cancel);
    }

    /// <summary>What was looked at, for <see cref="VerifyHistory.Add"/>.</summary>
    /// <param name="now">When.</param>
    public VerifyTrace Trace(DateTimeOffset now) => new(
        _archives, _looked.ToDictionary(l => l.Key, l => (IReadOnlyList<int>)[.. l.Value]),
        [.. _damaged.Select(d => new DamagedObject(d.Key, d.Value.Reason, d.Value.Level, now))]);

    /// <param name="selects">Which archives are looked at closely; the catalog is always checked as a whole.</param>
    public Task<VerifyReport> ExecuteAsync(Catalog catalog, Func<ArchiveEntry, bool> selects, CancellationToken cancel) => ExecuteAsync(catalog, catalog.Graph.Archives.Where(selects), cancel);

    async Task<VerifyReport> ExecuteAsync(Catalog catalog, IEnumerable<ArchiveEntry> chosen, CancellationToken cancel)
    {
        foreach (var fault in ChainCheck.Find(catalog, await KnownAsync(catalog, cancel))) Add(fault);
        if (repository.DescriptorFault is { } broken)
            Add(new(Severity.Damage, null, false, Layout.Descriptor, broken, "put it back from a copy of the repository; until then archives can be read, and nothing can be written"));
        _hasBrokenChain = _faults.Any(f => f.Severity is Severity.Damage);
        var archives = _archives = [.. chosen];
        _total = archives.Sum(a => a.Head.Totals.StoredLength);
        if (level >= VerifyLevel.Objects) await CheckObjectsAsync(catalog, archives, cancel);
        else await CheckManifestsAsync(archives, cancel);
        FindStranded(catalog);
        if (remote || level is VerifyLevel.Objects) await CheckByWordAsync(archives, cancel);
        if (level >= VerifyLevel.Data) await CheckChunksAsync(archives, cancel);
        AddKnown();

        // A disk that was unplugged meanwhile is no damage.
        if (!_faults.IsEmpty) await repository.Store.StatAsync(new(Layout.Descriptor), cancel);
        var consequences = new Consequences(catalog);
        var faults = _faults.OrderBy(f => f.Object, StringComparer.Ordinal).ThenBy(f => f.Reason, StringComparer.Ordinal).ToList();
        return new(level, archives.Length, Interlocked.Read(ref _chunks), Interlocked.Read(ref _read), _byWord,
            [.. faults.Select((f, i) =>
            {
                cancel.ThrowIfCancellationRequested();
                return i < MostCosts ? consequences.Of(f) : Consequences.Without(f);
            })], consequences.Lost([.. faults.Where(f => f.Severity is Severity.Damage)]));
    }

    // Damage does not heal by not being looked at.
    void AddKnown()
    {
        foreach (var (archive, damaged) in known?.Invoke(Trace(default)) ?? [])
        {
            if (!_damaged.ContainsKey(damaged.Object))
                Add(new(Severity.Damage, archive.Id, true, damaged.Object, string.Create(CultureInfo.InvariantCulture, $"{damaged.Reason} (found {damaged.At:yyyy-MM-dd}, and not looked at again)"), Mend));
        }
    }

    // What this host has seen and is not there as it was; of what cannot be read, at least its name.
    async Task<ImmutableArray<KnownHead>> KnownAsync(Catalog catalog, CancellationToken cancel)
    {
        var unreadable = catalog.Faults.Select(f => f.Key).ToHashSet();
        return [.. repository.Seen.Load().Where(h => unreadable.Contains(SeenChanges.KeyOf(h))), .. await SeenChanges.FindAsync(repository, catalog, cancel)];
    }

    // What no chain leads to is a fault of its own when nothing else explains it.
    void FindStranded(Catalog catalog)
    {
        if (_hasBrokenChain) return;
        var paths = catalog.Graph.Paths();
        foreach (var archive in catalog.Graph.Archives.Where(a => a.Counts && !paths.Reaches(a)))
            Add(new(Severity.Damage, archive.Id, true, Layout.Manifest(archive.Folder, archive.Name), "no chain of archives leads to its base", Mend, archive.SnapshotName));
    }

    Task CheckManifestsAsync(ImmutableArray<ArchiveEntry> archives, CancellationToken cancel) => EachAsync(archives, (archive, stop) => OfManifestAsync(archive, manifest =>
    {
        foreach (var _ in manifest.Chunks()) Interlocked.Increment(ref _chunks);
        return Task.CompletedTask;
    }, stop), cancel);

    // One listing of everything: it tells what is missing, what has another size, and what nobody claims.
    async Task CheckObjectsAsync(Catalog catalog, ImmutableArray<ArchiveEntry> archives, CancellationToken cancel)
    {
        if (_parts is not null)
        {
            await EachAsync(archives, async (archive, stop) => await CheckPresenceAsync(archive, await ChunkPresence.ListedAsync(repository, archive, stop), stop), cancel);
            return;
        }
        var waiting = new ConcurrentDictionary<string, ArchiveEntry>(archives.Select(a => KeyValuePair.Create(a.Id, a)));
        var known = catalog.Graph.Archives.Select(a => a.Id).Concat(_faults.Select(f => f.ArchiveId ?? "")).ToHashSet();
        await Parallel.ForEachAsync(ArchiveFolders.ListAsync(repository.Store, AddStranger, cancel), Limits(ArchivesAtOnce, cancel), async (folder, stop) =>
        {
            if (waiting.TryRemove(folder.Id, out var archive)) await CheckPresenceAsync(archive, folder.Listed, stop);
            else if (!known.Contains(folder.Id))
                Add(new(Severity.Note, folder.Id, false, Layout.Archives + folder.Id, $"{folder.Listed.Count} {(folder.Listed.Count == 1 ? "chunk" : "chunks")} without a manifest: an interrupted backup, or a manifest that is gone", "the next backup of this snapshot uses them; prune removes them later"));
        });
        await EachAsync(waiting.Values, (archive, stop) => CheckPresenceAsync(archive, [], stop), cancel);
    }

    Task CheckPresenceAsync(ArchiveEntry archive, Dictionary<string, ObjectInfo> listed, CancellationToken cancel) => OfManifestAsync(archive, async manifest =>
    {
        foreach (var _ in manifest.Chunks()) Interlocked.Increment(ref _chunks);
        await foreach (var (key, reason) in ChunkPresence.MissingAsync(repository, archive, manifest, listed, cancel)) AddDamage(archive, key, VerifyLevel.Objects, reason);
        if (archive.Head.Package is { } package && Path.GetFileName(package) is var name && !listed.ContainsKey(name) && await repository.Store.StatAsync(new(package), cancel) is null)
            Add(new(Severity.Damage, archive.Id, false, package, "the header of the package it came in is missing; the stream itself is not concerned", Mend));
    }, cancel);

    // What the far side says of the bytes it holds: checksums that it kept cost nothing, those that it has to compute are asked for by name.
    async Task CheckByWordAsync(ImmutableArray<ArchiveEntry> archives, CancellationToken cancel)
    {
        var source = (await repository.Store.CapabilitiesAsync(cancel)).Sha256;
        if (source is Sha256Source.None || (source is Sha256Source.Computed && !remote)) return;
        // what has to be computed takes a connection of its own each time, and a server allows few
        await EachAsync(archives, (archive, stop) => OfManifestAsync(archive, async manifest =>
        {
            foreach (var batch in manifest.Chunks().Chunk(WordsAtOnce)) await CompareAsync(archive, batch, stop);
        }, stop), cancel, source is Sha256Source.Computed ? 1 : ArchivesAtOnce);
    }

    async Task CompareAsync(ArchiveEntry archive, ChunkLine[] lines, CancellationToken cancel)
    {
        var byKey = lines.ToDictionary(l => new ObjectKey(Layout.Chunk(archive.Folder, archive.Name, l.Name)));
        foreach (var (key, sha256) in await repository.Store.Sha256Async([.. byKey.Keys], cancel))
        {
            var line = byKey[key];
            if (ChunkName.TryParse(line.Name)!.Sha256 != sha256) AddDamage(archive, key.Text, VerifyLevel.Data, $"the store says that the chunk has the SHA-256 {sha256}");
            if (remote) _checkedByWord.TryAdd(key.Text, true);
            Interlocked.Add(ref _byWord, line.StoredLength);
        }
    }

    async Task CheckChunksAsync(ImmutableArray<ArchiveEntry> archives, CancellationToken cancel)
    {
        using var fetcher = new ChunkFetcher(repository.Store, ChunkFetcher.StandardParallel);
        using var packages = new SemaphoreSlim(1, 1);
        await EachAsync(archives, async (archive, stop) =>
        {
            if (outOfTime?.Invoke() is true) return;
            await CheckPackageAsync(packages, archive, stop);
            await OfManifestAsync(archive, manifest => Parallel.ForEachAsync(InPlace(archive, manifest).Where(IsWanted).TakeWhile(_ => outOfTime?.Invoke() is not true),
                Limits(ChunkFetcher.StandardParallel, stop), async (place, inner) => await CheckChunkAsync(fetcher, place, inner)), stop);
        }, cancel);
    }

    // The header of a package: its name proves it as a chunk's does. It may have many MiB, and no room is kept for it: one at a time.
    async Task CheckPackageAsync(SemaphoreSlim turn, ArchiveEntry archive, CancellationToken cancel)
    {
        if (archive.Head.Package is not { } key || await repository.Store.StatAsync(new(key), cancel) is not { } info) return;
        await turn.WaitAsync(cancel);
        try
        {
            var bytes = new byte[long.Min(info.Length, Layout.LargestPackage)];
            var read = await repository.Store.ReadAsync(new(key), 0, bytes, cancel);
            if (info.Length > Layout.LargestPackage || read != bytes.Length || ChunkOpener.WrongHash(bytes, Layout.PackageSha256(key)) is not null)
                Add(new(Severity.Damage, archive.Id, false, key, "the header of the package it came in is damaged; the stream itself is not concerned", Mend));
        }
        finally
        {
            turn.Release();
        }
    }

    async Task CheckChunkAsync(ChunkFetcher fetcher, ChunkInPlace place, CancellationToken cancel)
    {
        var key = Layout.Chunk(place.Archive.Folder, place.Archive.Name, place.Line.Name);
        if (_checkedByWord.ContainsKey(key))
        {
            Looked(place);
            return;
        }
        try
        {
            using var chunk = await fetcher.FetchAsync(place.Archive, place.Line, cancel);
            if (level >= VerifyLevel.Stream && ChunkCheck.Broken(place, chunk) is { } broken) AddDamage(place.Archive, key, VerifyLevel.Stream, broken);
        }
        catch (DamageException e)
        {
            AddDamage(place.Archive, key, VerifyLevel.Data, $"the chunk is damaged: {e.Why}");
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Permanent)
        {
            // One bad sector is a finding. What may not be read, or not now, is none: then nothing is known.
            AddDamage(place.Archive, key, VerifyLevel.Data, $"the chunk cannot be read: {e.Message}");
        }
        Looked(place);
        var read = Interlocked.Add(ref _read, place.Line.StoredLength);
        progress?.Report(new(read, _total));
    }

    bool IsWanted(ChunkInPlace place) => _parts is null || _parts[place.Archive.Id].Any(p => place.Index >= p.From && place.Index < p.To);

    void Looked(ChunkInPlace place) => _looked.GetOrAdd(place.Archive.Id, _ => new()).Enqueue(place.Index);

    static IEnumerable<ChunkInPlace> InPlace(ArchiveEntry archive, ManifestCopy manifest)
    {
        var (index, position) = (0, 0L);
        ChunkLine? line = null;
        foreach (var next in manifest.Chunks())
        {
            if (line is not null)
            {
                yield return new(archive, line, index++, position, next.Checksum, IsLast: false);
                position += line.Length;
            }
            line = next;
        }
        if (line is not null) yield return new(archive, line, index, position, null, IsLast: true);
    }

    async Task OfManifestAsync(ArchiveEntry archive, Func<ManifestCopy, Task> look, CancellationToken cancel)
    {
        try
        {
            using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, cancel);
            if (manifest is not null) await look(manifest);
            else AddDamage(archive, Layout.Manifest(archive.Folder, archive.Name), VerifyLevel.Chain, "the manifest was listed and is gone");
        }
        catch (DamageException e)
        {
            AddDamage(archive, Layout.Manifest(archive.Folder, archive.Name), VerifyLevel.Chain, e.Why);
        }
    }

    static Task EachAsync(IEnumerable<ArchiveEntry> archives, Func<ArchiveEntry, CancellationToken, Task> look, CancellationToken cancel, int atOnce = ArchivesAtOnce) =>
        Parallel.ForEachAsync(archives, Limits(atOnce, cancel), async (archive, stop) => await look(archive, stop));

    static ParallelOptions Limits(int atOnce, CancellationToken cancel) => new() { MaxDegreeOfParallelism = atOnce, CancellationToken = cancel };

    // What one level found, the next finds again: it is said once.
    void AddDamage(ArchiveEntry archive, string key, VerifyLevel at, string reason)
    {
        if (at is VerifyLevel.Chain) _hasBrokenChain = true;
        if (_damaged.TryAdd(key, (at, reason))) Add(new(Severity.Damage, archive.Id, true, key, reason, Mend));
    }

    void AddStranger(string key) => Add(new(Severity.Note, null, false, key, "no name that zfsarchive writes; it is left alone", "look whose it is"));

    void Add(Fault fault) => _faults.Enqueue(fault);
}
