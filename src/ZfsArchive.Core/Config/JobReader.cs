using System.Collections.Immutable;
using ZfsArchive.Retention;
using ZfsArchive.Zfs;

namespace ZfsArchive.Config;

/// <summary>Jobs: datasets, and where and how they are archived.</summary>
/// <param name="repositories">All names that the file has.</param>
sealed class JobReader(FaultList faults, ImmutableArray<string> repositories)
{
    /// <summary>Keys that <c>defaults</c> takes too.</summary>
    public static readonly string[] Common = ["source", "recursive", "exclude", "snapshot", "snapshots", "send", "chain", "new_full", "max_age", "hooks"];

    public static readonly string[] Keys = ["datasets", "by_property", "repositories", "retention", .. Common];

    public JobRule Read(ConfigEntry entry, JobRule fallback)
    {
        var section = new Section(faults, $"job {entry.Key.Quoted}", entry.Value, Keys);
        var byProperty = section.Get("by_property", ScalarKinds.Flag, fallback: false);
        var datasets = section.Texts("datasets", "names of datasets", NamePatterns.WrongDataset) ?? [];
        var isGiven = section["datasets"] is not (null or ListNode { Items.IsEmpty: true }) || byProperty;
        if (!isGiven && (section.IsMap || Section.IsNothing(entry.Value)))
            faults.Add(entry.Key, $"{section.What} has no datasets: name some, or write by_property: true and set zfsarchive:job={entry.Key.Text} on them");
        var rule = ReadCommon(section, fallback);
        return rule with { Name = entry.Key.Text, Datasets = datasets, ByProperty = byProperty, Repositories = Repositories(section), Retention = PolicyReader.Retention(section) };
    }

    public static JobRule ReadCommon(Section section, JobRule fallback)
    {
        var (prefix, keep) = Snapshot(section, fallback);
        var (include, exclude, select) = Snapshots(section, fallback);
        return fallback with
        {
            Source = Source(section) ?? fallback.Source,
            Recursive = section.Get("recursive", ScalarKinds.Flag, fallback.Recursive),
            Exclude = section.Texts("exclude", "names of datasets", NamePatterns.WrongDataset) ?? fallback.Exclude,
            SnapshotPrefix = prefix,
            KeepOwnSnapshots = keep,
            Snapshots = include,
            ExcludeSnapshots = exclude,
            Select = select,
            Send = PolicyReader.Send(section, fallback.Send),
            Chain = PolicyReader.Chain(section, fallback.Chain),
            MaxAge = PolicyReader.DurationOrNever(section, "max_age", fallback.MaxAge),
            Hooks = CommandReader.Hooks(section, fallback.Hooks),
        };
    }

    ImmutableArray<string> Repositories(Section section)
    {
        if (section["repositories"] is ListNode { Items.IsEmpty: true } empty) faults.Add(empty, "repositories is an empty list: leave the key out for all of them");
        return section.Texts("repositories", "names of repositories", name => repositories.Contains(name.Text) ? null
            : $"there is no repository {name.Quoted}{NearestWord.Advice(name.Text, repositories, "repositories")}") ?? repositories;
    }

    static string? Source(Section section)
    {
        if (section.Scalar("source", "local, a command such as \"sudo -n\", or ssh://user@host:port") is not { } source) return null;
        try
        {
            if (!Paths.HasPassword(source.Text)) return ZfsPrefix.Parse(source.Text).Text;
            section.Faults.Add(source, "the source has a password in it: ssh takes keys only, write ssh://user@host:port");
        }
        catch (FormatException e)
        {
            section.Faults.Add(source, $"source: {e.Message}");
        }
        return null;
    }

    static (string? Prefix, int? Keep) Snapshot(Section outer, JobRule fallback)
    {
        if (outer["snapshot"] is not { } node) return (fallback.SnapshotPrefix, fallback.KeepOwnSnapshots);
        if (node is not MapNode)
            return outer.Find("snapshot", ScalarKinds.Flag with { Wanted = "true, false or {prefix: …, keep: …}" }) is true ? (fallback.SnapshotPrefix ?? StandardRules.SnapshotPrefix, fallback.KeepOwnSnapshots) : (null, null);
        var section = new Section(outer.Faults, "snapshot", node, "prefix", "keep");
        var prefix = section.Scalar("prefix", "the beginning of a snapshot's name");
        if (prefix is not null && NamePatterns.WrongPrefix(prefix) is { } wrong) section.Faults.Add(prefix, wrong);
        return (prefix?.Text ?? fallback.SnapshotPrefix ?? StandardRules.SnapshotPrefix, section.Find("keep", ScalarKinds.Number(1, 1_000_000)) ?? fallback.KeepOwnSnapshots);
    }

    static (ImmutableArray<string> Include, ImmutableArray<string> Exclude, SnapshotChoice Select) Snapshots(Section outer, JobRule fallback)
    {
        var section = new Section(outer.Faults, "snapshots", outer["snapshots"], "include", "exclude", "select");
        return (
            section.Texts("include", "names of snapshots", NamePatterns.WrongSnapshot) ?? fallback.Snapshots,
            section.Texts("exclude", "names of snapshots", NamePatterns.WrongSnapshot) ?? fallback.ExcludeSnapshots,
            section.Find("select", ScalarKinds.Word("all", "wanted", "newest")) is { } choice ? (SnapshotChoice)choice : fallback.Select);
    }
}
