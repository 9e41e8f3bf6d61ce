using System.Buffers.Binary;

namespace ZfsArchive.SendStream;

/// <summary>
/// Writes a substream: every record's checksum, and the one inside END, are made from what was written. Order of one record
/// (OpenZFS dmu_send.c, dump_record): sum bytes 0 to 279, store the sum at 280, sum the stored sum, sum the payload.
/// </summary>
/// <param name="unsealedEnd">END's own checksum stays zero, as libzfs leaves it in the header of a package.</param>
public sealed class RecordWriter(Stream output, bool bigEndian, bool unsealedEnd = false)
{
    static readonly RecordField[] s_endChecksum = [.. RecordLayout.FieldsOf(RecordType.End).Where(f => f.Name.StartsWith("checksum", StringComparison.Ordinal))];
    readonly byte[] _header = new byte[RecordHeader.Size];
    Fletcher4 _sum;

    /// <summary>Opens a substream: the header with this payload's length; the running sum starts anew.</summary>
    public void Begin(RecordHeader header, ReadOnlySpan<byte> payload)
    {
        var draft = new RecordDraft(header) { ["payloadlen"] = (ulong)payload.Length };
        _sum = new(bigEndian);
        _sum.Append(draft.Header.Bytes);
        output.Write(draft.Header.Bytes);
        Payload(payload);
    }

    /// <summary>Any record but BEGIN; what its checksum fields hold is replaced.</summary>
    public void Write(RecordHeader header, ReadOnlySpan<byte> payload)
    {
        var draft = new RecordDraft(header);
        var sealing = header.Type is not RecordType.End || !unsealedEnd;
        if (header.Type is RecordType.End)
        {
            var (a, b, c, d) = _sum.State;
            foreach (var (field, value) in s_endChecksum.Zip([a, b, c, d])) draft.Set(field, value);
        }
        draft.Header.Bytes[..RecordHeader.ChecksumOffset].CopyTo(_header);
        _sum.Append(_header.AsSpan(0, RecordHeader.ChecksumOffset));
        Store(sealing ? _sum.State : default);
        _sum.Append(_header.AsSpan(RecordHeader.ChecksumOffset));
        output.Write(_header);
        Payload(payload);
    }

    void Store(Fletcher4State state)
    {
        var at = _header.AsSpan(RecordHeader.ChecksumOffset);
        ReadOnlySpan<ulong> words = [state.A, state.B, state.C, state.D];
        for (var i = 0; i < words.Length; i++)
        {
            if (bigEndian) BinaryPrimitives.WriteUInt64BigEndian(at[(8 * i)..], words[i]);
            else BinaryPrimitives.WriteUInt64LittleEndian(at[(8 * i)..], words[i]);
        }
    }

    void Payload(ReadOnlySpan<byte> payload)
    {
        _sum.Append(payload);
        _sum.EndUnit();
        output.Write(payload);
    }
}
