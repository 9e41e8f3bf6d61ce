using System.Collections.Immutable;

namespace ZfsArchive.Status;

/// <summary>How well something is; the larger the worse, as monitoring counts it.</summary>
public enum Health
{
    Ok,
    Warning,
    Critical,
    Unknown,
}

/// <summary>Something that the administrator should know.</summary>
/// <param name="Text">A sentence: the thing, the cause, the next step.</param>
public sealed record Remark(Health Health, string Text);

/// <summary>What is archived, how old it is, and how sure we are of it. Data: it is printed as text, JSON, for monitoring, or as a page.</summary>
/// <param name="At">When it was looked at.</param>
public sealed record StatusReport(DateTimeOffset At, string Host, ImmutableArray<RepositoryStatus> Repositories)
{
    public Health Health => Remarks.Select(r => r.Remark.Health).DefaultIfEmpty(Health.Ok).Max();

    /// <summary>All remarks, each with the repository and, if it is about one, the dataset.</summary>
    public IEnumerable<(string Repository, string? Dataset, Remark Remark)> Remarks => Repositories.SelectMany(r =>
        r.Remarks.Select(m => (r.Name, (string?)null, m)).Concat(r.Datasets.SelectMany(d => d.Remarks.Select(m => (r.Name, (string?)d.Name, m)))));
}

/// <param name="Name">As it is configured, else its place.</param>
/// <param name="Unreachable">Why nothing is known of it; null when something is.</param>
/// <param name="StoredLength">Bytes of all chunks.</param>
/// <param name="VerifiedAt">When something of it was last verified; null: never.</param>
/// <param name="VerifiedLength">Stored bytes that were verified, at the level that is looked for or deeper, since they were written.</param>
/// <param name="OldestVerification">When the part was looked at that waits longest; null when some of it never was.</param>
/// <param name="VerifyLevel">The level that is looked for.</param>
/// <param name="Cycle">Within this everything is to be verified once; null: no promise.</param>
/// <param name="PrunedAt">When archives were last removed; null: never.</param>
public sealed record RepositoryStatus(
    string Name, string Location, string? Id, string? Unreachable, long Archives, long StoredLength, DateTimeOffset? VerifiedAt, long VerifiedLength, DateTimeOffset? OldestVerification,
    string VerifyLevel, TimeSpan? Cycle, DateTimeOffset? PrunedAt, ImmutableArray<LeaseStatus> Leases, ImmutableArray<DatasetStatus> Datasets, ImmutableArray<Remark> Remarks);

/// <param name="Text">Who, since when, and when seen last.</param>
public sealed record LeaseStatus(string Text, bool IsAlive);

/// <param name="Newest">When the newest snapshot that can be restored was taken; null: none can.</param>
/// <param name="MaxAge">It is promised to be no older; null: no promise.</param>
/// <param name="Snapshots">That can be restored.</param>
/// <param name="ChainLength">Archives that a restore of the newest reads.</param>
/// <param name="RestoreLength">Stored bytes that it reads.</param>
/// <param name="StoredLength">Bytes of all its chunks.</param>
/// <param name="GrowthADay">Stored bytes that were added a day, over the last 30 days that had any.</param>
/// <param name="VerifiedAt">When the part of the newest's chain was looked at that waits longest; null when some of it never was.</param>
/// <param name="Graph">Its archives, the oldest snapshot first.</param>
/// <param name="Pruned">When the snapshots were taken that prunes have removed, as far as is written down.</param>
public sealed record DatasetStatus(
    string Name, string Folder, DateTimeOffset? Newest, string? NewestSnapshot, TimeSpan? MaxAge, int Snapshots, int ChainLength, long RestoreLength, long StoredLength, long GrowthADay,
    DateTimeOffset? VerifiedAt, ImmutableArray<ArchiveStatus> Graph, ImmutableArray<DateTimeOffset> Pruned, ImmutableArray<Remark> Remarks);

/// <param name="Name">The archive's name in the dataset's folder.</param>
/// <param name="Base">The name of the archive that a restore reads before it, in the same folder or, with its folder, in another; null for a full.</param>
/// <param name="WrittenAt">When it was archived.</param>
/// <param name="VerifiedShare">0 to 1.</param>
/// <param name="Damage">What was found damaged in it; null: nothing.</param>
public sealed record ArchiveStatus(
    string Name, string Snapshot, string Guid, DateTimeOffset Taken, DateTimeOffset WrittenAt, string? Base, bool IsFull, bool IsRestorable, long Length, long StoredLength,
    double VerifiedShare, DateTimeOffset? VerifiedAt, string? Damage);
