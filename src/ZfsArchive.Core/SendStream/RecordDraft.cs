using System.Buffers.Binary;

namespace ZfsArchive.SendStream;

/// <summary>A record's header being made: all bytes zero but for the type and what is set.</summary>
public sealed class RecordDraft
{
    readonly byte[] _bytes = new byte[RecordHeader.Size];

    public RecordDraft(RecordType type, bool bigEndian)
    {
        BigEndian = bigEndian;
        Set(new RecordField("type", 0, 4), (ulong)type);
    }

    /// <summary>A copy of a header, to be changed.</summary>
    public RecordDraft(RecordHeader header)
    {
        BigEndian = header.BigEndian;
        header.Bytes.CopyTo(_bytes);
    }

    public bool BigEndian { get; }

    public RecordHeader Header => new(_bytes, BigEndian);

    /// <exception cref="ArgumentException">The record's type has no such number.</exception>
    public ulong this[string field]
    {
        get => Get(Find(field));
        set => Set(Find(field), value);
    }

    public ulong Get(RecordField field) => field.Size switch
    {
        1 => _bytes[field.Offset],
        4 => Header.U32(field.Offset),
        _ => Header.U64(field.Offset),
    };

    public void Set(RecordField field, ulong value)
    {
        var at = _bytes.AsSpan(field.Offset, field.Size);
        switch (field.Size)
        {
            case 1: at[0] = checked((byte)value); break;
            case 4 when BigEndian: BinaryPrimitives.WriteUInt32BigEndian(at, checked((uint)value)); break;
            case 4: BinaryPrimitives.WriteUInt32LittleEndian(at, checked((uint)value)); break;
            default:
                if (BigEndian) BinaryPrimitives.WriteUInt64BigEndian(at, value);
                else BinaryPrimitives.WriteUInt64LittleEndian(at, value);
                break;
        }
    }

    /// <summary>Bytes of a field that is no number: a salt, an IV, a MAC, a name.</summary>
    public Span<byte> Raw(RecordField field) => _bytes.AsSpan(field.Offset, field.Size);

    RecordField Find(string name) =>
        RecordLayout.FieldsOf(Header.Type).FirstOrDefault(f => f.Name == name && f.IsNumber) is { Name: not null } field
            ? field
            : throw new ArgumentException($"{Header.Type.WireName()} has no number '{name}'", nameof(name));
}
