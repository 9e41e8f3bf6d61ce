using System.Buffers.Binary;

namespace ZfsArchive.SendStream;

/// <summary>
/// One record's 312-byte header where it lies. All offsets are of struct dmu_replay_record (OpenZFS zfs_ioctl.h);
/// integers are in the byte order of the host that sent it.
/// </summary>
public readonly ref struct RecordHeader(ReadOnlySpan<byte> bytes, bool bigEndian)
{
    /// <summary>Bytes of every header.</summary>
    public const int Size = 312;

    /// <summary>Where the stored running checksum lies (4 x u64); in BEGIN this is the tail of the name.</summary>
    public const int ChecksumOffset = 280;

    /// <summary>The largest block that a pool can hold (SPA_MAXBLOCKSIZE), in bytes.</summary>
    public const int LargestBlock = 16 << 20;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public bool BigEndian { get; } = bigEndian;

    /// <summary>drr_type, offset 0; may be a number that <see cref="RecordType"/> does not know.</summary>
    public RecordType Type => (RecordType)U32(0);

    /// <summary>drr_payloadlen, offset 4: bytes that follow BEGIN; 0 in every other record.</summary>
    public uint BeginPayloadLength => U32(4);

    /// <summary>The running checksum before this field (offset 280); zero means that it was not filled.</summary>
    public Fletcher4State StoredChecksum => State(ChecksumOffset);

    /// <summary>END only, offset 8: the running checksum of everything before this record.</summary>
    public Fletcher4State EndChecksum => State(8);

    public byte U8(int offset) => Bytes[offset];

    public uint U32(int offset) => BigEndian ? BinaryPrimitives.ReadUInt32BigEndian(Bytes[offset..]) : BinaryPrimitives.ReadUInt32LittleEndian(Bytes[offset..]);

    public ulong U64(int offset) => BigEndian ? BinaryPrimitives.ReadUInt64BigEndian(Bytes[offset..]) : BinaryPrimitives.ReadUInt64LittleEndian(Bytes[offset..]);

    Fletcher4State State(int offset) => new(U64(offset), U64(offset + 8), U64(offset + 16), U64(offset + 24));

    /// <summary>The object number or the first of a range (offset 8); 0 in BEGIN and END.</summary>
    public ulong Object => Type is RecordType.Begin or RecordType.End ? 0 : U64(8);

    /// <summary>The byte offset inside the object for WRITE (24), FREE, REDACT, WRITE_EMBEDDED and WRITE_BYREF (16); else 0.</summary>
    public ulong Offset => Type switch
    {
        RecordType.Write => U64(24),
        RecordType.Free or RecordType.Redact or RecordType.WriteEmbedded or RecordType.WriteByRef => U64(16),
        _ => 0,
    };

    /// <summary>
    /// Bytes that follow this header, as its own fields say; not yet range-checked, so it may be any 64-bit number.
    /// </summary>
    public ulong PayloadLength => Type switch
    {
        RecordType.Begin => BeginPayloadLength,
        // raw_bonuslen (36) when there is one, else bonuslen (28), padded to 8
        RecordType.Object => U32(36) is var raw && raw != 0 ? raw : RoundUp8(U32(28)),
        // compressiontype (50) says whether compressed_size (96) or logical_size (32) counts; "off" (2) counts as compressed
        RecordType.Write => U8(50) != 0 ? U64(96) : U64(32),
        // compressed_size (40) when there is one, else length (16)
        RecordType.Spill => U64(40) is var compressed && compressed != 0 ? compressed : U64(16),
        // psize (52), padded to 8
        RecordType.WriteEmbedded => RoundUp8(U32(52)),
        _ => 0,
    };

    static ulong RoundUp8(ulong value) => value + 7 & ~7UL;
}
