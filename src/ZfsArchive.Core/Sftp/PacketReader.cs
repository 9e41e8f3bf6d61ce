using System.Buffers.Binary;
using System.Text;

namespace ZfsArchive.Sftp;

/// <summary>Takes an answer apart; every length in it is the server's and is checked before it is believed.</summary>
ref struct PacketReader(ReadOnlySpan<byte> bytes)
{
    ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    /// <exception cref="SftpFault">It would be longer than the packet.</exception>
    public ReadOnlySpan<byte> Bytes()
    {
        var length = UInt32();
        if (length > _rest.Length) throw SftpFault.Broken($"a field of {length} bytes in a packet that has {_rest.Length} left");
        return Take((int)length);
    }

    public string Text() => Encoding.UTF8.GetString(Bytes());

    ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length) throw SftpFault.Broken("a packet that ends too early");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
