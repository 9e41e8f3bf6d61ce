using ZfsArchive.Zfs;

namespace ZfsArchive.Config;

/// <summary>Names of datasets and snapshots, also with <c>*</c> in them: what is wrong with one, or null.</summary>
static class NamePatterns
{
    const int LongestName = 255;

    // The time follows it.
    const int LongestPrefix = 100;

    public static string? WrongDataset(ScalarNode node)
    {
        var name = node.Text;
        if (name.StartsWith('/')) return $"{node.Quoted} begins with /: a dataset goes by its name in zfs list, not by where it is mounted";
        if (name.Contains('@', StringComparison.Ordinal)) return $"{node.Quoted} names a snapshot: write the dataset, and the key snapshots for which of its snapshots";
        if (name.Contains("//", StringComparison.Ordinal) || name.EndsWith('/')) return $"{node.Quoted} has a / too many";
        return name.Length > LongestName || !ZfsName.IsDataset(Plain(name)) ? $"{node.Quoted} cannot be the name of a dataset; * stands for any part of a name, ** for parts with / too" : null;
    }

    public static string? WrongSnapshot(ScalarNode node) =>
        node.Text.Contains('@', StringComparison.Ordinal) ? $"{node.Quoted}: only what stands behind the @ is written here"
        : node.Text.Length is 0 or > LongestName || !ZfsName.IsSnapshotPart(Plain(node.Text)) ? $"{node.Quoted} cannot be the name of a snapshot; * stands for any part of it"
        : null;

    public static string? WrongPrefix(ScalarNode node) =>
        node.Text.Length is 0 or > LongestPrefix || node.Text.Contains(' ', StringComparison.Ordinal) || !ZfsName.IsSnapshotPart(node.Text) ? $"{node.Quoted} cannot begin a snapshot's name: it takes letters, digits and - _ . :, at most {LongestPrefix}" : null;

    static string Plain(string name) => name.Replace('*', 'a');
}
