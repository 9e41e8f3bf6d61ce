using System.Collections.Immutable;

namespace ZfsArchive.Status;

/// <summary>How well something is; the numbers are those of monitoring. What is unknown may be well, so it is less than critical.</summary>
public enum Health
{
    Ok,
    Warning,
    Critical,
    Unknown,
}

/// <summary>What a remark is about; exit codes tell it apart.</summary>
public enum Concern
{
    /// <summary>Worth knowing.</summary>
    Note,

    /// <summary>Too old, not there yet, or not verified in time.</summary>
    Late,

    /// <summary>Damaged, or missing though it was there.</summary>
    Damage,

    /// <summary>Nothing could be learned.</summary>
    Unreachable,
}

/// <summary>Something that the administrator should know.</summary>
/// <param name="Text">A sentence: the thing, the cause, the next step.</param>
public sealed record Remark(Health Health, string Text, Concern Concern = Concern.Note);

/// <summary>What is archived, how old it is, and how sure we are of it. Data: it is printed as text, JSON, for monitoring, or as a page.</summary>
/// <param name="At">When it was looked at.</param>
public sealed record StatusReport(DateTimeOffset At, string Host, ImmutableArray<RepositoryStatus> Repositories)
{
    public Health Health => Worst(Remarks.Select(r => r.Remark));

    /// <summary>All remarks, each with the repository and, if it is about one, the dataset.</summary>
    public IEnumerable<(string Repository, string? Dataset, Remark Remark)> Remarks => Repositories.SelectMany(r =>
        r.Remarks.Select(m => (r.Name, (string?)null, m)).Concat(r.Datasets.SelectMany(d => d.Remarks.Select(m => (r.Name, (string?)d.Name, m)))));

    /// <summary>The worst of some remarks.</summary>
    public static Health Worst(IEnumerable<Remark> remarks) => remarks.Select(r => r.Health).DefaultIfEmpty(Health.Ok).MaxBy(Badness);

    /// <summary>The worse, the larger: something that is known to be critical is not hidden by a repository that is away.</summary>
    public static int Badness(Health health) => health switch { Health.Ok => 0, Health.Warning => 1, Health.Unknown => 2, _ => 3 };

    /// <summary>The same of one dataset and those below it; what is said of whole repositories stays.</summary>
    public StatusReport Of(string dataset) => this with
    {
        Repositories = [.. Repositories.Select(r => r with { Datasets = [.. r.Datasets.Where(d => d.Name == dataset || d.Folder == dataset || d.Name.StartsWith(dataset + "/", StringComparison.Ordinal))] })],
    };
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
    string VerifyLevel, TimeSpan? Cycle, DateTimeOffset? PrunedAt, ImmutableArray<LeaseStatus> Leases, ImmutableArray<DatasetStatus> Datasets, ImmutableArray<Remark> Remarks)
{
    /// <summary>Of it and its datasets.</summary>
    public Health Health => StatusReport.Worst(Remarks.Concat(Datasets.SelectMany(d => d.Remarks)));
}

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
    DateTimeOffset? VerifiedAt, ImmutableArray<ArchiveStatus> Graph, ImmutableArray<DateTimeOffset> Pruned, ImmutableArray<Remark> Remarks)
{
    public Health Health => StatusReport.Worst(Remarks);
}

/// <param name="Name">The archive's name in the dataset's folder.</param>
/// <param name="Base">The name of the archive that a restore reads before it, in the same folder or, with its folder, in another; null for a full.</param>
/// <param name="WrittenAt">When it was archived.</param>
/// <param name="VerifiedShare">0 to 1.</param>
/// <param name="Damage">What was found damaged in it; null: nothing.</param>
public sealed record ArchiveStatus(
    string Name, string Snapshot, string Guid, DateTimeOffset Taken, DateTimeOffset WrittenAt, string? Base, bool IsFull, bool IsRestorable, long Length, long StoredLength,
    double VerifiedShare, DateTimeOffset? VerifiedAt, string? Damage);
