using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Verify;

/// <summary><c>records/verify-TIME-ID.json</c>: all that is known of when what was verified. Each record takes the place of those before it.</summary>
public sealed record VerifyRecord(DateTimeOffset At, string Host, IReadOnlyList<VerifiedArchive> Archives);

/// <param name="Archive"><c>folder/archive</c>.</param>
/// <param name="ManifestSha256">Of the manifest that was verified: another one under this name was not.</param>
/// <param name="Ranges">Of its chunks, in order and apart.</param>
/// <param name="Damaged">What was found, until it is looked at again and found well.</param>
public sealed record VerifiedArchive(string Archive, string ManifestSha256, IReadOnlyList<VerifiedRange> Ranges, IReadOnlyList<DamagedObject> Damaged);

/// <summary>Chunks from an index to before another.</summary>
/// <param name="At">When they were last looked at.</param>
public sealed record VerifiedRange(long From, long To, VerifyLevel Level, DateTimeOffset At);

/// <param name="Level">At which it was found.</param>
public sealed record DamagedObject(string Object, string Reason, VerifyLevel Level, DateTimeOffset At);

/// <summary>What a verification did: which chunks it looked at, and what it found.</summary>
/// <param name="Archives">Whose presence was checked.</param>
/// <param name="Chunks">Indexes that were read, by archive.</param>
public sealed record VerifyTrace(IReadOnlyList<ArchiveEntry> Archives, IReadOnlyDictionary<string, IReadOnlyList<int>> Chunks, IReadOnlyList<DamagedObject> Damaged);

/// <summary>When what was verified. Kept in the repository, or beside what this host remembers where nothing may be written.</summary>
public sealed class VerifyHistory
{
    readonly Dictionary<string, VerifiedArchive> _archives;

    public VerifyHistory(VerifyRecord? record)
    {
        At = record?.At;
        _archives = record?.Archives.DistinctBy(a => a.Archive).ToDictionary(a => a.Archive) ?? [];
    }

    /// <summary>When something was last verified; null: never.</summary>
    public DateTimeOffset? At { get; private set; }

    /// <summary>Archives with something that was found damaged.</summary>
    public IReadOnlySet<string> Damaged => _archives.Values.Where(a => a.Damaged.Count > 0).Select(a => a.Archive).ToHashSet();

    public IEnumerable<VerifiedArchive> Archives => _archives.Values;

    /// <summary>What was verified of an archive as it is now; null when nothing was.</summary>
    public VerifiedArchive? Of(ArchiveEntry archive) => _archives.TryGetValue(archive.Id, out var known) && known.ManifestSha256 == archive.Sha256 ? known : null;

    /// <summary>When all chunks of an archive had last been looked at, at this level or a deeper one; null when some never were.</summary>
    public DateTimeOffset? VerifiedAt(ArchiveEntry archive, VerifyLevel level)
    {
        if (Of(archive) is not { } known) return null;
        var (next, oldest) = (0L, DateTimeOffset.MaxValue);
        foreach (var range in known.Ranges.Where(r => r.Level >= level))
        {
            if (range.From != next) return null;
            next = range.To;
            oldest = range.At < oldest ? range.At : oldest;
        }
        return next == archive.Head.Totals.Chunks && oldest < DateTimeOffset.MaxValue ? oldest : null;
    }

    /// <summary>Adds what a run has looked at.</summary>
    public void Add(VerifyTrace trace, VerifyLevel level, DateTimeOffset now)
    {
        At = now;
        var found = trace.Damaged.ToLookup(d => ArchiveOf(d.Object));
        foreach (var archive in trace.Archives)
        {
            var known = Of(archive) ?? new(archive.Id, archive.Sha256, [], []);
            var indexes = trace.Chunks.TryGetValue(archive.Id, out var read) ? read.ToHashSet() : [];
            var ranges = Runs(indexes).Aggregate(known.Ranges, (all, run) => VerifiedRanges.With(all, new(run.From, run.To, level, now)));
            var left = known.Damaged.Where(d => !IsLookedAt(d, level, indexes) && found[archive.Id].All(f => f.Object != d.Object));
            _archives[archive.Id] = known with { Ranges = ranges, Damaged = [.. left, .. found[archive.Id]] };
        }
    }

    /// <summary>Leaves out what is not in the repository any more.</summary>
    public VerifyRecord ToRecord(Catalog catalog, string host)
    {
        var present = catalog.Graph.Archives.ToDictionary(a => a.Id, a => a.Sha256);
        return new(At ?? default, host, [.. _archives.Values.Where(a => present.GetValueOrDefault(a.Archive) == a.ManifestSha256).OrderBy(a => a.Archive, StringComparer.Ordinal)]);
    }

    // A chunk that was read is what it is now; what was missing is there when a run that asked for it does not miss it.
    static bool IsLookedAt(DamagedObject damaged, VerifyLevel level, HashSet<int> indexes) =>
        damaged.Level <= VerifyLevel.Objects ? level >= damaged.Level
        : level >= damaged.Level && ChunkName.TryParse(Path.GetFileName(damaged.Object)) is { } chunk && indexes.Contains(chunk.Index);

    static string ArchiveOf(string key) =>
        Layout.ParseArchived(key) is { } archived ? $"{archived.Folder}/{archived.Name}" : Layout.ParseManifest(key) is { } manifest ? $"{manifest.Folder}/{manifest.Name}" : "";

    static IEnumerable<(long From, long To)> Runs(IEnumerable<int> indexes)
    {
        (long From, long To)? run = null;
        foreach (var index in indexes.Order())
        {
            if (run is { } open && open.To == index) run = (open.From, index + 1L);
            else
            {
                if (run is { } done) yield return done;
                run = (index, index + 1L);
            }
        }
        if (run is { } last) yield return last;
    }
}

