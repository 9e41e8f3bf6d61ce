using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Repository;
using ZfsArchive.Status;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Status;

/// <summary>Facts and reports made by hand.</summary>
static class Reports
{
    public static readonly DateTimeOffset Now = new(2026, 11, 21, 8, 0, 0, TimeSpan.Zero);

    /// <summary>A folder for what somebody may want to look at; null: nobody does.</summary>
    public static string? Shown { get; } = Environment.GetEnvironmentVariable("ZFSARCHIVE_TEST_PICTURES") is { Length: > 0 } folder ? folder : null;

    /// <summary>An archive of a snapshot so many days ago, written an hour later.</summary>
    public static ArchiveEntry Archive(ulong guid, double daysAgo, ArchiveEntry? from = null, string dataset = "tank/a", ulong datasetGuid = Archives.Dataset, int chunks = 4, long stored = 4 << 20, string? name = null)
    {
        var taken = Now.AddDays(-daysAgo);
        var entry = PruneWorld.Entry(guid, taken, from, dataset, datasetGuid, chunks);
        var head = entry.Head with
        {
            Snapshot = entry.Head.Snapshot with { Name = name ?? $"zfsarchive_{taken:yyyy-MM-dd_HH.mm.ss'Z'}" }, Totals = new(chunks, stored, 0), Created = entry.Head.Created with { At = taken.AddHours(1) },
        };
        return new(entry.Folder, entry.Name, head, $"{guid:x64}", 1);
    }

    public static StatusPromise Promise(TimeSpan? maxAge = null, TimeSpan? cycle = null, params string[] expected) => new("disk", _ => maxAge, cycle, VerifyLevel.Stream, [.. expected]);

    public static StatusFacts Facts(IEnumerable<ArchiveEntry> archives, VerifyHistory? history = null, IEnumerable<RemovedArchive>? removed = null, IEnumerable<KnownHead>? changed = null, DateTimeOffset? storeTime = null) =>
        new("/mnt/disk", new('a', 32), Archives.Catalog([.. archives]), history ?? new(null), [], [.. removed ?? []], removed is null ? null : Now.AddDays(-1), [.. changed ?? []], storeTime ?? Now);

    public static StatusReport Report(params RepositoryStatus[] repositories) => new(Now, "nas", [.. repositories]);

    public static StatusReport Report(StatusFacts facts, StatusPromise? promise = null) => Report(StatusBuilder.Of(facts, promise ?? Promise(), Now));

    /// <summary>All of an archive's chunks, or those from one to before another, looked at some days ago.</summary>
    public static VerifyHistory Verified(this VerifyHistory history, ArchiveEntry archive, double daysAgo, int from = 0, int? to = null, string? damage = null)
    {
        DamagedObject[] damaged = damage is null ? [] : [new(Layout.Chunk(archive.Folder, archive.Name, $"000001-{new string('0', 64)}.zst"), damage, VerifyLevel.Data, Now)];
        var chunks = Enumerable.Range(from, (to ?? (int)archive.Head.Totals.Chunks) - from).ToList();
        history.Add(new([archive], new Dictionary<string, IReadOnlyList<int>> { [archive.Id] = chunks }, damaged), VerifyLevel.Stream, Now.AddDays(-daysAgo));
        return history;
    }

    /// <summary>What a page has to show: a chain with pruned gaps, another in tiers, and one damage.</summary>
    public static StatusReport Example()
    {
        var (archives, history, removed) = (new List<ArchiveEntry>(), new VerifyHistory(null), new List<RemovedArchive>());
        var random = new Random(1);
        archives.AddRange(Tiered(history));
        ArchiveEntry? last = null;
        for (var day = 75; day >= 0; day--)
        {
            // Older than a month only each third is left.
            var archive = Archive((ulong)(1000 - day), day + 0.23, day is 75 or 30 ? null : last, "tank/home", chunks: 8, stored: day is 75 or 30 ? 42L << 30 : (long)(random.NextDouble() * 900 * (1 << 20)));
            if (day > 32 && day != 75 && day % 3 != 0)
            {
                removed.Add(new(archive.Id, archive.Sha256, archive.SnapshotName));
                continue;
            }
            archives.Add(last = archive);
            if (day > 4) history.Verified(archive, double.Min(day, 3), 0, day is 9 or 10 ? 3 : null, day == 17 ? "the SHA-256 of its bytes is not the one in its name" : null);
        }
        return Report(Facts(archives, history, removed), Promise(TimeSpan.FromHours(26), TimeSpan.FromDays(30)));
    }

    // A month on the full, a week on the month, a day on the week.
    static IEnumerable<ArchiveEntry> Tiered(VerifyHistory history)
    {
        var full = Archive(2000, 84.2, null, "tank/vm/db", 0xdb, chunks: 8, stored: 12L << 30);
        var (month, week) = (full, full);
        yield return full;
        for (var day = 83; day >= 1; day--)
        {
            var from = day % 28 == 0 ? full : day % 7 == 0 ? month : week;
            var archive = Archive((ulong)(2100 - day), day + 0.2, from, "tank/vm/db", 0xdb, chunks: 8, stored: (day % 28 == 0 ? 3L << 30 : day % 7 == 0 ? 900L << 20 : 120L << 20));
            if (day % 28 == 0) (month, week) = (archive, archive);
            else if (day % 7 == 0) week = archive;
            if (day > 20) history.Verified(archive, 12);
            yield return archive;
        }
        history.Verified(full, 12);
    }

    /// <summary>So many archives in so many datasets, half of them in tiers.</summary>
    public static StatusReport Large(int archives, int datasets)
    {
        var all = new List<ArchiveEntry>();
        for (var d = 0; d < datasets; d++)
        {
            ArchiveEntry? full = null, last = null;
            for (var i = 0; i < archives / datasets; i++)
            {
                last = Archive((ulong)((d * 100_000) + i + 1), (archives / datasets - i) / 24.0, i % 500 == 0 ? null : d % 2 == 0 ? last : full, $"tank/some/longer/path/dataset{d}", (ulong)(d + 1), stored: 1 << 20);
                if (i % 500 == 0) full = last;
                all.Add(last);
            }
        }
        return Report(Facts(all));
    }
}
