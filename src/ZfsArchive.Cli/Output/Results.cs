using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZfsArchive.Backup;
using ZfsArchive.Config;
using ZfsArchive.Doctor;
using ZfsArchive.Manifests;
using ZfsArchive.Night;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Output;

// What --json prints: one line, the last one. GUIDs are decimal strings, times seconds since 1970, lengths bytes.

sealed record FailureResult(string Error, int ExitCode);

sealed record InitResult(string Repository, string Id);

sealed record InspectResult(InspectPackage? Package, bool Complete, InspectDamage? Damage, long Length, ImmutableArray<InspectSubstream> Substreams);

sealed record InspectPackage(string ToName, string? FromSnapshot, string? ToSnapshot, bool Raw, bool Recursive, bool Holds, ImmutableArray<string> Datasets);

sealed record InspectDamage(long Offset, long Record, string Reason);

sealed record InspectSubstream(
    string ToName, string ToGuid, string FromGuid, ulong Creation, string Type, bool Raw, ImmutableArray<string> Features, string FeatureBits, uint Flags, bool BigEndian,
    ImmutableSortedDictionary<string, long> Records, long Offset, long Length, bool Complete, string? EndChecksum, long? OpaqueFrom, InspectEncryption? Encryption,
    ManifestRequires Requires, ImmutableArray<string> Warnings);

sealed record InspectEncryption(string Suite, string KeyGuid, string KeyFormat, string WrappingId, string ToIvsetGuid, string FromIvsetGuid);

sealed record BackupResult(string Repository, bool DryRun, ImmutableArray<BackupStepResult> Archives, ImmutableArray<string> Skipped, ImmutableArray<string> Failures, double Seconds, StageSeconds? Stages);

/// <param name="Guid">Null in a dry run of a snapshot that is not taken yet.</param>
sealed record BackupStepResult(
    string Dataset, string Snapshot, string? Guid, string Kind, string? Base, string Why, string State, string? Archive, long? Length, long? StoredLength, long? SentLength, long? Estimate);

sealed record ListResult(string Repository, string Id, ImmutableArray<ListedArchive> Archives, ImmutableArray<string> Faults);

/// <param name="Restorable">As far as is known of damage: by a way past it.</param>
/// <param name="Damaged">Something of it was found damaged when it was last looked at.</param>
/// <param name="BaseDamaged">It cannot be restored because something that it is based on is.</param>
sealed record ListedArchive(
    string Archive, string Dataset, string Snapshot, string Guid, ulong Creation, string Kind, string? Base, bool Raw, long Length, long StoredLength,
    bool Restorable, int ChainLength, long RestoreLength, ImmutableArray<string> Conditions, string ManifestSha256, bool Damaged, bool BaseDamaged);

sealed record VerifyResult(string Repository, VerifyReport Report, bool Sound);

sealed record RestoreSummary(bool DryRun, ImmutableArray<RestoreResult> Datasets, ImmutableArray<string> Failures);

sealed record RestoreResult(string Dataset, string Snapshot, string Target, ImmutableArray<RestoredArchive> Archives, ImmutableArray<string> ToDo);

sealed record RestoredArchive(string Archive, string Snapshot, string State, long Length);

sealed record UnlockResult(string Repository, bool DryRun, ImmutableArray<LeaseResult> Removed, ImmutableArray<LeaseResult> Left);

/// <param name="State">What it was: <c>ended</c>, <c>stale</c> or <c>alive</c>.</param>
/// <param name="Kind">Null, as the members after it, when the lease cannot be read.</param>
/// <param name="SeenSecondsAgo">By the store's time.</param>
sealed record LeaseResult(string Id, string State, string? Kind, string? Verb, string? Host, int? Pid, DateTimeOffset? Started, long SeenSecondsAgo);

sealed record DoctorResult(Diagnosis Diagnosis, string? Record, bool Good);

sealed record CopyResult(bool DryRun, ImmutableArray<CopiedResult> Archives, ImmutableArray<string> Failures);

sealed record CopiedResult(string Archive, string Snapshot, string State, long StoredLength, long? SentLength);

/// <param name="Objections">What stands against it.</param>
sealed record CanPruneResult(string Snapshot, bool May, ImmutableArray<string> Objections);

/// <param name="FirstLook">Nothing was removed, since this host remembered nothing of the repository.</param>
/// <param name="BytesInGrace">Stored bytes of removed archives whose grace time is not over.</param>
sealed record PruneResult(
    string Repository, bool DryRun, bool FirstLook, ImmutableArray<PrunedDataset> Datasets, long RemovedArchives, long RemovedBytes, long ChunksRemoved, long BytesFreed, long BytesInGrace,
    ImmutableArray<string> Notes);

/// <param name="BytesForChain">Stored bytes of what is kept only because something else needs it.</param>
sealed record PrunedDataset(string Dataset, string Folder, string? Policy, string? HeldBack, long BytesForChain, ImmutableArray<PrunedArchive> Archives);

/// <param name="Verdict"><c>keep</c>, <c>keep for chain</c> or <c>remove</c>.</param>
sealed record PrunedArchive(string Archive, string Snapshot, string Kind, string Verdict, string Why, long StoredLength);

/// <param name="Faults">With Line 0 when it is no matter of a line.</param>
/// <param name="Notes">What works, and is perhaps not meant.</param>
sealed record ConfigCheckResult(string File, bool Good, int Repositories, int Jobs, ImmutableArray<ConfigurationFault> Faults, ImmutableArray<string> Notes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FailureResult))]
[JsonSerializable(typeof(InitResult))]
[JsonSerializable(typeof(InspectResult))]
[JsonSerializable(typeof(BackupResult))]
[JsonSerializable(typeof(ListResult))]
[JsonSerializable(typeof(VerifyResult))]
[JsonSerializable(typeof(CopyResult))]
[JsonSerializable(typeof(PruneResult))]
[JsonSerializable(typeof(CanPruneResult))]
[JsonSerializable(typeof(NightResult))]
[JsonSerializable(typeof(DoctorResult))]
[JsonSerializable(typeof(RestoreSummary))]
[JsonSerializable(typeof(UnlockResult))]
[JsonSerializable(typeof(ConfigCheckResult))]
[JsonSerializable(typeof(ManifestHead))]
sealed partial class CliJson : JsonSerializerContext;
