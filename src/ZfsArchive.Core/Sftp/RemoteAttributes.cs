namespace ZfsArchive.Sftp;

/// <summary>What the server tells of a file; null is what it did not tell.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="Mode">Type and permissions as in <c>st_mode</c>.</param>
/// <param name="ModifiedAt">Seconds since 1970.</param>
readonly record struct RemoteAttributes(long? Length, uint? Mode, uint? ModifiedAt)
{
    const uint HasSize = 1, HasOwner = 2, HasPermissions = 4, HasTimes = 8, HasExtended = 0x80000000;
    const uint TypeMask = 0xF000, Folder = 0x4000, File = 0x8000;
    const int MostExtended = 64;

    public bool IsFolder => (Mode & TypeMask) == Folder;

    public bool IsFile => (Mode & TypeMask) == File;

    /// <summary>Whether everything is there that a listing needs.</summary>
    public bool IsComplete => Mode is not null && ModifiedAt is not null && Length is not null;

    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeSeconds(ModifiedAt ?? 0);

    public static RemoteAttributes Read(ref PacketReader packet)
    {
        var has = packet.UInt32();
        long? length = null;
        uint? mode = null, modified = null;
        if ((has & HasSize) != 0)
        {
            var size = packet.UInt64();
            length = size <= long.MaxValue ? (long)size : throw SftpFault.Broken($"a file of {size} bytes");
        }
        if ((has & HasOwner) != 0) packet.UInt64();
        if ((has & HasPermissions) != 0) mode = packet.UInt32();
        if ((has & HasTimes) != 0)
        {
            packet.UInt32();
            modified = packet.UInt32();
        }
        if ((has & HasExtended) != 0) SkipExtended(ref packet);
        return new(length, mode, modified);
    }

    static void SkipExtended(ref PacketReader packet)
    {
        var count = packet.UInt32();
        if (count > MostExtended) throw SftpFault.Broken($"{count} extended attributes");
        for (var i = 0; i < count; i++)
        {
            packet.Bytes();
            packet.Bytes();
        }
    }
}
