using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Verify;

namespace ZfsArchive.Status;

/// <summary>What is promised of a repository.</summary>
/// <param name="Name">As it is configured, else its place.</param>
/// <param name="MaxAgeOf">By the dataset's name: its newest archive must not be older; null: no promise.</param>
/// <param name="Expected">Datasets that have to be there, whether anything of them is archived or not.</param>
public sealed record StatusPromise(string Name, Func<string, TimeSpan?> MaxAgeOf, TimeSpan? Cycle, VerifyLevel Level, ImmutableArray<string> Expected);

/// <summary>What was gathered of a repository.</summary>
/// <param name="Removed">By the newest prunes.</param>
/// <param name="Changed">Archives that this host has seen and that are gone, or have another manifest, without a prune's having written that down.</param>
/// <param name="DescriptorFault">What is wrong with the descriptor; null: nothing.</param>
public sealed record StatusFacts(
    string Location, string Id, Catalog Catalog, VerifyHistory History, ImmutableArray<LeaseSeries> Leases, ImmutableArray<RemovedArchive> Removed, DateTimeOffset? PrunedAt,
    ImmutableArray<KnownHead> Changed, DateTimeOffset StoreTime, string? DescriptorFault = null);

/// <summary>From facts and promises to what is shown. Pure.</summary>
public static class StatusBuilder
{
    /// <summary>A clock that differs from the store's by more than this is worth a word.</summary>
    static readonly TimeSpan s_skew = TimeSpan.FromMinutes(10);

    const int GrowthDays = 30;

    public static RepositoryStatus Of(StatusFacts facts, StatusPromise promise, DateTimeOffset now)
    {
        var paths = facts.Catalog.Graph.Paths();
        var removed = facts.Removed.ToLookup(r => r.Archive.Split('/')[0]);
        var datasets = facts.Catalog.Graph.Archives.GroupBy(a => a.Folder).Select(g => new DatasetFacts(g.Key, facts.Catalog.NameOf(g.Key), [.. g])).OrderBy(d => d.Name, StringComparer.Ordinal)
            .Select(d => OfDataset(d, facts, promise, paths, [.. removed[d.Folder.Text]], now)).ToImmutableArray();
        var archives = facts.Catalog.Graph.Archives;
        var dates = archives.Select(a => facts.History.VerifiedAt(a, promise.Level)).ToList();
        return new(
            promise.Name, facts.Location, facts.Id, null, archives.Length, archives.Sum(a => a.Head.Totals.StoredLength), facts.History.At,
            (long)archives.Sum(a => Share(facts.History, a, promise.Level) * a.Head.Totals.StoredLength), dates.Count > 0 && !dates.Contains(null) ? dates.Min() : null,
            promise.Level.ToString().ToLowerInvariant(), promise.Cycle, facts.PrunedAt,
            [.. facts.Leases.Select(l => new LeaseStatus(l.Describe(facts.StoreTime), l.StateAt(facts.StoreTime) is LeaseState.Alive))], datasets, [.. Remarks(facts, promise, datasets, now)]);
    }

    /// <summary>One that could not be looked at.</summary>
    /// <param name="broken">Which promise that breaks; null: none.</param>
    public static RepositoryStatus Unreachable(string name, string location, string why, bool isOptional, string? broken = null)
    {
        var remark = new Remark(isOptional ? Health.Ok : Health.Unknown, $"nothing is known of it now: {why}", Concern.Unreachable);
        return new(name, location, null, why, 0, 0, null, 0, null, "", null, null, [], [], broken is null ? [remark] : [remark, new(Health.Warning, broken, Concern.Late)]);
    }

