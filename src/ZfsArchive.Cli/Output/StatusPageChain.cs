using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>The drawing of a dataset's archives in time, each with an arc to the one that it is based on.</summary>
static class StatusPageChain
{
    const double HighestArc = 86, LowestArc = 6, Above = 16;

    public static void Add(PageWriter page, DatasetStatus dataset, TimeAxis axis, int most, string id)
    {
        if (dataset.Graph.IsEmpty) return;
        var drawn = ChainMarks.Of(dataset, most);
        var x = drawn.Marks.Select(m => axis.At(m.Taken)).ToArray();
        var line = Above + drawn.Links.Select(l => Height(x[l.To] - x[l.From])).DefaultIfEmpty(0).Max();
        var height = line + 50;
        page.Add($"<figure><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Drawing of the archives of {dataset.Name}\"><svg class=\"chain\" viewBox=\"0 0 {TimeAxis.Width} {height}\" role=\"img\" aria-labelledby=\"{id}t {id}e\">");
        page.Add($"<title id=\"{id}t\">The archives of {dataset.Name}</title><desc id=\"{id}e\">{Words(dataset)}</desc>\n");
        axis.Add(page, line - 4, line + 26);
        page.Add($"<path class=\"base\" d=\"M{TimeAxis.Left - 16} {line}H{TimeAxis.Right + 16}\"/>\n");
        Arcs(page, "arc", drawn.Links.Where(l => !l.IsOnWay), x, line);
        Arcs(page, "arc way", drawn.Links.Where(l => l.IsOnWay), x, line);
        foreach (var gap in drawn.Gaps) page.Add($"<circle class=\"gap\" cx=\"{axis.At(gap)}\" cy=\"{line}\" r=\"3.2\"><title>pruned, taken {Text.Time(gap)}</title></circle>");
        page.AddMarkup("\n");
        // Circles that would run into each other are drawn smaller, down to what can still be seen.
        var radius = double.Clamp(400.0 / drawn.Marks.Length, 2.8, 5.5);
        for (var i = 0; i < drawn.Marks.Length; i++) Mark(page, drawn.Marks[i], x[i], line, radius);
        page.AddMarkup("</svg></div>\n");
        if (drawn.Period is { } period) page.Add($"<figcaption>{dataset.Graph.Length} archives; a mark stands for all in {Text.Span(period)}, a square has a full in it.</figcaption>\n");
        page.AddMarkup("</figure>\n");
    }

    static void Arcs(PageWriter page, string kind, IEnumerable<ChainLink> links, double[] x, double line)
    {
        page.Add($"<path class=\"{kind}\" d=\"");
        foreach (var link in links)
        {
            var (from, to) = (x[link.From], x[link.To]);
            // Over the line from left to right, whichever of the two is older.
            page.Add($"M{double.Min(from, to)} {line}A{double.Abs(to - from) / 2} {Height(to - from)} 0 0 1 {double.Max(from, to)} {line}");
        }
        page.AddMarkup("\"/>\n");
    }

    static void Mark(PageWriter page, ChainMark mark, double x, double y, double radius)
    {
        var size = mark.IsFull ? double.Max(5, radius * 1.4) : radius;
        page.Add($"<g class=\"{(mark.IsDamaged ? "bad" : mark.IsFull ? "full" : "inc")}{(mark.IsStranded ? " lost" : "")}\"><title>{mark.Title}</title>");
        if (mark.IsBasedElsewhere) page.Add($"<path class=\"from\" d=\"M{x} {y}v{-Above}\"/>");
        if (mark.IsDamaged) Damaged(page, x, y, double.Max(8, size + 2));
        else if (mark.IsFull) page.Add($"<rect class=\"o\" x=\"{x - size}\" y=\"{y - size}\" width=\"{2 * size}\" height=\"{2 * size}\" rx=\"1.5\"/>");
        else page.Add($"<circle class=\"o\" cx=\"{x}\" cy=\"{y}\" r=\"{size}\"/>");
        if (!mark.IsDamaged) Verified(page, mark, x, y, size);
        page.AddMarkup("</g>");
    }

