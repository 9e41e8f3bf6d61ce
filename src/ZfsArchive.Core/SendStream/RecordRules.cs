namespace ZfsArchive.SendStream;

/// <summary>
/// The rules that <c>zfs receive</c> enforces on single records (OpenZFS dmu_recv.c, receive_*): a record that breaks one makes
/// every receiver end with EINVAL. Called after the record's checksum was found right.
/// </summary>
static class RecordRules
{
    const uint LargestBonus = 32 * 512 - 192;
    const ulong LargestEmbedded = 112;
    const ulong Unbounded = ulong.MaxValue;

    /// <summary>What is wrong with the record, or null. Whatever this lets pass has a payload of at most 16 MiB.</summary>
    public static string? Broken(RecordHeader header, bool raw) => header.Type switch
    {
        RecordType.Object => Object(header, raw),
        RecordType.FreeObjects => Wraps(header.U64(8), header.U64(16)) ? "the range of objects wraps" : null,
        RecordType.Write => Write(header),
        RecordType.Free or RecordType.Redact => header.U64(24) != Unbounded && Wraps(header.U64(16), header.U64(24)) ? "the range wraps" : null,
        RecordType.WriteByRef => Wraps(header.U64(16), header.U64(24)) ? "the range wraps" : null,
        RecordType.Spill => Spill(header),
        RecordType.WriteEmbedded => Embedded(header, raw),
        RecordType.ObjectRange => ObjectRange(header, raw),
        _ => null,
    };

    static string? Object(RecordHeader header, bool raw)
    {
        uint blockSize = header.U32(24), bonus = header.U32(28), rawBonus = header.U32(36);
        var slots = header.U8(34) == 0 ? 1u : header.U8(34);
        return header.U64(8) == 0 ? "object 0 cannot be written"
            : blockSize < 512 || blockSize % 512 != 0 || blockSize > RecordHeader.LargestBlock ? $"block size {blockSize}"
            : slots > 32 ? $"{slots} dnode slots"
            : bonus > slots * 512 - 192 ? $"bonus length {bonus} in {slots} slots"
            : rawBonus > LargestBonus || rawBonus > slots * 512 - 192 ? $"raw bonus length {rawBonus} in {slots} slots"
            : !raw && (rawBonus != 0 || header.U8(48) != 0 || header.U8(49) != 0 || header.U8(50) != 0) ? "raw fields in a stream that is not raw"
            : raw && header.U8(50) > 3 ? $"{header.U8(50)} block pointers"
            : null;
    }

    static string? Write(RecordHeader header)
    {
        ulong logical = header.U64(32), payload = header.PayloadLength;
        return Wraps(header.U64(24), logical) ? "the range wraps"
            : logical is < 512 or > RecordHeader.LargestBlock ? $"logical size {logical}"
            : payload == 0 || payload > logical ? $"{payload} bytes for a block of {logical}"
            : null;
    }

    static string? Spill(RecordHeader header)
    {
        ulong length = header.U64(16), payload = header.PayloadLength;
        return length is < 512 or > RecordHeader.LargestBlock ? $"spill length {length}"
            : payload > length ? $"{payload} bytes for a spill block of {length}"
            : null;
    }

    static string? Embedded(RecordHeader header, bool raw) =>
        raw ? "embedded data in a raw stream"
        : header.U32(52) > LargestEmbedded ? $"{header.U32(52)} bytes of embedded data"
        : Wraps(header.U64(16), header.U64(24)) ? "the range wraps"
        : null;

    static string? ObjectRange(RecordHeader header, bool raw) =>
        !raw ? "an object range in a stream that is not raw"
        : header.U64(16) != 32 || header.U64(8) % 32 != 0 ? $"range of {header.U64(16)} slots at {header.U64(8)}, not one block of 32"
        : null;

    static bool Wraps(ulong start, ulong length) => unchecked(start + length) < start;
}

/// <summary>
/// The order that <c>zfs receive</c> enforces between records: writes never go backwards, and every raw OBJECT lies in the
/// last OBJECT_RANGE.
/// </summary>
struct RecordOrder
{
    ulong _lastObject, _lastOffset, _rangeStart;
    bool _inRange;

    /// <summary>What is out of order, or null; notes the record.</summary>
    public string? Broken(RecordHeader header, bool raw)
    {
        switch (header.Type)
        {
            case RecordType.Write:
                ulong number = header.Object, offset = header.Offset;
                if (number < _lastObject || (number == _lastObject && offset < _lastOffset))
                    return $"a write at object {number}, offset {offset} after object {_lastObject}, offset {_lastOffset}";
                (_lastObject, _lastOffset) = (number, offset);
                return null;

            case RecordType.ObjectRange:
                (_rangeStart, _inRange) = (header.Object, true);
                return null;

            case RecordType.Object when raw && _inRange && (header.Object < _rangeStart || header.Object >= _rangeStart + 32):
                return $"object {header.Object} outside its range {_rangeStart} to {_rangeStart + 31}";

            default:
                return null;
        }
    }
}