    static IEnumerable<Remark> Remarks(StatusFacts facts, StatusPromise promise, ImmutableArray<DatasetStatus> datasets, DateTimeOffset now)
    {
        if (facts.DescriptorFault is { } descriptor) yield return new(Health.Critical, descriptor, Concern.Damage);
        foreach (var fault in facts.Catalog.Faults) yield return new(Health.Critical, fault.Reason, Concern.Damage);
        foreach (var head in facts.Changed)
            yield return new(Health.Critical, facts.Catalog.Graph.Find(head.Id) is null
                ? $"the manifest of {head.Snapshot} ({head.Id}) was here and is gone, and no prune recorded its removal: run verify to see what is lost"
                : $"the manifest of {head.Snapshot} ({head.Id}) is another one than this host has seen: run verify to see what to do", Concern.Damage);
        foreach (var link in ChainCheck.BrokenLinks(facts.Catalog.Graph).Where(l => l.Severity is Severity.Damage)) yield return new(Health.Critical, $"{link.Object}: {link.Reason}: run verify to see what to do", Concern.Damage);
        foreach (var missing in promise.Expected.Where(e => datasets.All(d => d.Name != e))) yield return new(Health.Critical, $"nothing of {missing} is archived here: look at the last run", Concern.Late);
        if (promise.Cycle is { } cycle && Overdue(facts, promise.Level, cycle, now) is > 0 and var overdue)
            yield return new(Health.Warning, string.Create(CultureInfo.InvariantCulture, $"{Plural(overdue, "archive was", "archives were")} not verified within {Text(cycle)}: give verify more bytes or time a night"), Concern.Late);
        else if (facts.History.At is null && !facts.Catalog.Graph.Archives.IsEmpty) yield return new(Health.Ok, "nothing of it was ever verified: run verify");
        if ((facts.StoreTime - now).Duration() is var skew && skew > s_skew)
            yield return new(Health.Warning, string.Create(CultureInfo.InvariantCulture, $"the clocks of this host and of the store differ by {skew.TotalMinutes:0} minutes"));
        foreach (var lease in facts.Leases.Where(l => l.StateAt(facts.StoreTime) is LeaseState.Stale)) yield return new(Health.Ok, $"a lease was left by {lease.Describe(facts.StoreTime)}: zfsarchive unlock removes it");
    }

    static int Overdue(StatusFacts facts, VerifyLevel level, TimeSpan cycle, DateTimeOffset now) =>
        facts.Catalog.Graph.Archives.Count(a => now - (facts.History.VerifiedAt(a, level) ?? a.Head.Created.At) > cycle + TimeSpan.FromDays(1));

    static DatasetStatus OfDataset(DatasetFacts dataset, StatusFacts facts, StatusPromise promise, ArchivePaths paths, ImmutableArray<RemovedArchive> removed, DateTimeOffset now)
    {
        var inOrder = dataset.Archives.OrderBy(a => a.Head.Snapshot.Creation).ThenBy(a => a.Head.Snapshot.Createtxg ?? 0).ThenBy(a => a.Id, StringComparer.Ordinal).ToImmutableArray();
        var restorable = inOrder.Where(paths.Reaches).ToImmutableArray();
        var newest = restorable.GroupBy(a => a.Head.Snapshot.Guid).LastOrDefault()?.MinBy(paths.Cost);
        var chain = newest is null ? [] : paths.To(newest)!.Value;
        var verified = chain.Select(a => facts.History.VerifiedAt(a, promise.Level)).ToList();
        var maxAge = promise.MaxAgeOf(dataset.Name);
        return new(
            dataset.Name, dataset.Folder.Text, newest is null ? null : Taken(newest), newest?.Head.Snapshot.Name, maxAge, restorable.Select(a => a.Head.Snapshot.Guid).Distinct().Count(),
            chain.Length, chain.Sum(a => a.Head.Totals.StoredLength), inOrder.Sum(a => a.Head.Totals.StoredLength), Growth(inOrder, now), verified.Count > 0 && !verified.Contains(null) ? verified.Min() : null,
            [.. inOrder.Select(a => OfArchive(a, facts, promise.Level, paths))], Gaps(inOrder, removed),
            [.. Remarks(dataset.Name, inOrder, newest, maxAge, facts, paths, now)]);
    }

    static IEnumerable<Remark> Remarks(string name, ImmutableArray<ArchiveEntry> archives, ArchiveEntry? newest, TimeSpan? maxAge, StatusFacts facts, ArchivePaths paths, DateTimeOffset now)
    {
        if (newest is null) yield return new(Health.Critical, $"no snapshot of {name} can be restored: run verify to see why", Concern.Damage);
        else if (maxAge is { } most && now - Taken(newest) is var age && age > most)
            yield return new(age > 2 * most ? Health.Critical : Health.Warning, $"the newest archive of {name}, {newest.Head.Snapshot.Name}, is {Text(age)} old, and {Text(most)} are promised: look at the last run", Concern.Late);
        if (newest is not null && Taken(newest) - now is var ahead && ahead > s_skew)
            yield return new(Health.Warning, $"the newest archive of {name}, {newest.Head.Snapshot.Name}, was taken {Text(ahead)} in the future: set the clock of its host, since this hides how old it is", Concern.Late);
        foreach (var archive in archives)
            if (facts.History.Of(archive) is { Damaged: [var damaged, ..] all })
                yield return new(Health.Critical, $"{archive.SnapshotName}: {Named(damaged.Object)}: {damaged.Reason}{(all.Count > 1 ? string.Create(CultureInfo.InvariantCulture, $" (and {all.Count - 1} more)") : "")}; run verify to see what it costs", Concern.Damage);
        if (archives.Count(a => a.Counts && !paths.Reaches(a)) is > 0 and var stranded && newest is not null)
            yield return new(Health.Warning, $"{Plural(stranded, "archive", "archives")} of {name} cannot be restored, since what it takes is missing: run verify", Concern.Damage);
    }

