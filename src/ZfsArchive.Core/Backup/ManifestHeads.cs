using System.Collections.Immutable;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.SendStream;

namespace ZfsArchive.Backup;

/// <summary>Puts the head of a manifest together from what the stream said, what was ordered and what was stored.</summary>
public static class ManifestHeads
{
    internal static ManifestHead Of(PendingArchive pending, string repositoryId, WriterSettings settings, DateTimeOffset now)
    {
        var (request, facts) = (pending.Request, pending.Facts);
        var begin = facts.Begin!;
        return new(
            ManifestHead.CurrentFormat,
            request.Dataset,
            new(begin.SnapshotName, begin.ToGuid, request.Createtxg, begin.Creation),
            begin.IsFull ? ManifestHead.Full : ManifestHead.Incremental,
            request.Base?.Entry is { } archive ? new(begin.FromGuid, request.BaseName ?? archive.SnapshotName, archive.Id, archive.Sha256) : null,
            Stream(facts, request),
            Encryption(begin, request),
            request.Properties,
            new(settings.FixedTarget, settings.Level, Zstd.Version),
            new(repositoryId),
            new(pending.Chunks, pending.StoredLength, pending.CompressedChunks),
            new(now, settings.Version, settings.Host, settings.ZfsUserland, settings.ZfsModule),
            pending.Package is { } package ? Layout.Package(pending.Place.Folder, pending.Place.Name, package.Sha256) : null,
            ManifestReplaced.None);
    }

    static ManifestStream Stream(SubstreamWalker facts, ArchiveRequest request)
    {
        var begin = facts.Begin!;
        var conditions = request.Conditions;
        if (facts.OpaqueFrom is not null) conditions = conditions.Add(StreamConditions.Opaque);
        if (facts.Counts[(int)RecordType.WriteByRef] > 0 && !conditions.Contains(StreamConditions.Dedup)) conditions = conditions.Add(StreamConditions.Dedup);
        return new(
            facts.Length, begin.ToName, begin.FromGuid, facts.Ended ? facts.EndChecksum.ToString() : null, begin.BigEndian, begin.Features.Names, (uint)begin.Flags,
            facts.OpaqueFrom, conditions, Records(facts), new(begin.Features.OldestZfs.ToString(3), begin.Features.PoolFeatures), request.SendFlags);
    }

    /// <summary>Counts by name, BEGIN and what never occurred left out.</summary>
    public static ImmutableSortedDictionary<string, long> Records(SubstreamWalker facts) =>
        Enumerable.Range(1, RecordTypes.Count - 1).Where(t => facts.Counts[t] > 0)
            .ToImmutableSortedDictionary(t => ((RecordType)t).WireName(), t => facts.Counts[t], StringComparer.Ordinal);

    static ManifestEncryption Encryption(BeginRecord begin, ArchiveRequest request) =>
        begin.Crypt is { } key
            ? new(true, key.Suite, key.KeyGuid, key.KeyFormat, key.WrappingId, key.Pbkdf2Salt, key.ToIvsetGuid, key.FromIvsetGuid, request.EncryptionRoot)
            : new(false, null, 0, null, null, 0, 0, 0, null);
}
