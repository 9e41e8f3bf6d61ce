using System.Collections.Immutable;

namespace ZfsArchive.Manifests;

/// <summary>Archives by a GUID: those of a listing, and a few that were added since.</summary>
sealed class GuidIndex
{
    readonly ILookup<ulong, ArchiveEntry> _listed;
    readonly ImmutableDictionary<ulong, ImmutableList<ArchiveEntry>> _added;

    public GuidIndex(ILookup<ulong, ArchiveEntry> listed)
        : this(listed, ImmutableDictionary<ulong, ImmutableList<ArchiveEntry>>.Empty)
    {
    }

    GuidIndex(ILookup<ulong, ArchiveEntry> listed, ImmutableDictionary<ulong, ImmutableList<ArchiveEntry>> added) => (_listed, _added) = (listed, added);

    public IEnumerable<ArchiveEntry> this[ulong guid] => _added.TryGetValue(guid, out var added) ? _listed[guid].Concat(added) : _listed[guid];

    public GuidIndex With(ulong guid, ArchiveEntry archive) => new(_listed, _added.SetItem(guid, _added.GetValueOrDefault(guid, []).Add(archive)));
}
