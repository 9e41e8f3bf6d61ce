using System.Collections.Concurrent;
using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>Reads the heads of all manifests and the names of all datasets, many at once: each is a question or two to a store that may be far away.</summary>
sealed class CatalogReader(IObjectStore store, Task<HeadCache>? loading = null)
{
    /// <summary>Objects that are read at once; each may take as much memory as the longest head.</summary>
    const int AtOnce = 16;

    HeadCache? _cache;
    readonly List<ArchiveEntry> _known = [];
    readonly ConcurrentBag<ArchiveEntry> _archives = [];
    readonly ConcurrentBag<(DatasetFolder Folder, int Number, DatasetRecord Record)> _records = [];
    readonly ConcurrentBag<CatalogFault> _faults = [];
    readonly ConcurrentBag<string> _strangers = [];
    readonly ConcurrentBag<string> _recordKeys = [];

    /// <summary>What lies there.</summary>
    /// <exception cref="StoreException">They cannot be listed, or one of them cannot be read now.</exception>
    public async Task<Catalog> ReadAsync(CancellationToken cancel)
    {
        await Parallel.ForEachAsync(UnknownAsync(cancel), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (listed, stop) =>
        {
            try
            {
                await ReadAsync(listed, stop);
            }
            catch (UnprovenManifestException e)
            {
                _faults.Add(new(listed.Key.Text, e.Message, e.Entry));
            }
            catch (ArchiveException e) when (e is not StoreException && e.Kind is FailureKind.Damage or FailureKind.Usage)
            {
                _faults.Add(new(listed.Key.Text, e.Message, null));
            }
        });
        // those that were known come in the order of their names, as a listing does; sorting what is sorted would cost more than reading it
        if (!_archives.IsEmpty) _known.AddRange(_archives);
        var inOrder = _archives.IsEmpty ? _known.OrderBy(a => a.Head.Snapshot.Createtxg ?? 0) : _known.OrderBy(a => a.Head.Snapshot.Createtxg ?? 0).ThenBy(a => a.Id, StringComparer.Ordinal);
        var datasets = _records.GroupBy(r => r.Folder).ToImmutableDictionary(g => g.Key, g => g.Select(r => (r.Number, r.Record)).MaxBy(r => r.Number));
        var expected = _known.Select(a => a.Folder).Concat(datasets.Keys).Distinct()
            .SelectMany(f => Enumerable.Range(1, datasets.TryGetValue(f, out var newest) ? newest.Number : 1).Select(n => Layout.Dataset(f, n)));
        return new(
            new ArchiveGraph(inOrder), datasets,
            [.. _faults.OrderBy(f => f.Key, StringComparer.Ordinal)], [.. _strangers.Order(StringComparer.Ordinal)],
            [.. expected.Except(_recordKeys).Order(StringComparer.Ordinal)]);
    }

    // What is listed and has to be read.
    async IAsyncEnumerable<ObjectInfo> UnknownAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        if (loading is null)
        {
            await foreach (var listed in store.ListAsync(Layout.Manifests, cancel)) yield return listed;
            yield break;
        }
        // what is listed before the heads are there waits for them
        var early = new Queue<ObjectInfo>();
        await foreach (var listed in store.ListAsync(Layout.Manifests, cancel))
        {
            early.Enqueue(listed);
            if (!loading.IsCompleted) continue;
            foreach (var unknown in await UnknownOfAsync(early)) yield return unknown;
        }
        foreach (var unknown in await UnknownOfAsync(early)) yield return unknown;
    }

    async Task<List<ObjectInfo>> UnknownOfAsync(Queue<ObjectInfo> listed)
    {
        var heads = _cache ??= await loading!;
        var unknown = new List<ObjectInfo>();
        while (listed.TryDequeue(out var info))
        {
            if (heads.Find(info) is { } known) _known.Add(known);
            else unknown.Add(info);
        }
        return unknown;
    }

    async Task ReadAsync(ObjectInfo listed, CancellationToken cancel)
    {
        var key = listed.Key.Text;
        if (Layout.ParseManifest(key) is { } manifest)
        {
            var entry = await ReadEntryAsync(manifest.Folder, manifest.Name, listed, cancel);
            _archives.Add(entry);
            _cache?.Add(listed, entry);
        }
        else if (Layout.ParseDataset(key) is { } dataset)
        {
            _recordKeys.Add(key);
            if (await ArchiveRepository.ReadDocumentAsync(store, key, ManifestJson.Default.DatasetRecord, cancel) is not { } record) return;
            if (!ManifestReader.IsPlain(record.Name)) throw SealedJson.Damage(key, "the name in it has control characters");
            _records.Add((dataset.Folder, dataset.Number, record));
        }
        else
        {
            _strangers.Add(key);
        }
    }

    async Task<ArchiveEntry> ReadEntryAsync(DatasetFolder folder, ArchiveName name, ObjectInfo listed, CancellationToken cancel)
    {
        var beginning = new byte[int.Min(ManifestWriter.LongestHead, (int)long.Min(listed.Length, int.MaxValue))];
        await ReadAllAsync(listed.Key, 0, beginning, cancel);
        var head = ManifestReader.Head(beginning, listed.Key.Text);

        var end = beginning;
        if (listed.Length > beginning.Length)
        {
            end = new byte[int.Min(SealedJson.LongestSeal, beginning.Length)];
            await ReadAllAsync(listed.Key, listed.Length - end.Length, end, cancel);
        }
        var (_, sha256) = SealedJson.FindTail(end) ?? throw SealedJson.Damage(listed.Key.Text, "it does not end in its SHA-256 and signature");
        if (head.Snapshot.Guid != name.ToGuid || head.IsFull != name.FromGuid is null || (name.FromGuid is { } from && from != head.Stream.FromGuid))
            throw SealedJson.Damage(listed.Key.Text, "it describes another stream than its name says");

        var entry = new ArchiveEntry(folder, name, head, sha256, listed.Length);
        // Where all of it was read anyway, nothing of it is believed unproven.
        if (listed.Length == beginning.Length) RequireProven(entry, beginning, listed.Key.Text);
        return entry;
    }

    static void RequireProven(ArchiveEntry entry, byte[] text, string key)
    {
        try
        {
            SealedJson.Check(SealedJson.ManifestPrefix(entry.Folder.Text, entry.Name.Text), text, key);
        }
        catch (ArchiveException e)
        {
            throw new UnprovenManifestException(entry, e);
        }
    }

    async Task ReadAllAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        if (await store.ReadAsync(key, offset, into, cancel) != into.Length) throw SealedJson.Damage(key.Text, "it is shorter than its listing says");
    }
}
