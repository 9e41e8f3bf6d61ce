using System.Buffers;

namespace ZfsArchive.Zfs;

/// <summary>
/// Names as ZFS allows them, checked before they become arguments: one that begins with a dash would be an option, and
/// <c>zfs destroy</c> goes by whether there is a # in it.
/// </summary>
static class ZfsName
{
    const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    static readonly SearchValues<char> _first = SearchValues.Create(Letters);
    static readonly SearchValues<char> _dataset = SearchValues.Create(Letters + "0123456789_-.: /%");
    static readonly SearchValues<char> _last = SearchValues.Create(Letters + "0123456789_-.: %");
    static readonly SearchValues<char> _property = SearchValues.Create(Letters + "0123456789:+._-@#");

    public static string Dataset(string name) => IsDataset(name) ? name : throw Wrong(name, "a dataset, pool/fs");

    public static string Pool(string name) => IsDataset(name) && !name.Contains('/', StringComparison.Ordinal) ? name : throw Wrong(name, "a pool");

    public static string Snapshot(string name) => IsPart(name, '@') ? name : throw Wrong(name, "a snapshot, pool/fs@snap");

    public static string Bookmark(string name) => IsPart(name, '#') ? name : throw Wrong(name, "a bookmark, pool/fs#mark");

    public static string SnapshotOrBookmark(string name) =>
        IsPart(name, '@') || IsPart(name, '#') ? name : throw Wrong(name, "a snapshot or bookmark, pool/fs@snap or pool/fs#mark");

    public static string Tag(string tag) =>
        tag.Length > 0 && tag[0] != '-' && !tag.Any(char.IsControl) ? tag : throw Wrong(tag, "a hold");

    public static string Property(string name) =>
        name.Length > 0 && name[0] != '-' && !name.AsSpan().ContainsAnyExcept(_property) ? name : throw Wrong(name, "a property");

    public static bool IsDataset(ReadOnlySpan<char> name) =>
        name.Length > 0 && _first.Contains(name[0]) && name[^1] != '/' && !name.ContainsAnyExcept(_dataset);

    static bool IsPart(ReadOnlySpan<char> name, char delimiter)
    {
        var at = name.IndexOf(delimiter);
        return at > 0 && at + 1 < name.Length && IsDataset(name[..at]) && IsSnapshotPart(name[(at + 1)..]);
    }

    /// <summary>What may stand behind the @ of a snapshot.</summary>
    public static bool IsSnapshotPart(ReadOnlySpan<char> name) => name.Length > 0 && !name.ContainsAnyExcept(_last);

    static ZfsException Wrong(string name, string what) => new($"'{name}' is not the name of {what}");
}
