using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>The figures of the page.</summary>
static class StatusPageFacts
{
    /// <summary>Of a repository as a whole.</summary>
    public static void Repository(PageWriter page, RepositoryStatus repository)
    {
        page.AddMarkup("<dl class=\"facts\">\n");
        Fact(page, "Archives", Text.Plural(repository.Archives, "archive"), Text.Bytes(repository.StoredLength) + " stored");
        Fact(page, $"Verified ({repository.VerifyLevel})", Text.Percent(repository.VerifiedLength, repository.StoredLength),
            repository.OldestVerification is { } oldest ? $"the oldest part {Text.Time(oldest)}" : "some of it never was", repository.StoredLength > 0 ? repository.VerifiedLength / (double)repository.StoredLength : null);
        Fact(page, "Last verification", Text.Time(repository.VerifiedAt), repository.Cycle is { } cycle ? $"all of it within {Text.Span(cycle)}" : "no cycle is promised");
        Fact(page, "Archives last removed", Text.Time(repository.PrunedAt), "");
        Fact(page, "Leases", repository.Leases.IsEmpty ? "none" : Text.Plural(repository.Leases.Count(l => l.IsAlive), "holder"), string.Join("; ", repository.Leases.Select(l => l.IsAlive ? l.Text : $"left behind: {l.Text}")));
        page.AddMarkup("</dl>\n");
    }

    /// <summary>One line for each dataset.</summary>
    /// <param name="drawn">Those that have a part of the page for themselves; links to the others lead to their lines.</param>
    public static void Overview(PageWriter page, RepositoryStatus repository, int index, IReadOnlySet<DatasetStatus> drawn, DateTimeOffset now)
    {
        if (repository.Datasets.IsEmpty)
        {
            page.AddMarkup("<p>Nothing is archived here yet.</p>\n");
            return;
        }
        page.Add($"<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"Datasets of {repository.Name}\"><table>\n");
        page.AddMarkup("<thead><tr><th scope=\"col\">Dataset</th><th scope=\"col\">State</th><th scope=\"col\" class=\"n\">Age</th><th scope=\"col\" class=\"n\">of</th><th scope=\"col\" class=\"n\">Snapshots</th>"
            + "<th scope=\"col\" class=\"n\">Chain</th><th scope=\"col\" class=\"n\">To restore</th><th scope=\"col\" class=\"n\">Stored</th><th scope=\"col\" class=\"n\">Growth a day</th><th scope=\"col\">Verified</th></tr></thead>\n<tbody>\n");
        for (var i = 0; i < repository.Datasets.Length; i++)
        {
            var d = repository.Datasets[i];
            if (drawn.Contains(d)) page.Add($"<tr><th scope=\"row\"><a href=\"#{StatusPage.Anchor(index, i)}\"><bdi>{d.Name}</bdi></a></th><td>");
            else page.Add($"<tr id=\"{StatusPage.Anchor(index, i)}\"><th scope=\"row\"><bdi>{d.Name}</bdi></th><td>");
            StatusPage.Badge(page, d.Health);
            page.Add($"</td><td class=\"n\">{Age(d, now)}</td><td class=\"n\">{(d.MaxAge is { } most ? Text.Span(most) : "–")}</td><td class=\"n\">{d.Snapshots}</td><td class=\"n\">{d.ChainLength}</td>");
            page.Add($"<td class=\"n\">{Text.Bytes(d.RestoreLength)}</td><td class=\"n\">{Text.Bytes(d.StoredLength)}</td><td class=\"n\">{Text.Bytes(d.GrowthADay)}</td><td>{Text.Time(d.VerifiedAt, "not all")}</td></tr>\n");
        }
        page.AddMarkup("</tbody></table></div>\n");
        if (!repository.Datasets.All(drawn.Contains)) page.AddMarkup("<p class=\"soft\">Those with remarks and the largest are drawn below; <code>zfsarchive status DATASET --html FILE</code> draws any.</p>\n");
    }

    /// <summary>Of a dataset.</summary>
    public static void Dataset(PageWriter page, DatasetStatus dataset, DateTimeOffset now)
    {
        page.AddMarkup("<dl class=\"facts\">\n");
        Fact(page, "Newest", dataset.NewestSnapshot is { } name ? $"@{Text.Clip(name, 60)}" : "none can be restored", dataset.Newest is { } taken ? $"taken {Text.Time(taken)}" : "");
        Fact(page, "Age", Age(dataset, now), dataset.MaxAge is { } most ? $"of {Text.Span(most)} promised" : "nothing is promised",
            dataset.MaxAge is { } limit && dataset.Newest is { } newest ? (now - newest) / limit : null);
        Fact(page, "Snapshots", Text.Plural(dataset.Snapshots, "snapshot"), dataset.Pruned.IsEmpty ? "none pruned of late" : $"{dataset.Pruned.Length} pruned");
        Fact(page, "A restore reads", Text.Bytes(dataset.RestoreLength), Text.Plural(dataset.ChainLength, "archive"));
        Fact(page, "Stored", Text.Bytes(dataset.StoredLength), $"{Text.Bytes(dataset.GrowthADay)} more a day");
        Fact(page, "Chain verified", Text.Time(dataset.VerifiedAt, "not all of it"), dataset.VerifiedAt is null ? "" : "or later, all of it");
        page.AddMarkup("</dl>\n");
    }

    static void Fact(PageWriter page, string what, string value, string more, double? share = null)
    {
        page.Add($"<div><dt>{what}</dt><dd><strong>{value}</strong>");
        if (share is { } part) page.Add($"<span class=\"bar{(part > 1 ? " over" : "")}\" aria-hidden=\"true\"><span style=\"width:{double.Clamp(100 * part, 0, 100)}%\"></span></span>");
        if (more.Length > 0) page.Add($"<small>{more}</small>");
        page.AddMarkup("</dd></div>\n");
    }

    static string Age(DatasetStatus dataset, DateTimeOffset now) => dataset.Newest is { } newest ? Text.Span(now - newest) : "–";
}
