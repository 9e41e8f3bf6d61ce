using ZfsArchive.Model;

namespace ZfsArchive.Manifests;

/// <summary>
/// A snapshot as a base must know it: the same GUID received into another encryption root is another node. For a stream that is
/// not raw, key and IV set are 0.
/// </summary>
public readonly record struct NodeKey(ulong Guid, bool Raw, ulong KeyGuid, ulong IvsetGuid)
{
    /// <summary>This node can be the base that <paramref name="wanted"/> describes; an IV set of 0 there is unknown and fits any.</summary>
    public bool Serves(NodeKey wanted) =>
        Guid == wanted.Guid && Raw == wanted.Raw && KeyGuid == wanted.KeyGuid && (wanted.IvsetGuid == 0 || wanted.IvsetGuid == IvsetGuid);
}

/// <summary>An archive as its manifest's head describes it: an edge of the graph, from its base to its node.</summary>
/// <param name="Sha256">The manifest's own hash.</param>
/// <param name="ManifestLength">Bytes of the manifest.</param>
public sealed record ArchiveEntry(DatasetFolder Folder, ArchiveName Name, ManifestHead Head, string Sha256, long ManifestLength)
{
    /// <summary><c>folder/archive</c>: how other archives and messages name it.</summary>
    public string Id { get; } = $"{Folder}/{Name}";

    /// <summary>What a restore of this archive leaves.</summary>
    public NodeKey Node => new(Head.Snapshot.Guid, Head.Encryption.Raw, Raw(Head.Encryption.KeyGuid), Raw(Head.Encryption.ToIvsetGuid));

    /// <summary>What must be there before it can be received; null for a full.</summary>
    public NodeKey? Wants => Head.IsFull ? null : new(Head.Stream.FromGuid, Head.Encryption.Raw, Raw(Head.Encryption.KeyGuid), Raw(Head.Encryption.FromIvsetGuid));

    /// <summary>It may stand in a chain: whole, of a known kind, and its base was here when it was written.</summary>
    public bool Counts => Head.Stream.Conditions.IsDefaultOrEmpty;

    public bool LargeBlocks => Head.Stream.Features.Contains("LARGE_BLOCKS");

    public string SnapshotName => $"{Head.Dataset.Name}@{Head.Snapshot.Name}";

    ulong Raw(ulong value) => Head.Encryption.Raw ? value : 0;

    // Entries are looked up by the thousand; all they hold need not be hashed for that.
    public override int GetHashCode() => HashCode.Combine(Name.ToGuid);

    public override string ToString() => Id;
}
