using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Repository;

/// <summary>What a repository's manifests say, from their heads alone.</summary>
/// <param name="Datasets">The newest record of each dataset, with its number.</param>
/// <param name="Faults">Objects under <c>manifests/</c> that cannot be read as what their names say.</param>
/// <param name="Strangers">Objects there whose names we would never write.</param>
/// <param name="MissingRecords">Records of datasets' names that must be there, since a later one or an archive is.</param>
public sealed record Catalog(
    ArchiveGraph Graph, ImmutableDictionary<DatasetFolder, (int Number, DatasetRecord Record)> Datasets, ImmutableArray<CatalogFault> Faults, ImmutableArray<string> Strangers, ImmutableArray<string> MissingRecords)
{
    Lazy<ImmutableArray<DatasetFolder>> _folders = new(() =>
        [.. Datasets.Keys.Concat(Graph.Archives.Select(a => a.Folder)).Distinct().OrderBy(f => Datasets.TryGetValue(f, out var known) ? known.Record.Name : Graph.Archives.Last(a => a.Folder == f).Head.Dataset.Name, StringComparer.Ordinal).ThenBy(f => f.Text, StringComparer.Ordinal)]);

    GuidIndex? _byDataset;

    GuidIndex ByDataset => _byDataset ??= new(Graph.Archives, a => a.Folder.Guid);

    /// <summary>The archives of the dataset with this GUID, whatever its folder is called.</summary>
    public IEnumerable<ArchiveEntry> ArchivesOf(ulong datasetGuid) => ByDataset[datasetGuid];

    /// <summary>The same with one archive more, just committed.</summary>
    public Catalog With(ArchiveEntry archive)
    {
        var graph = Graph.With(archive);
        var isNamed = Datasets.TryGetValue(archive.Folder, out var known) && known.Record.Name == archive.Head.Dataset.Name;
        var datasets = isNamed ? Datasets
            : Datasets.SetItem(archive.Folder, (known.Number + 1, new(archive.Head.Dataset.Name, archive.Head.Dataset.Guid, archive.Head.Dataset.PoolGuid, archive.Head.Created.Host)));
        var catalog = new Catalog(graph, datasets, Faults, Strangers, MissingRecords);
        // what does not change with it is not gathered anew: a night adds many
        if (isNamed) catalog._folders = _folders;
        if (graph.Archives.Length > Graph.Archives.Length) catalog._byDataset = _byDataset?.With(archive.Folder.Guid, archive);
        return catalog;
    }

    /// <summary>The newest true name; without its record the one in the newest manifest, or the folder's.</summary>
    public string NameOf(DatasetFolder folder) =>
        Datasets.TryGetValue(folder, out var dataset) ? dataset.Record.Name
        : ByDataset[folder.Guid].LastOrDefault(a => a.Folder == folder)?.Head.Dataset.Name ?? folder.Text;

    /// <summary>The folder of the dataset with this GUID: the one it has already, whatever it is called now, or a new one.</summary>
    public DatasetFolder FolderOf(string name, ulong guid) => Folders.FirstOrDefault(f => f.Guid == guid) ?? DatasetFolder.Of(name, guid);

    /// <summary>The largest number among the records of a dataset's name, readable or not; 0 when there is none.</summary>
    public int LastDatasetNumber(DatasetFolder folder) => int.Max(
        Datasets.TryGetValue(folder, out var known) ? known.Number : 0,
        Faults.Select(f => Layout.ParseDataset(f.Key)).Where(d => d?.Folder == folder).Select(d => d!.Value.Number).DefaultIfEmpty(0).Max());

    /// <summary>Ordinals that archives of this edge have taken, readable or not.</summary>
    public IEnumerable<int> OrdinalsOf(DatasetFolder folder, ArchiveName edge) =>
        Graph.OfSnapshot(edge.ToGuid).Select(a => (a.Folder, a.Name))
            .Concat(Faults.Select(f => Layout.ParseManifest(f.Key)).Where(m => m is not null).Select(m => (m!.Value.Folder, m.Value.Name)))
            .Where(a => a.Folder == folder && a.Name.Edge == edge.Edge).Select(a => a.Name.Ordinal);

    public IEnumerable<DatasetFolder> Folders => _folders.Value;
}

/// <param name="Unproven">What it says of itself, when it can be read and only its hash is wrong: good for its name, for nothing else.</param>
public sealed record CatalogFault(string Key, string Reason, ArchiveEntry? Unproven);

/// <summary>A manifest can be read, and its content is not what its hash says.</summary>
sealed class UnprovenManifestException(ArchiveEntry entry, ArchiveException inner) : ArchiveException(FailureKind.Damage, inner.Message, inner)
{
    public ArchiveEntry Entry { get; } = entry;
}
