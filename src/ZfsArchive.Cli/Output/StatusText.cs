using System.Globalization;
using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>A report for a terminal.</summary>
static class StatusText
{
    const int MostRemarks = 100;

    public static IEnumerable<string> Lines(StatusReport report)
    {
        foreach (var repository in report.Repositories)
        {
            foreach (var line in OfRepository(repository, report.At)) yield return line;
            yield return "";
        }
        var remarks = report.Remarks.OrderByDescending(r => StatusReport.Badness(r.Remark.Health)).ToList();
        foreach (var (repository, _, remark) in remarks.Take(MostRemarks))
            yield return $"{(remark.Health is Health.Ok ? "note" : StatusVerdict.Word(remark.Health)),-8}  {(report.Repositories.Length > 1 ? $"{repository}: " : "")}{remark.Text}";
        if (remarks.Count > MostRemarks) yield return $"… and {Text.Plural(remarks.Count - MostRemarks, "remark")} more: --json tells all";
        yield return StatusVerdict.Sentence(report) is var sentence && report.Health is Health.Ok ? sentence.ToLowerInvariant() : sentence.ToUpperInvariant();
    }

    static IEnumerable<string> OfRepository(RepositoryStatus repository, DateTimeOffset now)
    {
        yield return repository.Name == repository.Location ? repository.Name : $"{repository.Name}  {repository.Location}";
        if (repository.Unreachable is { } why)
        {
            yield return $"  not looked at: {why}";
            yield break;
        }
        yield return $"  {Text.Plural(repository.Archives, "archive")}, {Text.Bytes(repository.StoredLength)} stored; {Verified(repository)}; {Removed(repository)}; leases: {Leases(repository)}";
        if (repository.Datasets.IsEmpty) yield break;
        List<string[]> rows = [["  DATASET", "NEWEST", ">AGE", ">OF", ">SNAPSHOTS", ">CHAIN", ">STORED", ">GROWTH", "VERIFIED", ""]];
        rows.AddRange(repository.Datasets.Select(d => Row(d, now)));
        foreach (var line in Text.Table(rows)) yield return line;
    }

    static string[] Row(DatasetStatus dataset, DateTimeOffset now) =>
    [
        $"  {dataset.Name}", dataset.NewestSnapshot is { } name ? $"@{name}" : "-", dataset.Newest is { } newest ? Text.Span(now - newest) : "-",
        dataset.MaxAge is { } most ? Text.Span(most) : "-", dataset.Snapshots.ToString(CultureInfo.InvariantCulture),
        $"{Text.Plural(dataset.ChainLength, "archive")}, {Text.Bytes(dataset.RestoreLength)} to restore", Text.Bytes(dataset.StoredLength), $"{Text.Bytes(dataset.GrowthADay)}/day",
        Text.Time(dataset.VerifiedAt, "not all"), dataset.Health is Health.Ok ? "ok" : StatusVerdict.Word(dataset.Health),
    ];

    static string Verified(RepositoryStatus repository) => repository.VerifiedAt is null
        ? "never verified"
        : $"verified last {Text.Time(repository.VerifiedAt)}, {Text.Percent(repository.VerifiedLength, repository.StoredLength)} of it at level {repository.VerifyLevel}{(repository.OldestVerification is { } oldest ? $", the oldest part {Text.Time(oldest)}" : "")}";

    // Prunes write down what they remove, not that they looked: of one that found nothing to remove nothing is known.
    static string Removed(RepositoryStatus repository) => repository.PrunedAt is null ? "no archive was ever removed" : $"archives last removed {Text.Time(repository.PrunedAt)}";

    static string Leases(RepositoryStatus repository) =>
        repository.Leases.IsEmpty ? "none" : string.Join("; ", repository.Leases.Select(l => $"{l.Text}{(l.IsAlive ? "" : " (left behind)")}"));
}
