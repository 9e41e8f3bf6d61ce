using System.Collections.Immutable;
using ZfsArchive.Retention;

namespace ZfsArchive.Config;

/// <summary>What <c>config.yaml</c> says, with every default filled in and every name resolved.</summary>
/// <param name="File">The file it was read from.</param>
public sealed record Configuration(string File, ImmutableArray<RepositoryRule> Repositories, ImmutableArray<JobRule> Jobs, ImmutableArray<NotifyRule> Notify)
{
    public RepositoryRule Repository(string name) => Repositories.First(r => r.Name == name);
}

/// <summary>A secret by where it is kept; the configuration itself never holds one.</summary>
/// <param name="Kind">Where to look.</param>
/// <param name="Name">The path of a file, the name of a variable, or the name of a systemd credential.</param>
public sealed record SecretSource(SecretKind Kind, string Name);

public enum SecretKind
{
    File,
    Environment,
    Credential,
}

/// <summary>Keys for S3.</summary>
public sealed record AccessKeys(SecretSource AccessKey, SecretSource SecretKey);

/// <summary>A place for archives and its rules.</summary>
/// <param name="Url">As <c>--repo</c> takes it.</param>
/// <param name="Options">As <c>-o</c> takes them (<c>s3.endpoint</c>, <c>store.upload-limit</c>…).</param>
/// <param name="Keys">Null: the usual AWS places.</param>
/// <param name="Retention">For jobs that say nothing of their own.</param>
/// <param name="Optional">A disk that is not always there: its absence is told, and is no failure.</param>
/// <param name="Prune">Archives may be removed here by <c>run</c>.</param>
/// <param name="RemoveAtMost">The part of a dataset's snapshots that one prune may remove, 0 to 1.</param>
/// <param name="Grace">How long the chunks of removed archives stay.</param>
public sealed record RepositoryRule(
    string Name, string Url, ImmutableSortedDictionary<string, string> Options, AccessKeys? Keys, RetentionPolicy Retention, bool Optional, bool Prune,
    double RemoveAtMost, TimeSpan Grace, VerifyRule Verify);

/// <summary>What a night verifies of a repository.</summary>
/// <param name="Cycle">Within this time everything was verified once; null: nothing is verified by <c>run</c>.</param>
/// <param name="Level"><c>chain</c>, <c>objects</c>, <c>data</c> or <c>stream</c>.</param>
/// <param name="MaxBytes">Stored bytes that one night reads at most.</param>
/// <param name="MaxTime">How long one night verifies at most.</param>
public sealed record VerifyRule(TimeSpan? Cycle, string Level, long? MaxBytes, TimeSpan? MaxTime);

/// <summary>Datasets of one source, and where and how they are archived.</summary>
/// <param name="Source">Where <c>zfs</c> runs, as <c>--zfs</c> takes it; <c>local</c> if not said.</param>
/// <param name="Datasets">Names or globs (<c>*</c> within a part of the name, <c>**</c> across parts).</param>
/// <param name="ByProperty">Datasets whose user property <c>zfsarchive:job</c> is this job's name belong to it as well.</param>
/// <param name="Recursive">With all datasets below the named ones.</param>
/// <param name="Exclude">Names or globs; what is below an excluded dataset is excluded too.</param>
/// <param name="Repositories">Names, in order.</param>
/// <param name="SnapshotPrefix">Snapshots are taken first, with this prefix; null: none are taken.</param>
/// <param name="KeepOwnSnapshots">How many of the snapshots taken with this prefix stay at the source, per dataset; null: all.</param>
/// <param name="Snapshots">Globs on the part after <c>@</c>; only what fits one of them is archived; empty: all.</param>
/// <param name="ExcludeSnapshots">Globs; what fits one of them is not archived.</param>
/// <param name="Select">Which of those that fit.</param>
/// <param name="MaxAge">status: the newest archive must not be older; null: no promise.</param>
public sealed record JobRule(
    string Name, string Source, ImmutableArray<string> Datasets, bool ByProperty, bool Recursive, ImmutableArray<string> Exclude, ImmutableArray<string> Repositories,
    string? SnapshotPrefix, int? KeepOwnSnapshots, ImmutableArray<string> Snapshots, ImmutableArray<string> ExcludeSnapshots, SnapshotChoice Select, SendRule Send, ChainRule Chain,
    RetentionPolicy? Retention, TimeSpan? MaxAge, HookRule Hooks);

/// <param name="FirstNewest">The first archive is of the newest snapshot, not the oldest.</param>
/// <param name="Level">zstd level, 0 for none.</param>
/// <param name="ChunkSize">MiB, fixed for the archive; null for the standard schedule.</param>
public sealed record SendRule(bool AllowPlaintext, bool AllowFull, bool Adopt, bool FirstNewest, int Level, int? ChunkSize);

/// <summary>Commands around a job; each is a program with its arguments, run without a shell.</summary>
/// <param name="Before">Run first; if one fails the job is not done.</param>
/// <param name="After">Run last, whatever happened, with ZFSARCHIVE_RESULT=ok or failed.</param>
/// <param name="Timeout">For each command.</param>
public sealed record HookRule(ImmutableArray<ImmutableArray<string>> Before, ImmutableArray<ImmutableArray<string>> After, TimeSpan Timeout);

public enum NotifyWhen
{
    Always,
    Failure,
}

/// <summary>Who hears of a night.</summary>
/// <param name="When">After every night, or only when something is not right.</param>
/// <param name="Timeout">After which nobody waits for an answer any more.</param>
public abstract record NotifyRule(NotifyWhen When, TimeSpan Timeout)
{
    /// <summary>As healthchecks.io takes it: URL/start, URL, URL/fail, with the summary as body.</summary>
    /// <param name="Url">Plain, or kept as a secret.</param>
    public sealed record Ping(TextOrSecret Url, NotifyWhen When, TimeSpan Timeout) : NotifyRule(When, Timeout);

    /// <param name="Template">A JSON text in which <c>{{summary}}</c>, <c>{{title}}</c>, <c>{{state}}</c> and <c>{{host}}</c> are replaced; null: the whole result as JSON.</param>
    public sealed record Webhook(TextOrSecret Url, string? Template, ImmutableSortedDictionary<string, TextOrSecret> Headers, NotifyWhen When, TimeSpan Timeout) : NotifyRule(When, Timeout);

    /// <summary>Through the system's sendmail.</summary>
    public sealed record Mail(string To, string? From, string Sendmail, NotifyWhen When, TimeSpan Timeout) : NotifyRule(When, Timeout);

    /// <summary>The summary comes on standard input; ZFSARCHIVE_STATE is <c>ok</c>, <c>partly</c> or <c>failed</c>.</summary>
    public sealed record Program(ImmutableArray<string> Command, NotifyWhen When, TimeSpan Timeout) : NotifyRule(When, Timeout);
}

/// <summary>A text that may be kept as a secret; exactly one of the two is there.</summary>
public sealed record TextOrSecret(string? Text, SecretSource? Secret);
