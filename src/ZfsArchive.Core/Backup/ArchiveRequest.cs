using System.Collections.Immutable;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.SendStream;

namespace ZfsArchive.Backup;

/// <summary>What the one who ordered an archive knows of it and its stream does not say.</summary>
/// <param name="Createtxg">The snapshot's, when it was asked of ZFS.</param>
/// <param name="Base">The archive that leaves the base; null for a full or when there is none.</param>
/// <param name="BaseName">The base's name at the source.</param>
/// <param name="Conditions">Why it may not stand in a chain (FORMAT.md, "Conditions"); empty for one that counts.</param>
/// <param name="Properties">Properties of the dataset that are worth restoring.</param>
public sealed record ArchiveRequest(
    DatasetFolder Folder, ManifestDataset Dataset, ulong? Createtxg, BaseArchive? Base, string? BaseName, ImmutableArray<string> Conditions,
    ImmutableArray<string> SendFlags, ManifestEncryptionRoot? EncryptionRoot, ImmutableSortedDictionary<string, string>? Properties);

/// <summary>The base of an archive: one that is committed, or one that will be before this.</summary>
public sealed class BaseArchive
{
    readonly Func<ArchiveEntry> _entry;

    public BaseArchive(ArchiveEntry entry) => _entry = () => entry;

    internal BaseArchive(PendingArchive pending) => _entry = () => pending.Committed ?? throw new InvalidOperationException("a base is committed after what needs it");

    public ArchiveEntry Entry => _entry();
}

/// <summary>An archive whose chunks are being stored and whose manifest is not yet written.</summary>
sealed class PendingArchive(ArchiveRequest request, SubstreamWalker facts, ArchivePlace place, PackedChunk? package)
{
    public ArchiveRequest Request { get; } = request;
    public SubstreamWalker Facts { get; } = facts;
    public ArchivePlace Place { get; } = place;

    /// <summary>The header of the package it came in, packed.</summary>
    public PackedChunk? Package { get; } = package;

    /// <summary>Where its chunk lines lie in the spool.</summary>
    public long LinesStart { get; set; }
    public long LinesLength { get; set; }
    public long Chunks { get; set; }
    public long StoredLength { get; set; }
    public long CompressedChunks { get; set; }

    /// <summary>The archive once its manifest is written, or the one that held the same stream already.</summary>
    public ArchiveEntry? Committed { get; set; }

    public NodeKey Node
    {
        get
        {
            var begin = Facts.Begin!;
            return begin.Crypt is { } key ? new(begin.ToGuid, true, key.KeyGuid, key.ToIvsetGuid) : new(begin.ToGuid, false, 0, 0);
        }
    }
}

/// <summary>What became of one stream.</summary>
/// <param name="AlreadyThere">The same bytes were archived before: nothing was written.</param>
/// <param name="SentLength">Stored bytes that had to be sent.</param>
public sealed record WrittenArchive(ArchiveEntry Archive, bool AlreadyThere, long SentLength, ImmutableArray<string> Warnings)
{
    /// <summary>This host has written it, or has only met it.</summary>
    public void RememberIn(ArchiveRepository repository) => _ = AlreadyThere ? repository.Seen.RememberMet([Archive]) : repository.Seen.Remember([Archive]);
}
