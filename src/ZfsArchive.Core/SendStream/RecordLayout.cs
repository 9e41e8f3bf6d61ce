using System.Collections.Immutable;

namespace ZfsArchive.SendStream;

/// <summary>A field of a record: a number of 1, 4 or 8 bytes in the sender's byte order, or bytes as they are.</summary>
/// <param name="Name">As in OpenZFS, without the prefix of its struct.</param>
/// <param name="Offset">Bytes from the start of the header.</param>
/// <param name="Size">Bytes.</param>
/// <param name="IsNumber">False for salts, IVs, MACs and names, which are never swapped.</param>
public readonly record struct RecordField(string Name, int Offset, int Size, bool IsNumber = true);

/// <summary>Where the fields of each record type lie (OpenZFS zfs_ioctl.h, struct dmu_replay_record and its union).</summary>
public static class RecordLayout
{
    static readonly ImmutableArray<RecordField> s_range = [new("object", 8, 8), new("offset", 16, 8), new("length", 24, 8), new("toguid", 32, 8)];

    static readonly ImmutableArray<ImmutableArray<RecordField>> s_fields =
    [
        // BEGIN; its payload length is in the common head, its name takes the place of the checksum
        [new("payloadlen", 4, 4), new("magic", 8, 8), new("versioninfo", 16, 8), new("creation_time", 24, 8), new("type", 32, 4), new("flags", 36, 4),
         new("toguid", 40, 8), new("fromguid", 48, 8), new("toname", 56, 256, false)],
        // OBJECT
        [new("object", 8, 8), new("type", 16, 4), new("bonustype", 20, 4), new("blksz", 24, 4), new("bonuslen", 28, 4), new("checksumtype", 32, 1),
         new("compress", 33, 1), new("dn_slots", 34, 1), new("flags", 35, 1), new("raw_bonuslen", 36, 4), new("toguid", 40, 8), new("indblkshift", 48, 1),
         new("nlevels", 49, 1), new("nblkptr", 50, 1), new("maxblkid", 56, 8)],
        // FREEOBJECTS
        [new("firstobj", 8, 8), new("numobjs", 16, 8), new("toguid", 24, 8)],
        // WRITE
        [new("object", 8, 8), new("type", 16, 4), new("offset", 24, 8), new("logical_size", 32, 8), new("toguid", 40, 8), new("checksumtype", 48, 1),
         new("flags", 49, 1), new("compressiontype", 50, 1), new("key_cksum_0", 56, 8), new("key_cksum_1", 64, 8), new("key_cksum_2", 72, 8),
         new("key_cksum_3", 80, 8), new("key_prop", 88, 8), new("compressed_size", 96, 8), new("salt", 104, 8, false), new("iv", 112, 12, false), new("mac", 124, 16, false)],
        // FREE
        s_range,
        // END
        [new("checksum_0", 8, 8), new("checksum_1", 16, 8), new("checksum_2", 24, 8), new("checksum_3", 32, 8), new("toguid", 40, 8)],
        // WRITE_BYREF
        [.. s_range, new("refguid", 40, 8), new("refobject", 48, 8), new("refoffset", 56, 8), new("checksumtype", 64, 1), new("flags", 65, 1),
         new("key_cksum_0", 72, 8), new("key_cksum_1", 80, 8), new("key_cksum_2", 88, 8), new("key_cksum_3", 96, 8), new("key_prop", 104, 8)],
        // SPILL
        [new("object", 8, 8), new("length", 16, 8), new("toguid", 24, 8), new("flags", 32, 1), new("compressiontype", 33, 1), new("compressed_size", 40, 8),
         new("salt", 48, 8, false), new("iv", 56, 12, false), new("mac", 68, 16, false), new("type", 84, 4)],
        // WRITE_EMBEDDED
        [.. s_range, new("compression", 40, 1), new("etype", 41, 1), new("lsize", 48, 4), new("psize", 52, 4)],
        // OBJECT_RANGE
        [new("firstobj", 8, 8), new("numslots", 16, 8), new("toguid", 24, 8), new("salt", 32, 8, false), new("iv", 40, 12, false), new("mac", 52, 16, false), new("flags", 68, 1)],
        // REDACT
        s_range,
    ];

    public static ImmutableArray<RecordField> FieldsOf(RecordType type) => s_fields[(int)type];
}
