namespace ZfsArchive.Sftp;

/// <summary>Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02).</summary>
enum PacketType : byte
{
    Init = 1,
    Version = 2,
    Open = 3,
    Close = 4,
    Read = 5,
    Write = 6,
    Lstat = 7,
    Fstat = 8,
    OpenFolder = 11,
    ReadFolder = 12,
    Remove = 13,
    MakeFolder = 14,
    RemoveFolder = 15,
    Stat = 17,
    Rename = 18,
    Status = 101,
    Handle = 102,
    Data = 103,
    Name = 104,
    Attributes = 105,
    Extended = 200,
    ExtendedReply = 201,
}

/// <summary>What a status says. Servers put everything they have no word for into <see cref="Failure"/>: a taken name, a full disk.</summary>
enum StatusCode : uint
{
    Ok = 0,
    EndOfFile = 1,
    NoSuchFile = 2,
    PermissionDenied = 3,
    Failure = 4,
    BadMessage = 5,
    NoConnection = 6,
    ConnectionLost = 7,
    Unsupported = 8,
}

/// <summary>How a file is opened.</summary>
[Flags]
enum OpenFlags : uint
{
    Read = 0x01,
    Write = 0x02,
    Create = 0x08,
    Exclusive = 0x20,
}

/// <summary>Bounds of the protocol, and of what we take from a server.</summary>
static class ProtocolLimits
{
    /// <summary>The version that OpenSSH and nearly all others speak.</summary>
    public const uint Version = 3;

    /// <summary>Bytes of the longest packet that we take: no honest server sends more.</summary>
    public const int LongestPacket = (256 << 10) + (1 << 10);

    /// <summary>Bytes that one READ or WRITE moves at most: OpenSSH's own limit.</summary>
    public const int LongestPiece = 255 << 10;

    /// <summary>Bytes that every server takes in one READ or WRITE.</summary>
    public const int SafePiece = 32 << 10;

    /// <summary>Bytes of the longest handle that the protocol allows.</summary>
    public const int LongestHandle = 256;
}