/// <summary>Ranges that lie in order and apart.</summary>
static class VerifiedRanges
{
    /// <summary>The same with one that was looked at just now; what was looked at more deeply before stays as it was.</summary>
    public static IReadOnlyList<VerifiedRange> With(IReadOnlyList<VerifiedRange> ranges, VerifiedRange added)
    {
        var deeper = ranges.Where(r => r.Level > added.Level).ToList();
        var all = ranges.Where(r => r.Level <= added.Level).SelectMany(r => Without(r, added)).Concat(deeper)
            .Concat(deeper.Aggregate<VerifiedRange, IEnumerable<VerifiedRange>>([added], (parts, d) => parts.SelectMany(p => Without(p, d)))).OrderBy(r => r.From);
        var joined = new List<VerifiedRange>();
        foreach (var range in all)
        {
            if (joined.Count > 0 && joined[^1] is var last && last.To == range.From && last.Level == range.Level && last.At == range.At) joined[^1] = last with { To = range.To };
            else joined.Add(range);
        }
        return joined;
    }

    static IEnumerable<VerifiedRange> Without(VerifiedRange range, VerifiedRange cut)
    {
        if (cut.To <= range.From || range.To <= cut.From)
        {
            yield return range;
            yield break;
        }
        if (range.From < cut.From) yield return range with { To = cut.From };
        if (cut.To < range.To) yield return range with { From = cut.To };
    }
}

/// <summary>Finds the newest record and writes the next.</summary>
public static class VerifyRecords
{
    const int LargestRecord = 64 << 20;
    const int KeptRecords = 5;

    /// <summary>The newest that can be read, of those in the repository and the one that this host keeps for itself.</summary>
    public static async Task<VerifyHistory> LoadAsync(ArchiveRepository repository, CancellationToken cancel)
    {
        VerifyRecord? stored = null;
        foreach (var key in (await KeysAsync(repository.Store, cancel)).AsEnumerable().Reverse())
            if ((stored = await TryReadAsync(repository, key, cancel)) is not null) break;
        var local = TryReadLocal(repository);
        return new(stored is null || (local is not null && local.At > stored.At) ? local : stored);
    }

    /// <summary>Writes it into the repository, or where that may not be, beside what this host remembers.</summary>
    /// <param name="mayWrite">A lease is held.</param>
    public static async Task SaveAsync(ArchiveRepository repository, VerifyHistory history, Catalog catalog, string host, bool mayWrite, CancellationToken cancel)
    {
        var record = history.ToRecord(catalog, host);
        if (!mayWrite)
        {
            SaveLocal(repository, record);
            return;
        }
        var keys = await KeysAsync(repository.Store, cancel);
        var key = Layout.VerifyRecord(After(keys, record.At), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
        try
        {
            await repository.CreateDocumentAsync(key, record, VerifyJson.Default.VerifyRecord, cancel);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Denied or StoreFailure.Full)
        {
            SaveLocal(repository, record);
            return;
        }
        // Each holds all that was in those before it; where nothing may be removed they stay.
        foreach (var old in keys.SkipLast(KeptRecords - 1))
        {
            try
            {
                await repository.Store.DeleteAsync(old, cancel);
            }
            catch (StoreException e) when (e.Failure is StoreFailure.Denied)
            {
                break;
            }
        }
    }

    // The newest is found by its name: of two in one second, or after a clock has gone back, the later one has to have the later name.
    static DateTimeOffset After(List<ObjectKey> keys, DateTimeOffset now) =>
        keys.Count > 0 && Layout.VerifyRecordTime(keys[^1].Text) is { } newest && newest >= now.AddSeconds(-1) ? newest.AddSeconds(1) : now;

    static async Task<List<ObjectKey>> KeysAsync(IObjectStore store, CancellationToken cancel)
    {
        var keys = new List<ObjectKey>();
        await foreach (var info in store.ListAsync(Layout.Records, cancel))
            if (Layout.IsVerifyRecord(info.Key.Text)) keys.Add(info.Key);
        return keys;
    }

    static async Task<VerifyRecord?> TryReadAsync(ArchiveRepository repository, ObjectKey key, CancellationToken cancel)
    {
        try
        {
            return await ArchiveRepository.ReadDocumentAsync(repository.Store, key.Text, VerifyJson.Default.VerifyRecord, cancel, LargestRecord);
        }
        catch (ArchiveException e) when (e.Kind is FailureKind.Damage or FailureKind.Usage)
        {
            return null;
        }
    }

    static string LocalPath(ArchiveRepository repository) => Path.Combine(repository.Folders.State, $"{repository.Descriptor.Id}.verified.json");

    static VerifyRecord? TryReadLocal(ArchiveRepository repository)
    {
        try
        {
            using var file = File.OpenRead(LocalPath(repository));
            return JsonSerializer.Deserialize(file, VerifyJson.Default.VerifyRecord);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    static void SaveLocal(ArchiveRepository repository, VerifyRecord record)
    {
        try
        {
            Directory.CreateDirectory(repository.Folders.State);
            var draft = LocalFolders.DraftOf(LocalPath(repository));
            File.WriteAllBytes(draft, JsonSerializer.SerializeToUtf8Bytes(record, VerifyJson.Default.VerifyRecord));
            File.Move(draft, LocalPath(repository), overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A watcher without a place of its own begins anew each time; what it finds it still tells.
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, AllowDuplicateProperties = false, MaxDepth = 8, UseStringEnumConverter = true,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, NewLine = "\n")]
[JsonSerializable(typeof(VerifyRecord))]
sealed partial class VerifyJson : JsonSerializerContext;
