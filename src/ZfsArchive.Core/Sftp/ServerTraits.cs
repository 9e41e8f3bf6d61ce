namespace ZfsArchive.Sftp;

/// <summary>What the server said it is able to do.</summary>
/// <param name="LongestRead">Bytes that one READ may ask for.</param>
/// <param name="LongestWrite">Bytes that one WRITE may carry.</param>
/// <param name="LinksHard">It is OpenSSH's or does as that does: its plain RENAME links, and so never overwrites.</param>
sealed record ServerTraits(bool Syncs, bool RenamesOver, bool TellsSpace, bool TellsLimits, bool LinksHard, int LongestRead = ProtocolLimits.SafePiece, int LongestWrite = ProtocolLimits.SafePiece)
{
    const int MostExtensions = 256;

    /// <summary>From what follows the version in the server's first packet.</summary>
    public static ServerTraits Read(ref PacketReader packet)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (!packet.IsAtEnd)
        {
            var name = packet.Text();
            names.Add($"{name} {packet.Text()}");
            if (names.Count > MostExtensions) throw SftpFault.Broken($"more than {MostExtensions} extensions");
        }
        return new(names.Contains("fsync@openssh.com 1"), names.Contains("posix-rename@openssh.com 1"), names.Contains("statvfs@openssh.com 2"), names.Contains("limits@openssh.com 1"), names.Contains("hardlink@openssh.com 1"));
    }

    /// <summary>With the answer to limits@openssh.com; 0 is the server's word for no limit.</summary>
    public ServerTraits With(ulong longestRead, ulong longestWrite) => this with { LongestRead = Bounded(longestRead), LongestWrite = Bounded(longestWrite) };

    static int Bounded(ulong limit) => limit is 0 or > ProtocolLimits.LongestPiece ? ProtocolLimits.LongestPiece : (int)ulong.Max(limit, 1024);
}
