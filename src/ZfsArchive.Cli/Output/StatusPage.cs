using System.Globalization;
using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>A report as a page in one file: no scripts, nothing from elsewhere, all names escaped.</summary>
static class StatusPage
{
    const int MostRemarks = 200;

    /// <summary>All drawings of a page together have so many marks at most, however many archives there are.</summary>
    const int MostMarks = 1800;

    const int FewestMarks = 12, MostMarksInOne = 300, MostDrawings = 100;

    /// <summary>More datasets than these are folded until somebody opens them.</summary>
    const int MostOpen = 12;

    public static string Of(StatusReport report, string version)
    {
        var page = new PageWriter();
        Head(page, report);
        Banner(page, report, version);
        Remarks(page, report);
        var drawn = Drawn(report);
        var marks = int.Clamp(MostMarks / int.Max(1, drawn.Count), FewestMarks, MostMarksInOne);
        for (var i = 0; i < report.Repositories.Length; i++) Repository(page, report, i, drawn, marks);
        page.Add($"<footer>Made by zfsarchive {version} on {report.Host}. This page is a picture of {Text.Time(report.At)} and does not renew itself.</footer>\n</main>\n</body>\n</html>\n");
        return page.ToString();
    }

    static void Head(PageWriter page, StatusReport report)
    {
        page.AddMarkup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
        page.AddMarkup("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\"/>\n");
        page.AddMarkup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n<link rel=\"icon\" href=\"data:,\"/>\n");
        page.Add($"<title>{StatusVerdict.Sentence(report)} – zfsarchive on {report.Host}</title>\n");
        page.AddMarkup($"<style>\n{StatusPageStyle.Sheet}</style>\n</head>\n");
    }

    static void Banner(PageWriter page, StatusReport report, string version)
    {
        var datasets = report.Repositories.Sum(r => r.Datasets.Length);
        var bad = StatusVerdict.Bad(report).Count();
        page.Add($"<body>\n<header class=\"{Class(report.Health)}\"><div class=\"in\">\n<p class=\"sign\" aria-hidden=\"true\">{Sign(report.Health)}</p>\n<div><h1>{StatusVerdict.Sentence(report)}</h1>\n");
        page.Add($"<p>{Text.Plural(datasets, "dataset")} in {(report.Repositories.Length == 1 ? "1 repository" : $"{report.Repositories.Length} repositories")}, {Text.Bytes(report.Repositories.Sum(r => r.StoredLength))} stored; {(bad == 0 ? "nothing is wrong" : Text.Plural(bad, "remark"))}.</p>\n");
        page.Add($"<p class=\"when\">Looked at <strong>{Text.Time(report.At)}</strong> from {report.Host}</p></div>\n</div></header>\n<main>\n");
    }

    static void Remarks(PageWriter page, StatusReport report)
    {
        var remarks = report.Remarks.OrderByDescending(r => StatusReport.Badness(r.Remark.Health)).ToList();
        if (remarks.Count == 0) return;
        var places = report.Repositories.SelectMany((r, i) => r.Datasets.Select((d, j) => (Key: (r.Name, d.Name), Id: Anchor(i, j))).Append((Key: (r.Name, ""), Id: Anchor(i)))).DistinctBy(p => p.Key).ToDictionary(p => p.Key, p => p.Id);
        page.AddMarkup("<section class=\"card\" aria-labelledby=\"remarks\">\n<h2 id=\"remarks\">Remarks</h2>\n<div class=\"wide\"><table class=\"remarks\">\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Where</th><th scope=\"col\">What, and what to do</th></tr></thead>\n<tbody>\n");
        foreach (var (repository, dataset, remark) in remarks.Take(MostRemarks))
        {
            page.AddMarkup("<tr><td>");
            Badge(page, remark.Health, "note");
            page.Add($"</td><td><a href=\"#{places[(repository, dataset ?? "")]}\">{Text.Clip(dataset ?? repository, 80)}</a></td><td>{Text.Clip(remark.Text, 1000)}</td></tr>\n");
        }
        page.AddMarkup("</tbody></table></div>\n");
        if (remarks.Count > MostRemarks) page.Add($"<p>… and {remarks.Count - MostRemarks} more: <code>zfsarchive status --json</code> tells all.</p>\n");
        page.AddMarkup("</section>\n");
    }

    static void Repository(PageWriter page, StatusReport report, int index, IReadOnlySet<DatasetStatus> drawn, int marks)
    {
        var repository = report.Repositories[index];
        page.Add($"<section class=\"card\" id=\"{Anchor(index)}\">\n<h2><bdi>{repository.Name}</bdi> ");
        Badge(page, repository.Health);
        page.AddMarkup("</h2>\n");
        if (repository.Location != repository.Name) page.Add($"<p class=\"soft\">{repository.Location}</p>\n");
        if (repository.Unreachable is { } why)
        {
            page.Add($"<p><strong>Not looked at:</strong> {why}</p>\n</section>\n");
            return;
        }
        StatusPageFacts.Repository(page, repository);
        StatusPageFacts.Overview(page, repository, index, drawn, report.At);
        if (repository.Datasets.Any(drawn.Contains)) StatusPageLegend.Add(page);
        page.AddMarkup("</section>\n");
        for (var i = 0; i < repository.Datasets.Length; i++) Dataset(page, report, repository, index, i, drawn, marks);
    }

    static void Dataset(PageWriter page, StatusReport report, RepositoryStatus repository, int index, int number, IReadOnlySet<DatasetStatus> drawn, int marks)
    {
        var dataset = repository.Datasets[number];
        if (!drawn.Contains(dataset)) return;
        var open = dataset.Health is not Health.Ok || report.Repositories.Sum(r => r.Datasets.Length) <= MostOpen ? " open=\"open\"" : "";
        page.Add($"<details class=\"card dataset\" id=\"{Anchor(index, number)}\"");
        page.AddMarkup(open);
        page.Add($">\n<summary><h3><bdi>{dataset.Name}</bdi></h3> ");
        Badge(page, dataset.Health);
        if (report.Repositories.Length > 1) page.Add($" <span class=\"soft\">in {repository.Name}</span>");
        page.AddMarkup("</summary>\n");
        StatusPageFacts.Dataset(page, dataset, report.At);
        foreach (var remark in dataset.Remarks.Take(MostOpen))
        {
            page.Add($"<p class=\"remark {Class(remark.Health)}\">");
            Badge(page, remark.Health, "note");
            page.Add($" {Text.Clip(remark.Text, 1000)}</p>\n");
        }
        var axis = TimeAxis.Of(dataset.Graph.Select(a => a.Taken).Concat(dataset.Pruned));
        StatusPageChain.Add(page, dataset, axis, marks, Anchor(index, number));
        StatusPageGrowth.Add(page, dataset);
        page.AddMarkup("</details>\n");
    }

    // Where there are too many for one page, those with remarks first, then the largest.
    static HashSet<DatasetStatus> Drawn(StatusReport report) =>
        [.. report.Repositories.SelectMany(r => r.Datasets).OrderByDescending(d => StatusReport.Badness(d.Health)).ThenByDescending(d => d.StoredLength).Take(MostDrawings)];

    public static string Anchor(int repository, int? dataset = null) =>
        dataset is { } number ? string.Create(CultureInfo.InvariantCulture, $"r{repository}d{number}") : string.Create(CultureInfo.InvariantCulture, $"r{repository}");

    /// <summary>A word in a frame; the word and its sign say it, the colour only helps.</summary>
    /// <param name="well">The word when nothing is wrong.</param>
    public static void Badge(PageWriter page, Health health, string well = "ok") => page.Add(
        $"<span class=\"badge {(health is Health.Ok ? well : Class(health))}\"><span aria-hidden=\"true\">{(well == "ok" || health is not Health.Ok ? Sign(health) : "i")}</span> {(health is Health.Ok ? well : StatusVerdict.Word(health).ToLowerInvariant())}</span>");

    static string Class(Health health) => health switch { Health.Ok => "ok", Health.Warning => "warning", Health.Critical => "critical", _ => "unknown" };

    static string Sign(Health health) => health switch { Health.Ok => "✓", Health.Warning => "!", Health.Critical => "✕", _ => "?" };
}
