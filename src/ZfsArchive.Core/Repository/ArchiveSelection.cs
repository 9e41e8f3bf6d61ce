using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Repository;

/// <summary>Finds what a user names: a dataset by its newest true name or its folder, a snapshot of it by name or GUID.</summary>
public static class ArchiveSelection
{
    /// <exception cref="ArchiveException">Usage: none or several match; they are listed.</exception>
    public static DatasetFolder Dataset(Catalog catalog, string name)
    {
        var matches = catalog.Folders.Where(f => f.Text == name || catalog.NameOf(f) == name).ToList();
        return matches.Count switch
        {
            1 => matches[0],
            0 => throw new ArchiveException(FailureKind.Usage, $"no dataset '{name}' is archived here; what is: {(catalog.Folders.Any() ? string.Join(", ", catalog.Folders.Select(catalog.NameOf).Distinct().Take(20)) : "nothing")}"),
            _ => throw new ArchiveException(FailureKind.Usage, $"'{name}' is the name of several datasets: name one by its folder: {string.Join(", ", matches)}"),
        };
    }

    /// <summary>A dataset and all archived under its name.</summary>
    public static ImmutableArray<DatasetFolder> Tree(Catalog catalog, string name)
    {
        var top = Dataset(catalog, name);
        var prefix = catalog.NameOf(top) + "/";
        return [top, .. catalog.Folders.Where(f => catalog.NameOf(f).StartsWith(prefix, StringComparison.Ordinal))];
    }

    /// <summary>Splits <c>DATASET[@SNAPSHOT]</c>.</summary>
    public static (string Dataset, string? Snapshot) Split(string text) =>
        text.IndexOf('@', StringComparison.Ordinal) is var at and >= 0 ? (text[..at], text[(at + 1)..]) : (text, null);

    /// <summary>All archives of one snapshot of a dataset.</summary>
    /// <param name="snapshot">A name or a GUID.</param>
    /// <exception cref="ArchiveException">Usage: none match, or snapshots of this name differ in their GUIDs.</exception>
    public static ImmutableArray<ArchiveEntry> Snapshot(Catalog catalog, DatasetFolder folder, string snapshot)
    {
        var matches = catalog.Graph.Archives.Where(a => a.Folder == folder && (a.Head.Snapshot.Name == snapshot || a.Head.Snapshot.Guid.ToString(CultureInfo.InvariantCulture) == snapshot)).ToImmutableArray();
        // A snapshot whose manifest cannot be read must not look as if it had never been archived.
        if (matches.IsEmpty && catalog.Faults.FirstOrDefault(f => f.Key.StartsWith($"{Layout.Manifests}{folder}/", StringComparison.Ordinal)) is { } fault)
            throw new ArchiveException(FailureKind.Damage, fault.Reason);
        if (matches.IsEmpty) throw new ArchiveException(FailureKind.Usage, $"no snapshot '{snapshot}' of {catalog.NameOf(folder)} is archived here: zfsarchive list {catalog.NameOf(folder)} shows those that are");
        var guids = matches.Select(m => m.Head.Snapshot.Guid).Distinct().ToList();
        return guids.Count == 1 ? matches : throw new ArchiveException(FailureKind.Usage, $"several snapshots of {catalog.NameOf(folder)} are called '{snapshot}': name one by its GUID: {string.Join(", ", guids)}");
    }

    /// <summary>The newest snapshot of a dataset that can be restored and is not younger than <paramref name="asOf"/> (seconds since 1970).</summary>
    /// <exception cref="ArchiveException">Usage: there is none.</exception>
    public static ArchiveEntry Newest(Catalog catalog, ArchivePaths paths, DatasetFolder folder, ulong? asOf)
    {
        var restorable = catalog.Graph.Archives.Where(a => a.Folder == folder && paths.Reaches(a))
            .OrderBy(a => a.Head.Snapshot.Creation).ThenBy(a => a.Head.Snapshot.Createtxg ?? 0).ThenBy(a => paths.To(a)!.Value.Length).ThenByDescending(paths.Cost).ToList();
        return restorable.FindLast(a => asOf is null || a.Head.Snapshot.Creation <= asOf) ?? throw new ArchiveException(FailureKind.Usage, restorable.Count == 0
            ? $"no snapshot of {catalog.NameOf(folder)} can be restored from here: zfsarchive verify {catalog.NameOf(folder)} tells why"
            : $"no snapshot of {catalog.NameOf(folder)} is as old as that: the oldest that can be restored is {restorable[0].SnapshotName}, taken {Taken(restorable[0])}");
    }

    static string Taken(ArchiveEntry archive) =>
        DateTimeOffset.FromUnixTimeSeconds((long)ulong.Min(archive.Head.Snapshot.Creation, 253402300799)).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