    // Filled from below, as far as it is verified; no fill is too little to be seen, and none that is not whole looks whole.
    static void Verified(PageWriter page, ChainMark mark, double x, double y, double size)
    {
        if (mark.Share <= 0) return;
        var high = mark.Share >= 1 ? 2 * size : double.Clamp(2 * size * mark.Share, 1.5, double.Max(1.5, (2 * size) - 2));
        if (mark.IsFull) page.Add($"<rect class=\"v\" x=\"{x - size}\" y=\"{y + size - high}\" width=\"{2 * size}\" height=\"{high}\" rx=\"1.5\"/>");
        else if (mark.Share >= 1) page.Add($"<circle class=\"v\" cx=\"{x}\" cy=\"{y}\" r=\"{size}\"/>");
        else
        {
            var rise = high - size;
            var half = Math.Sqrt(double.Max(0, (size * size) - (rise * rise)));
            page.Add($"<path class=\"v\" d=\"M{x - half} {y - rise}A{size} {size} 0 {(rise > 0 ? 1 : 0)} 0 {x + half} {y - rise}Z\"/>");
        }
    }

    static void Damaged(PageWriter page, double x, double y, double size)
    {
        var arm = size * 0.3;
        page.Add($"<path class=\"o\" d=\"M{x} {y - size}l{size} {size}l{-size} {size}l{-size} {-size}Z\"/>");
        page.Add($"<path class=\"x\" d=\"M{x - arm} {y - arm}l{2 * arm} {2 * arm}m0 {-2 * arm}l{-2 * arm} {2 * arm}\"/>");
    }

    static double Height(double distance) => LowestArc + ((HighestArc - LowestArc) * Math.Sqrt(double.Min(1, double.Abs(distance) / (TimeAxis.Right - TimeAxis.Left))));

    // For those who do not see it.
    static string Words(DatasetStatus dataset)
    {
        var damaged = dataset.Graph.Count(a => a.Damage is not null);
        return $"{Text.Plural(dataset.Graph.Length, "archive")}, {dataset.Graph.Count(a => a.IsFull)} of them full; {dataset.Graph.Count(a => a.VerifiedShare >= 1)} verified as a whole, {damaged} damaged; "
            + $"taken from {Text.Time(dataset.Graph[0].Taken)} to {Text.Time(dataset.Graph[^1].Taken)}; {Text.Plural(dataset.Pruned.Length, "snapshot")} pruned.";
    }
}

/// <summary>What the marks mean.</summary>
static class StatusPageLegend
{
    public static void Add(PageWriter page)
    {
        page.AddMarkup("<ul class=\"legend\" aria-label=\"Legend of the drawings\">\n");
        Entry(page, "<g class=\"full\"><rect class=\"o\" x=\"5\" y=\"3\" width=\"14\" height=\"14\" rx=\"1.5\"/><rect class=\"v\" x=\"5\" y=\"3\" width=\"14\" height=\"14\" rx=\"1.5\"/></g>", "full");
        Entry(page, "<g class=\"inc\"><circle class=\"o\" cx=\"12\" cy=\"10\" r=\"5.5\"/><circle class=\"v\" cx=\"12\" cy=\"10\" r=\"5.5\"/></g>", "incremental");
        Entry(page, "<g class=\"inc\"><circle class=\"o\" cx=\"12\" cy=\"10\" r=\"5.5\"/><path class=\"v\" d=\"M6.5 10A5.5 5.5 0 0 0 17.5 10Z\"/></g>", "verified as far as it is filled");
        Entry(page, "<path class=\"arc\" d=\"M2 16A10 12 0 0 1 22 16\"/>", "is based on");
        Entry(page, "<path class=\"arc way\" d=\"M2 16A10 12 0 0 1 22 16\"/>", "a restore of the newest goes this way");
        Entry(page, "<circle class=\"gap\" cx=\"12\" cy=\"10\" r=\"3.2\"/>", "pruned");
        Entry(page, "<g class=\"inc lost\"><circle class=\"o\" cx=\"12\" cy=\"10\" r=\"5.5\"/></g>", "cannot be restored");
        Entry(page, "<g class=\"bad\"><path class=\"o\" d=\"M12 2l8 8l-8 8l-8 -8Z\"/><path class=\"x\" d=\"M9 7l6 6m0 -6l-6 6\"/></g>", "damaged");
        page.AddMarkup("</ul>\n");
    }

    static void Entry(PageWriter page, string drawing, string words)
    {
        page.AddMarkup("<li><svg class=\"key\" viewBox=\"0 0 24 20\" aria-hidden=\"true\">");
        page.AddMarkup(drawing);
        page.Add($"</svg> {words}</li>\n");
    }
}
