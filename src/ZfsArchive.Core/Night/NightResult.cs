using System.Collections.Immutable;
using ZfsArchive.Backup;
using ZfsArchive.Model;

namespace ZfsArchive.Night;

/// <summary>How a night, or a part of it, ended.</summary>
public enum NightState
{
    Ok,

    /// <summary>Some of it failed.</summary>
    Partly,

    Failed,
}

/// <summary>All of one run: what was done, how long it took, what held it up, and what is not right.</summary>
/// <param name="Seconds">From the first job to the last verification.</param>
/// <param name="DryRun">Nothing was done: it tells what would be.</param>
public sealed record NightResult(
    string Host, string Version, DateTimeOffset Started, double Seconds, NightState State, bool DryRun, ImmutableArray<JobNight> Jobs, ImmutableArray<RepositoryNight> Repositories)
{
    /// <summary>Everything that failed.</summary>
    public IEnumerable<NightFailure> Failures => Jobs.SelectMany(j => j.Failures).Concat(Repositories.SelectMany(r => r.Failures));

    /// <summary>Lists were cut to be sent.</summary>
    public bool Cut { get; init; }

    /// <summary>The same with the beginnings of long lists only: a message of megabytes is refused by those who should read it, on the worst day.</summary>
    /// <param name="most">Entries that are left of a list.</param>
    public NightResult Brief(int most)
    {
        var cut = false;
        var jobs = Jobs.Select(j => j with { Taken = Beginning(j.Taken), Archives = Beginning(j.Archives), Released = Beginning(j.Released), Notes = Beginning(j.Notes), Failures = Beginning(j.Failures) }).ToImmutableArray();
        var repositories = Repositories.Select(r => r with
        {
            Prune = r.Prune is { } prune ? prune with { Removed = Beginning(prune.Removed) } : null,
            Verify = r.Verify is { } verify ? verify with { Findings = Beginning(verify.Findings), Lost = Beginning(verify.Lost) } : null,
            Notes = Beginning(r.Notes),
            Failures = Beginning(r.Failures),
        }).ToImmutableArray();
        return this with { Jobs = jobs, Repositories = repositories, Cut = cut };

        ImmutableArray<T> Beginning<T>(ImmutableArray<T> list)
        {
            cut |= list.Length > most;
            return list.Length > most ? list[..most] : list;
        }
    }

    /// <summary>One line, as a subject.</summary>
    public string Title => State switch
    {
        NightState.Ok => $"zfsarchive on {Host}: all is well",
        NightState.Partly => $"zfsarchive on {Host}: {Failures.Count()} of its tasks FAILED",
        _ => $"zfsarchive on {Host}: FAILED",
    };
}

/// <param name="Where">The job or repository, and the dataset if one is concerned.</param>
/// <param name="Text">The thing, the cause, the next step.</param>
public sealed record NightFailure(string Where, string Text, FailureKind Kind);

/// <param name="Datasets">How many it is about.</param>
/// <param name="Taken">Snapshots that were taken.</param>
/// <param name="Released">Bookmarks, holds and snapshots of ours that nothing needed any more.</param>
/// <param name="Notes">What is worth knowing and no failure.</param>
public sealed record JobNight(
    string Job, NightState State, int Datasets, double Seconds, ImmutableArray<string> Taken, ImmutableArray<ArchivedNight> Archives, ImmutableArray<string> Released, ImmutableArray<string> Notes,
    ImmutableArray<NightFailure> Failures);

/// <param name="State"><c>archived</c>, <c>already archived</c>, or for a dry run <c>planned</c>.</param>
/// <param name="Length">Bytes of the stream; null in a dry run.</param>
public sealed record ArchivedNight(
    string Repository, string Dataset, string Snapshot, string Kind, string? Base, string Why, string State, string? Archive, long? Length, long? StoredLength, long? SentLength, double Seconds);

/// <param name="Stages">What the stages of all its archives took; null when there were none.</param>
public sealed record RepositoryNight(
    string Repository, string Location, NightState State, StageSeconds? Stages, PrunedNight? Prune, VerifiedNight? Verify, ImmutableArray<string> Notes, ImmutableArray<NightFailure> Failures);

/// <param name="Removed">Archives, with the reason.</param>
/// <param name="BytesForChain">Stored bytes of what is kept only because something else needs it.</param>
public sealed record PrunedNight(ImmutableArray<RemovedNight> Removed, long RemovedBytes, long KeptArchives, long BytesForChain, long BytesFreed, long BytesInGrace, bool FirstLook, double Seconds);

public sealed record RemovedNight(string Archive, string Snapshot, string Why, long StoredLength);

/// <param name="Bytes">Stored bytes that were read.</param>
/// <param name="Total">Stored bytes of everything.</param>
/// <param name="Lost">Snapshots that cannot be restored.</param>
public sealed record VerifiedNight(string Level, bool Sound, long Bytes, long Total, ImmutableArray<string> Findings, ImmutableArray<string> Lost, double Seconds);
