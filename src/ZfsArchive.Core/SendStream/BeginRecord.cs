using System.Buffers.Binary;
using System.Text;

namespace ZfsArchive.SendStream;

/// <summary>What a stream's objset is (drr_type of BEGIN, offset 32).</summary>
public enum ObjsetKind
{
    /// <summary>0: only in the header of a package.</summary>
    None = 0,

    /// <summary>2: a file system.</summary>
    Filesystem = 2,

    /// <summary>3: a volume.</summary>
    Volume = 3,
}

/// <summary>Bits of drr_flags in BEGIN (offset 36).</summary>
[Flags]
public enum BeginFlags : uint
{
    None = 0,

    /// <summary>An incremental whose base is a snapshot of another dataset: its origin.</summary>
    Clone = 1,

    /// <summary>The file system is case-insensitive.</summary>
    CaseInsensitive = 2,

    /// <summary>A full with the FREE records that <c>receive -o origin=</c> needs.</summary>
    FreeRecords = 4,

    /// <summary>The spill flags of OBJECT and SPILL records are meaningful; every raw stream has it.</summary>
    SpillBlock = 8,
}

/// <summary>The record that opens a stream or a package, with its property list (struct drr_begin).</summary>
/// <param name="IsPackage">hdrtype (bits 0-1 of drr_versioninfo, offset 16) is 2: a package's header; else a substream.</param>
/// <param name="Creation">drr_creation_time, offset 24: seconds since 1970 of the target snapshot; 0 in packages.</param>
/// <param name="ToGuid">drr_toguid, offset 40.</param>
/// <param name="FromGuid">drr_fromguid, offset 48; 0 for a full.</param>
/// <param name="ToName">drr_toname, offset 56, up to 256 bytes: <c>pool/dataset@snapshot</c>.</param>
/// <param name="Payload">The packed property list that follows the header; empty when there is none.</param>
/// <param name="Properties">The decoded property list, or null when there is none or it cannot be read.</param>
/// <param name="Crypt">crypt_keydata of a raw stream.</param>
public sealed record BeginRecord(
    bool BigEndian, bool IsPackage, StreamFeatures Features, ulong VersionInfo, ulong Creation, ObjsetKind Kind, BeginFlags Flags,
    ulong ToGuid, ulong FromGuid, string ToName, ReadOnlyMemory<byte> Payload, NvList? Properties, CryptKey? Crypt)
{
    /// <summary>drr_magic, offset 8; read swapped, it tells that the sender was big-endian.</summary>
    public const ulong Magic = 0x2_F5BA_CBAC;

    const int NameOffset = 56;
    const int NameSize = 256;

    public bool IsFull => FromGuid == 0;

    public string DatasetName => ToName[..ToName.IndexOf('@', StringComparison.Ordinal)];

    public string SnapshotName => ToName[(ToName.IndexOf('@', StringComparison.Ordinal) + 1)..];

    /// <summary>The byte order that the magic at offset 8 tells, or null when this opens no send stream.</summary>
    public static bool? ByteOrder(ReadOnlySpan<byte> header) =>
        BinaryPrimitives.ReadUInt64LittleEndian(header[8..]) == Magic ? false
        : BinaryPrimitives.ReadUInt64BigEndian(header[8..]) == Magic ? true
        : null;

    /// <exception cref="MalformedRecordException">The record or its property list breaks a rule that receivers enforce.</exception>
    public static BeginRecord Decode(RecordHeader header, ReadOnlyMemory<byte> payload)
    {
        var versionInfo = header.U64(16);
        var isPackage = (versionInfo & 3) switch
        {
            1 => false,
            2 => true,
            var other => throw new MalformedRecordException($"header type {other} is neither a stream (1) nor a package (2)"),
        };
        var kind = (ObjsetKind)header.U32(32);
        if (!isPackage && kind is not (ObjsetKind.Filesystem or ObjsetKind.Volume))
            throw new MalformedRecordException($"objset type {(uint)kind} is neither a file system (2) nor a volume (3)");

        var properties = payload.IsEmpty ? null : ReadProperties(payload.Span);
        var features = StreamFeatures.OfVersionInfo(versionInfo);
        var crypt = features.Raw && properties?.List("crypt_keydata") is { } keydata ? CryptKey.Decode(keydata) : null;
        if (features.Raw && crypt is null)
            throw new MalformedRecordException("the stream is raw but carries no crypt_keydata");

        return new(
            header.BigEndian, isPackage, features, versionInfo, header.U64(24), kind, (BeginFlags)header.U32(36),
            header.U64(40), header.U64(48), ReadName(header.Bytes.Slice(NameOffset, NameSize)), payload, properties, crypt);
    }

    // Bytes that are no UTF-8 show as U+FFFD: the name is for people, the identity is the GUID.
    static string ReadName(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        if (end < 0) throw new MalformedRecordException("the snapshot name has no end");
        var name = Encoding.UTF8.GetString(bytes[..end]);
        return name.Contains('@', StringComparison.Ordinal) ? name : throw new MalformedRecordException($"the snapshot name '{name}' has no '@'");
    }

    static NvList ReadProperties(ReadOnlySpan<byte> payload)
    {
        try
        {
            return NvList.Parse(payload, out _);
        }
        catch (NvListException e)
        {
            throw new MalformedRecordException($"the property list of BEGIN cannot be read: {e.Message}");
        }
    }
}

/// <summary>A record breaks a rule of the format; the text says which.</summary>
public sealed class MalformedRecordException(string message) : Exception(message);
