using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace ZfsArchive.Manifests;

/// <summary>Archives by a GUID: those of a listing, mostly one each, and a few that were added since.</summary>
sealed class GuidIndex
{
    readonly Dictionary<ulong, ArchiveEntry[]> _listed;
    readonly ImmutableDictionary<ulong, ImmutableArray<ArchiveEntry>> _added;

    public GuidIndex(ImmutableArray<ArchiveEntry> archives, Func<ArchiveEntry, ulong?> guidOf)
    {
        (_listed, _added) = (new(archives.Length), ImmutableDictionary<ulong, ImmutableArray<ArchiveEntry>>.Empty);
        foreach (var archive in archives)
        {
            if (guidOf(archive) is not { } guid) continue;
            ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_listed, guid, out _);
            known = known is null ? [archive] : [.. known, archive];
        }
    }

    GuidIndex(Dictionary<ulong, ArchiveEntry[]> listed, ImmutableDictionary<ulong, ImmutableArray<ArchiveEntry>> added) => (_listed, _added) = (listed, added);

    /// <summary>In the order of the listing, and then in which they were added.</summary>
    public IReadOnlyList<ArchiveEntry> this[ulong guid]
    {
        get
        {
            var listed = _listed.GetValueOrDefault(guid, []);
            return _added.TryGetValue(guid, out var added) ? [.. listed, .. added] : listed;
        }
    }

    public GuidIndex With(ulong guid, ArchiveEntry archive) => new(_listed, _added.SetItem(guid, _added.GetValueOrDefault(guid, []).Add(archive)));
}
