using ZfsArchive.Fetch;
using ZfsArchive.Manifests;
using ZfsArchive.SendStream;

namespace ZfsArchive.Verify;

/// <summary>A chunk with what its manifest says of its place: enough to check it alone, in any order.</summary>
/// <param name="Position">Bytes of the stream before it.</param>
/// <param name="Next">The running checksum after it; null for the last one.</param>
sealed record ChunkInPlace(ArchiveEntry Archive, ChunkLine Line, int Index, long Position, string? Next, bool IsLast);

/// <summary>Walks the records of one chunk from the running checksum before it to the one after it.</summary>
static class ChunkCheck
{
    /// <summary>What is wrong, or null.</summary>
    public static string? Broken(ChunkInPlace place, OpenChunk chunk)
    {
        var head = place.Archive.Head;
        if (place.Index > 0 && place.Line.Checksum is null)
            return head.Stream.OpaqueFrom is { } opaque && place.Position >= opaque ? null : "its running checksum is missing in the manifest";
        try
        {
            var walker = place.Index == 0
                ? new SubstreamWalker()
                : new SubstreamWalker(head.Stream.BigEndian, head.Encryption.Raw, Fletcher4State.Parse(place.Line.Checksum!), place.Position);
            foreach (var piece in chunk.Pieces)
                if (walker.Feed(piece.Span) != piece.Length) return "bytes follow the end of its stream";
            return (place.Index == 0 ? OtherStream(walker, head) : null) ?? OtherRecord(walker, place.Line) ?? WrongEnd(walker, place, head);
        }
        catch (StreamDamageException e)
        {
            return e.Message;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    static string? OtherStream(SubstreamWalker walker, ManifestHead head)
    {
        var begin = walker.Begin;
        return begin is null ? "the stream's opening record is cut"
            : begin.ToGuid != head.Snapshot.Guid || begin.FromGuid != head.Stream.FromGuid || begin.Creation != head.Snapshot.Creation
                || begin.ToName != head.Stream.ToName || begin.Features.Raw != head.Encryption.Raw || begin.BigEndian != head.Stream.BigEndian
                || (begin.Crypt?.KeyGuid ?? 0) != head.Encryption.KeyGuid || (begin.Crypt?.ToIvsetGuid ?? 0) != head.Encryption.ToIvsetGuid
                || begin.Crypt?.WrappingId != head.Encryption.WrappingId || begin.SnapshotName != head.Snapshot.Name
                || !begin.Features.Names.SequenceEqual(head.Stream.Features) || (uint)begin.Flags != head.Stream.Flags
                || (begin.Kind is ObjsetKind.Volume ? "volume" : "filesystem") != head.Dataset.Type || begin.Crypt?.Suite != head.Encryption.Suite
                || begin.Crypt?.KeyFormat != head.Encryption.KeyFormat || (begin.Crypt?.Pbkdf2Salt ?? 0) != head.Encryption.Pbkdf2Salt
                || (begin.Crypt?.FromIvsetGuid ?? 0) != head.Encryption.FromIvsetGuid
                ? $"it opens the stream of {begin.ToName} (guid {begin.ToGuid}), which is not the one in the manifest"
                : null;
    }

    static string? OtherRecord(SubstreamWalker walker, ChunkLine line) =>
        walker.FirstRecord is { } first && line.FirstRecord is { } said && new ChunkFirstRecord(first.Type.WireName(), first.Object, first.Offset) != said
            ? $"its first record is {first.Type.WireName()} of object {first.Object}, not {said.Type} of object {said.Object}"
            : null;

    static string? WrongEnd(SubstreamWalker walker, ChunkInPlace place, ManifestHead head)
    {
        if (walker.OpaqueFrom is not null) return head.Stream.OpaqueFrom is null ? "it has a record of an unknown type" : null;
        if (!place.IsLast)
            return walker.Ended ? "the stream ends in it, and chunks follow"
                : !walker.AtBoundary ? "it ends inside a record"
                : place.Next is { } next && walker.Checksum.ToString() != next ? "its records do not lead to the running checksum of the next chunk"
                : null;
        return walker.Finish() is { } damage ? damage.ToString()
            : walker.EndChecksum.ToString() != head.Stream.EndChecksum ? "its END is not the one in the manifest"
            : null;
    }
}