    static ArchiveStatus OfArchive(ArchiveEntry archive, StatusFacts facts, VerifyLevel level, ArchivePaths paths)
    {
        var before = paths.Reaches(archive) ? paths.Way(archive).Before : null;
        return new(
            archive.Name.Text, archive.Head.Snapshot.Name, archive.Head.Snapshot.Guid.ToString(CultureInfo.InvariantCulture), Taken(archive), archive.Head.Created.At,
            before is null ? null : before.Folder == archive.Folder ? before.Name.Text : before.Id, archive.Head.IsFull, paths.Reaches(archive), archive.Head.Stream.Length, archive.Head.Totals.StoredLength,
            Share(facts.History, archive, level), facts.History.VerifiedAt(archive, level), facts.History.Of(archive) is { Damaged: [var damaged, ..] } ? damaged.Reason : null);
    }

    static long Growth(ImmutableArray<ArchiveEntry> archives, DateTimeOffset now)
    {
        // The first archive is no growth.
        var begin = now.AddDays(-GrowthDays);
        var added = archives.Where(a => !a.Head.IsFull && a.Head.Created.At >= begin).ToList();
        return added.Count == 0 ? 0 : (long)(added.Sum(a => a.Head.Totals.StoredLength) / double.Max(1, (now - added.Min(a => a.Head.Created.At)).TotalDays));
    }

    // A snapshot that is still here in another archive, as after a fold, is no gap; chunks that no manifest claimed were no snapshot.
    static ImmutableArray<DateTimeOffset> Gaps(ImmutableArray<ArchiveEntry> archives, ImmutableArray<RemovedArchive> removed)
    {
        var here = archives.Select(a => a.Head.Snapshot.Guid).ToHashSet();
        return [.. removed.Where(r => r.ManifestSha256 is not null).Select(r => NameOf(r.Archive)).OfType<ArchiveName>().Where(n => !here.Contains(n.ToGuid)).DistinctBy(n => n.ToGuid)
            .Select(TakenOf).Where(t => t is not null).Select(t => t!.Value).Order()];
    }

    static double Share(VerifyHistory history, ArchiveEntry archive, VerifyLevel level) =>
        archive.Head.Totals.Chunks <= 0 ? 1 : double.Clamp((history.Of(archive)?.Ranges.Where(r => r.Level >= level).Sum(r => r.To - r.From) ?? 0) / (double)archive.Head.Totals.Chunks, 0, 1);

    static DateTimeOffset Taken(ArchiveEntry archive) => Moment(archive.Head.Snapshot.Creation);

    static DateTimeOffset Moment(ulong seconds) => DateTimeOffset.FromUnixTimeSeconds((long)ulong.Min(seconds, 253402300799));

    static ArchiveName? NameOf(string archiveId) => archiveId.Split('/') is [_, var name] ? ArchiveName.TryParse(name) : null;

    static DateTimeOffset? TakenOf(ArchiveName name) =>
        DateTimeOffset.TryParseExact(name.CreationText, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var taken) ? taken : null;

    // A chunk's index says enough beside the archive; its name is mostly its hash.
    static string Named(string key) => ChunkName.TryParse(key[(key.LastIndexOf('/') + 1)..]) is { } chunk ? string.Create(CultureInfo.InvariantCulture, $"chunk {chunk.Index}") : key;

    static string Plural(int count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");

    static string Text(TimeSpan age) => age.TotalHours < 48 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalHours:0.#} hours") : string.Create(CultureInfo.InvariantCulture, $"{age.TotalDays:0.#} days");

    sealed record DatasetFacts(DatasetFolder Folder, string Name, ImmutableArray<ArchiveEntry> Archives);
}
