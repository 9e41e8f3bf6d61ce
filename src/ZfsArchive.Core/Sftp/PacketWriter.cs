using System.Buffers.Binary;
using System.Text;

namespace ZfsArchive.Sftp;

/// <summary>Puts a request together, but for the data of a WRITE.</summary>
sealed class PacketWriter
{
    const uint HasPermissions = 4;
    const int LengthField = 4;

    byte[] _bytes = new byte[128];
    int _length = LengthField;

    public PacketWriter(PacketType type)
    {
        _bytes[_length++] = (byte)type;
        Type = type;
    }

    public PacketWriter(PacketType type, uint id)
        : this(type)
    {
        Id = id;
        UInt32(id);
    }

    public PacketType Type { get; }

    public uint Id { get; }

    public PacketWriter UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(Room(4), value);
        return this;
    }

    public PacketWriter UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Room(8), value);
        return this;
    }

    public PacketWriter Bytes(ReadOnlySpan<byte> value)
    {
        UInt32((uint)value.Length);
        value.CopyTo(Room(value.Length));
        return this;
    }

    public PacketWriter Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    /// <summary>Attributes that set nothing but permissions.</summary>
    public PacketWriter Permissions(UnixFileMode mode) => UInt32(HasPermissions).UInt32((uint)mode);

    /// <summary>The packet with its length in front.</summary>
    /// <param name="following">Bytes that are sent behind it and belong to it.</param>
    public byte[] Finish(int following = 0)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_bytes, (uint)(_length - LengthField + following));
        return _bytes[.._length];
    }

    Span<byte> Room(int count)
    {
        if (_bytes.Length - _length < count) Array.Resize(ref _bytes, int.Max(_bytes.Length * 2, _length + count));
        _length += count;
        return _bytes.AsSpan(_length - count, count);
    }
}
