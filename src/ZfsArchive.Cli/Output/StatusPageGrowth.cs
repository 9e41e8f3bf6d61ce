using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>The drawing of how the stored bytes came to be.</summary>
static class StatusPageGrowth
{
    const double Top = 18, Bottom = 92, Height = 116;
    const int MostPoints = 120;

    public static void Add(PageWriter page, DatasetStatus dataset)
    {
        var written = dataset.Graph.OrderBy(a => a.WrittenAt).ToList();
        if (written.Count < 2 || written[0].WrittenAt == written[^1].WrittenAt || dataset.StoredLength <= 0) return;
        var axis = new TimeAxis(written[0].WrittenAt, written[^1].WrittenAt);
        page.Add($"<figure><figcaption>Stored bytes by the day they were written: {Text.Bytes(dataset.StoredLength)} in all</figcaption>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Drawing of the sizes of {dataset.Name}\">");
        page.Add($"<svg class=\"growth\" viewBox=\"0 0 {TimeAxis.Width} {Height}\" role=\"img\" aria-label=\"{Text.Bytes(written[0].StoredLength)} on {Text.Time(axis.From)}, {Text.Bytes(dataset.StoredLength)} on {Text.Time(axis.To)}\">");
        axis.Add(page, Top, Bottom);
        page.Add($"<path class=\"area\" d=\"M{TimeAxis.Left} {Bottom}");
        Steps(page, written, axis, dataset.StoredLength);
        page.Add($"H{TimeAxis.Right}V{Bottom}Z\"/><path class=\"line\" d=\"M{TimeAxis.Left} {Bottom}");
        Steps(page, written, axis, dataset.StoredLength);
        page.Add($"H{TimeAxis.Right}\"/><text class=\"top\" x=\"{TimeAxis.Right}\" y=\"{Top - 6}\" text-anchor=\"end\">{Text.Bytes(dataset.StoredLength)}</text></svg></div></figure>\n");
    }

    // It grows in steps, one for each archive; of very many each so-and-so-manieth corner is enough.
    static void Steps(PageWriter page, List<ArchiveStatus> written, TimeAxis axis, double whole)
    {
        var each = double.Max(1, written.Count / (double)MostPoints);
        double sum = 0, next = 0;
        for (var i = 0; i < written.Count; i++)
        {
            sum += written[i].StoredLength;
            if (i < next && i < written.Count - 1) continue;
            next += each;
            page.Add($"H{axis.At(written[i].WrittenAt)}V{Bottom - ((Bottom - Top) * double.Clamp(sum / whole, 0, 1))}");
        }
    }
}
