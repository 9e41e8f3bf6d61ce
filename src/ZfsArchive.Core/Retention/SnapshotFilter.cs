using System.Collections.Immutable;
using ZfsArchive.Model;

namespace ZfsArchive.Retention;

public enum SnapshotChoice
{
    /// <summary>Every one.</summary>
    All,

    /// <summary>Those that the retention policy would keep, and the newest.</summary>
    Wanted,

    /// <summary>The newest only.</summary>
    Newest,
}

/// <summary>Which of a dataset's snapshots are archived at all, by the part of their names after <c>@</c>.</summary>
/// <param name="Include">Globs of which one has to fit; none: all fit.</param>
/// <param name="Exclude">Globs of which none may fit.</param>
public sealed record SnapshotFilter(ImmutableArray<string> Include, ImmutableArray<string> Exclude, SnapshotChoice Choice)
{
    public static SnapshotFilter Everything { get; } = new([], [], SnapshotChoice.All);

    public bool Fits(string snapshot) =>
        (Include.IsEmpty || Include.Any(glob => Glob.Fits(glob, snapshot))) && !Exclude.Any(glob => Glob.Fits(glob, snapshot));
}
