using ZfsArchive.Processes;
using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Zfs;

namespace ZfsArchive.Restore;

/// <summary>
/// Keeps a target as the next link needs it: a mount alone is a change, and the next raw incremental would be refused. What was
/// set for that is reset after the last link, and the properties that only shape data are set again.
/// </summary>
public static class TargetProtection
{
    /// <summary>Set while a restore is under way, so that the next run knows whose the other settings are.</summary>
    public const string Mark = "zfsarchive:restoring";

    public const string CanMount = "canmount";

    static readonly ImmutableArray<string> s_applied = ["recordsize", "compression", "atime", "relatime", "xattr", "acltype", "dnodesize"];
    static readonly ImmutableArray<string> s_shape = ["volblocksize", "volsize", "casesensitivity", "normalization", "utf8only", "refreservation"];

    /// <summary>Given to the first receive.</summary>
    public static ImmutableSortedDictionary<string, string> WhileRestoring(ArchiveEntry archive) =>
        Names(archive).ToImmutableSortedDictionary(n => n, n => n switch
        {
            "readonly" => "on",
            CanMount => "noauto",
            "volmode" => "none",
            "com.sun:auto-snapshot" => "false",
            _ => archive.Head.Snapshot.Guid.ToString(System.Globalization.CultureInfo.InvariantCulture),
        });

    /// <summary>To be inherited again after the last link.</summary>
    public static ImmutableArray<string> Names(ArchiveEntry archive) =>
        archive.Head.Dataset.Type == "volume" ? ["readonly", "volmode", "com.sun:auto-snapshot", Mark] : ["readonly", CanMount, "com.sun:auto-snapshot", Mark];

    /// <summary>Archived properties that are set again without asking: they change how data is stored, never who may do what.</summary>
    public static ImmutableSortedDictionary<string, string> Applied(ArchiveEntry archive) =>
        (archive.Head.Properties ?? ImmutableSortedDictionary<string, string>.Empty).Where(p => s_applied.Contains(p.Key)).ToImmutableSortedDictionary();

    /// <summary>Commands for the rest, to be run by whoever trusts them: a hostile store could have written them.</summary>
    public static ImmutableArray<string> ToDo(ArchiveEntry archive, string target) =>
        [.. (archive.Head.Properties ?? ImmutableSortedDictionary<string, string>.Empty)
            .Where(p => !s_applied.Contains(p.Key) && !s_shape.Contains(p.Key) && p.Key is not ("keylocation" or Mark) && !Names(archive).Contains(p.Key))
            .Select(p => $"zfs set {ShellQuoting.Quote($"{p.Key}={p.Value}")} {ShellQuoting.Quote(target)}")];
}
