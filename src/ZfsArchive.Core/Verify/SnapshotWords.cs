using System.Globalization;

namespace ZfsArchive.Verify;

/// <summary>Snapshots as a person reads them in a mail: each one while they are few, otherwise how many of each dataset, from the first to the last.</summary>
public static class SnapshotWords
{
    const int MostNames = 10;
    const int MostDatasets = 5;

    /// <param name="names"><c>dataset@snapshot</c>, in order.</param>
    public static string Of(IReadOnlyCollection<string> names)
    {
        if (names.Count <= MostNames) return string.Join(", ", names);
        var datasets = names.GroupBy(DatasetOf).Select(g => g.ToList()).ToList();
        var said = string.Join(", ", datasets.Take(MostDatasets).Select(Of));
        var left = datasets.Skip(MostDatasets).ToList();
        var rest = left.Count == 0 ? "" : $" and {Number(left.Sum(d => d.Count))} of {Number(left.Count)} more dataset{(left.Count == 1 ? "" : "s")}";
        return $"{Number(names.Count)} snapshots: {said}{rest}";
    }

    /// <summary>The same, of what faults cost.</summary>
    public static string OfLost(IReadOnlyCollection<string> names) => names.Count == 0 ? "no snapshot is lost" : $"cannot be restored: {Of(names)}";

    static string Of(List<string> ofOneDataset) =>
        ofOneDataset.Count == 1 ? ofOneDataset[0] : $"{Number(ofOneDataset.Count)} from {ofOneDataset[0]} to {ofOneDataset[^1][DatasetOf(ofOneDataset[^1]).Length..]}";

    static string DatasetOf(string name) => name.IndexOf('@', StringComparison.Ordinal) is var at and >= 0 ? name[..at] : name;

    static string Number(int count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
