using System.Globalization;
using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>A report as the one line of a monitoring plugin: words, a bar, figures.</summary>
static class StatusNagios
{
    const int MostRemarks = 4;
    const int LongestRemark = 400;

    /// <summary>What such a plugin exits with.</summary>
    public static int Code(Health health) => (int)health;

    public static string Line(StatusReport report) => $"ZFSARCHIVE {StatusVerdict.Word(report.Health)}: {Plain(Words(report))}|{string.Join(' ', Figures(report))}";

    /// <summary>When there is no report.</summary>
    public static string Failure(string why) => $"ZFSARCHIVE {StatusVerdict.Word(Health.Unknown)}: {Text.Clip(Plain(why), LongestRemark)}";

    static string Words(StatusReport report)
    {
        var bad = StatusVerdict.Bad(report).ToList();
        if (bad.Count == 0) return Well(report);
        var told = bad.Take(MostRemarks).Select(b => Text.Clip(report.Repositories.Length > 1 ? $"{b.Repository}: {b.Remark.Text}" : b.Remark.Text, LongestRemark));
        return string.Join("; ", told) + (bad.Count > MostRemarks ? string.Create(CultureInfo.InvariantCulture, $"; and {bad.Count - MostRemarks} more") : "");
    }

    static string Well(StatusReport report)
    {
        var datasets = report.Repositories.SelectMany(r => r.Datasets).ToList();
        var oldest = datasets.Where(d => d.Newest is not null).MinBy(d => d.Newest);
        return $"{Text.Plural(datasets.Count, "dataset")}, {Text.Bytes(report.Repositories.Sum(r => r.StoredLength))} stored"
            + (oldest is null ? "" : $", the longest ago archived is {oldest.Name}: {Text.Span(report.At - oldest.Newest!.Value)}");
    }

    static IEnumerable<string> Figures(StatusReport report)
    {
        var several = report.Repositories.Length > 1;
        foreach (var repository in report.Repositories.Where(r => r.Unreachable is null))
        {
            var place = several ? $"{repository.Name} " : "";
            yield return string.Create(CultureInfo.InvariantCulture, $"{Label($"{place}stored")}={repository.StoredLength}B;;;0");
            yield return string.Create(CultureInfo.InvariantCulture, $"{Label($"{place}verified")}={(repository.StoredLength > 0 ? 100.0 * repository.VerifiedLength / repository.StoredLength : 100):0.##}%;;;0;100");
            foreach (var dataset in repository.Datasets.Where(d => d.Newest is not null))
            {
                // The builder warns past the promise, and cries at its double.
                var limits = dataset.MaxAge is { } most ? string.Create(CultureInfo.InvariantCulture, $"{most.TotalSeconds:0};{2 * most.TotalSeconds:0}") : ";";
                yield return string.Create(CultureInfo.InvariantCulture, $"{Label($"{place}{Metrics.NameOf(repository, dataset)} age")}={double.Max(0, (report.At - dataset.Newest!.Value).TotalSeconds):0}s;{limits};0");
            }
        }
    }

    // The bar parts words from figures, and a line end ends them.
    static string Plain(string text) => string.Concat(text.Select(c => c == '|' ? '/' : char.IsControl(c) ? ' ' : c));

    static string Label(string text) => $"'{Plain(text).Replace('=', '_').Replace("'", "''", StringComparison.Ordinal)}'";
}
