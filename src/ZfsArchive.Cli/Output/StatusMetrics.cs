using System.Globalization;
using System.Text;
using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>A report in the text format of Prometheus.</summary>
static class StatusMetrics
{
    public static string Of(StatusReport report)
    {
        var text = new StringBuilder();
        var metrics = new Metrics(text);
        metrics.Family("zfsarchive_status_timestamp_seconds", "When this was looked at.", [("", Seconds(report.At))]);
        var places = report.Repositories.Select(r => (Status: r, Labels: Metrics.Labels(("repository", r.Name)))).ToList();
        metrics.Family("zfsarchive_repository_up", "Whether the repository could be looked at.", places.Select(p => (p.Labels, (double?)(p.Status.Unreachable is null ? 1 : 0))));
        metrics.Family("zfsarchive_repository_health", "0 ok, 1 warning, 2 critical, 3 unknown; the worst of it and its datasets.", places.Select(p => (p.Labels, (double?)(int)p.Status.Health)));
        metrics.Family("zfsarchive_repository_remarks", "Remarks of a kind on it and its datasets.", places.SelectMany(p => Remarks(p.Status)));
        var known = places.Where(p => p.Status.Unreachable is null).ToList();
        Repositories((name, help, value) => metrics.Family(name, help, known.Select(p => (p.Labels, value(p.Status)))));
        metrics.Family("zfsarchive_repository_leases", "Leases by state: held, or left behind.", known.SelectMany(p => Leases(p.Status)));
        var datasets = known.SelectMany(p => p.Status.Datasets.Select(d => (Status: d, Labels: Metrics.Labels(("repository", p.Status.Name), ("dataset", Metrics.NameOf(p.Status, d)))))).ToList();
        Datasets((name, help, value) => metrics.Family(name, help, datasets.Select(d => (d.Labels, value(d.Status)))));
        return text.ToString();
    }

    static void Repositories(Action<string, string, Func<RepositoryStatus, double?>> each)
    {
        each("zfsarchive_repository_archives", "Archives in the repository.", r => r.Archives);
        each("zfsarchive_repository_stored_bytes", "Bytes of all chunks.", r => r.StoredLength);
        each("zfsarchive_repository_verified_bytes", "Stored bytes verified since they were written, at the level looked for or deeper.", r => r.VerifiedLength);
        each("zfsarchive_repository_last_verification_timestamp_seconds", "When something of it was last verified.", r => Seconds(r.VerifiedAt));
        each("zfsarchive_repository_oldest_verification_timestamp_seconds", "When the part that waits longest was verified; absent while some of it never was.", r => Seconds(r.OldestVerification));
        each("zfsarchive_repository_verify_cycle_seconds", "Within this time everything is to be verified once.", r => r.Cycle?.TotalSeconds);
        each("zfsarchive_repository_last_prune_timestamp_seconds", "When archives were last removed.", r => Seconds(r.PrunedAt));
    }

    static void Datasets(Action<string, string, Func<DatasetStatus, double?>> each)
    {
        each("zfsarchive_dataset_health", "0 ok, 1 warning, 2 critical, 3 unknown.", d => (int)d.Health);
        each("zfsarchive_dataset_newest_snapshot_timestamp_seconds", "When the newest snapshot that can be restored was taken.", d => Seconds(d.Newest));
        each("zfsarchive_dataset_max_age_seconds", "It is promised to be no older.", d => d.MaxAge?.TotalSeconds);
        each("zfsarchive_dataset_snapshots", "Snapshots that can be restored.", d => d.Snapshots);
        each("zfsarchive_dataset_chain_archives", "Archives that a restore of the newest reads.", d => d.ChainLength);
        each("zfsarchive_dataset_restore_bytes", "Stored bytes that a restore of the newest reads.", d => d.RestoreLength);
        each("zfsarchive_dataset_stored_bytes", "Bytes of all its chunks.", d => d.StoredLength);
        each("zfsarchive_dataset_growth_bytes_per_second", "Stored bytes added a second by incrementals, over the last 30 days.", d => d.GrowthADay / 86400.0);
        each("zfsarchive_dataset_oldest_verification_timestamp_seconds", "When the part of the newest's chain that waits longest was verified; absent while some of it never was.", d => Seconds(d.VerifiedAt));
        each("zfsarchive_dataset_damaged_archives", "Archives in which damage was found.", d => d.Graph.Count(a => a.Damage is not null));
        each("zfsarchive_dataset_stranded_archives", "Archives that cannot be restored.", d => d.Graph.Count(a => !a.IsRestorable));
    }

    static IEnumerable<(string, double?)> Remarks(RepositoryStatus repository)
    {
        var all = repository.Remarks.Concat(repository.Datasets.SelectMany(d => d.Remarks)).ToList();
        foreach (var concern in Enum.GetValues<Concern>())
            yield return (Metrics.Labels(("repository", repository.Name), ("concern", concern.ToString().ToLowerInvariant())), all.Count(r => r.Concern == concern && r.Health is not Health.Ok));
    }

    static IEnumerable<(string, double?)> Leases(RepositoryStatus repository)
    {
        yield return (Metrics.Labels(("repository", repository.Name), ("state", "alive")), repository.Leases.Count(l => l.IsAlive));
        yield return (Metrics.Labels(("repository", repository.Name), ("state", "stale")), repository.Leases.Count(l => !l.IsAlive));
    }

    static double? Seconds(DateTimeOffset? time) => time?.ToUnixTimeSeconds();
}

/// <summary>Families of gauges, one after the other.</summary>
sealed class Metrics(StringBuilder text)
{
    /// <summary>Adds one, without the samples that have no value; none at all when all have none.</summary>
    public void Family(string name, string help, IEnumerable<(string Labels, double? Value)> samples)
    {
        var known = samples.Where(s => s.Value is not null).ToList();
        if (known.Count == 0) return;
        text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n').Append("# TYPE ").Append(name).Append(" gauge\n");
        foreach (var (labels, value) in known) text.Append(name).Append(labels).Append(' ').Append(value!.Value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    public static string Labels(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var text = new StringBuilder("{");
        foreach (var (name, value) in labels) text.Append(text.Length > 1 ? "," : "").Append(name).Append("=\"").Append(Escaped(value)).Append('"');
        return text.Append('}').ToString();
    }

    /// <summary>A dataset's name; where two have the same, with its folder, since figures of one name may be there only once.</summary>
    public static string NameOf(RepositoryStatus repository, DatasetStatus dataset) =>
        repository.Datasets.Count(d => d.Name == dataset.Name) == 1 ? dataset.Name : $"{dataset.Name} ({dataset.Folder})";

    static string Escaped(string value)
    {
        var escaped = new StringBuilder();
        foreach (var rune in value.EnumerateRunes())
            escaped.Append(rune.Value switch { '\\' => "\\\\", '"' => "\\\"", '\n' => "\\n", < 32 or 127 => "?", _ => rune.ToString() });
        return escaped.ToString();
    }
}
