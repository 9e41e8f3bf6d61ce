using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Retention;
using ZfsArchive.Zfs;

namespace ZfsArchive.Backup;

/// <summary>What is known of a dataset before it is archived.</summary>
/// <param name="Origin">The snapshot that it is a clone of, when it is one and the snapshot can be seen.</param>
/// <param name="EncryptionRootGuid">The GUID of its encryption root, when it has one.</param>
public sealed record SourceFacts(
    ZfsDataset Dataset, ulong PoolGuid, ImmutableArray<ZfsSnapshot> Snapshots, ImmutableArray<ZfsBookmark> Bookmarks, ZfsSnapshot? Origin, ulong? EncryptionRootGuid)
{
    /// <summary>An encrypted dataset is always sent raw.</summary>
    public bool Raw => Dataset.Encryption != "off";

    /// <summary>What a snapshot or bookmark of this dataset is as a base.</summary>
    public NodeKey NodeOf(ulong guid, ulong ivsetGuid) => Raw ? new(guid, true, Dataset.KeyGuid, ivsetGuid) : new(guid, false, 0, 0);

    /// <summary>The same as if these snapshots (full names, of this and other datasets) had been taken: for dry runs. What ZFS would give them nobody knows yet, so only their names and their order are true.</summary>
    public SourceFacts Foreseeing(IReadOnlyCollection<string> taken, DateTimeOffset now) => this with
    {
        Snapshots = [.. Snapshots, .. taken.Where(name => name.StartsWith($"{Dataset.Name}@", StringComparison.Ordinal)).Select(name => new ZfsSnapshot(name, ulong.MaxValue, ulong.MaxValue, now.ToUnixTimeSeconds(), 0, 0))],
    };
}

/// <summary>Which snapshot the first archive of a dataset is of.</summary>
public enum FirstArchive
{
    Oldest,
    Newest,
}

/// <param name="AllowPlaintext">A dataset that is not encrypted may be sent.</param>
/// <param name="AllowFull">A new full may be sent where a chain exists that nothing continues.</param>
/// <param name="Adopt">A dataset of another GUID may continue the chain of its snapshots.</param>
public sealed record BackupPolicy(FirstArchive First, bool AllowPlaintext, bool AllowFull, bool Adopt)
{
    /// <summary>What a chain may become before a new full begins another one.</summary>
    public ChainRule Chain { get; init; } = ChainRule.Endless;

    /// <summary>Which snapshots are archived at all.</summary>
    public SnapshotFilter Filter { get; init; } = SnapshotFilter.Everything;

    /// <summary>How long each archive will be kept: what tiered chains and a choice of what is wanted go by.</summary>
    public RetentionPolicy Retention { get; init; } = new();
}

/// <summary>One archive to be made.</summary>
/// <param name="Base">The snapshot or bookmark at the source to send from; null for a full.</param>
/// <param name="Why">Why this snapshot, from this base.</param>
public sealed record BackupStep(ZfsSnapshot Snapshot, PlannedBase? Base, string Why);

/// <summary>A base by its name at the source and as the repository knows it.</summary>
public sealed record PlannedBase(string Name, NodeKey Node);

/// <param name="Because">Why this snapshot is not archived.</param>
public sealed record SkippedSnapshot(string Name, string Because);

/// <summary>What a backup of one dataset will do. Data: it can be printed, compared, thrown away.</summary>
/// <param name="Refusal">Why nothing may be done, with the next step; null when the steps may be carried out.</param>
public sealed record BackupPlan(SourceFacts Source, ImmutableArray<BackupStep> Steps, ImmutableArray<SkippedSnapshot> Skipped, string? Refusal)
{
    /// <summary>The refusal is for the user to lift with a flag (exit 2), not a state of things (exit 1).</summary>
    public bool RefusalIsUsage { get; init; }
}
