using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Verify;

/// <summary>What a verification did: which chunks it looked at, and what it found.</summary>
/// <param name="Archives">Whose presence was checked.</param>
/// <param name="Chunks">Indexes that were read, by archive.</param>
public sealed record VerifyTrace(IReadOnlyList<ArchiveEntry> Archives, IReadOnlyDictionary<string, IReadOnlyList<int>> Chunks, IReadOnlyList<DamagedObject> Damaged);

/// <summary>When what was verified. Kept in the repository, or beside what this host remembers where nothing may be written.</summary>
public sealed class VerifyHistory
{
    readonly Dictionary<string, VerifiedArchive> _archives;

    /// <param name="newest">The newest record in the repository when it was loaded; default: there was none.</param>
    public VerifyHistory(VerifyRecord? record, ObjectKey newest = default)
    {
        Newest = newest;
        At = record?.At;
        _archives = record?.Archives.DistinctBy(a => a.Archive).ToDictionary(a => a.Archive) ?? [];
    }

    /// <summary>The newest record in the repository when it was loaded; default: there was none.</summary>
    public ObjectKey Newest { get; }

    /// <summary>When something was last verified; null: never.</summary>
    public DateTimeOffset? At { get; private set; }

    /// <summary>Archives with something that was found damaged.</summary>
    public IReadOnlySet<string> Damaged => _archives.Values.Where(a => a.Damaged.Count > 0).Select(a => a.Archive).ToHashSet();

    /// <summary>Whether something of an archive was found damaged.</summary>
    public bool IsDamaged(ArchiveEntry archive) => _archives.TryGetValue(archive.Id, out var known) && known.Damaged.Count > 0;

    public IEnumerable<VerifiedArchive> Archives => _archives.Values;

    /// <summary>Indexes of its chunks that were found damaged, in order, and when: until they are found well they are looked at first. The first one stands for what is no chunk.</summary>
    public IReadOnlyList<(int Index, DateTimeOffset At)> DamagedChunks(ArchiveEntry archive) =>
        [.. (Of(archive)?.Damaged ?? []).Select(d => (ChunkName.TryParse(Path.GetFileName(d.Object))?.Index ?? 0, d.At)).DistinctBy(d => d.Item1).OrderBy(d => d.Item1)];

    /// <summary>What was found damaged before, by archive, and what a run has not looked at again.</summary>
    /// <param name="level">Of the run.</param>
    public IEnumerable<(string Archive, DamagedObject Damaged)> NotLookedAt(VerifyTrace trace, VerifyLevel level)
    {
        var looked = trace.Archives.Select(a => a.Id).ToHashSet();
        foreach (var known in _archives.Values.Where(a => a.Damaged.Count > 0))
        {
            var indexes = trace.Chunks.TryGetValue(known.Archive, out var read) ? read.ToHashSet() : [];
            foreach (var damaged in known.Damaged.Where(d => !looked.Contains(known.Archive) || !IsLookedAt(d, level, indexes))) yield return (known.Archive, damaged);
        }
    }

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
