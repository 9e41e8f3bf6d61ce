using System.Text;
using ZfsArchive.SendStream;

namespace ZfsArchive.Tests.Worlds;

/// <summary>
/// A made send stream of one file: BEGIN, OBJECT, WRITE records of 128 KiB (every other run of eight compressible), END.
/// The bytes of a block depend on the seed and its number alone.
/// </summary>
sealed record SyntheticStream
{
    const int Block = 128 << 10;
    const int PlainFileContents = 19;
    const int Znode = 44;

    public string Name { get; init; } = "tank/made@s1";
    public ulong ToGuid { get; init; } = 0x1000_0000_0000_0001;
    public ulong FromGuid { get; init; }
    public ulong Creation { get; init; } = 1_790_000_000;
    public int Blocks { get; init; } = 64;
    public int Seed { get; init; } = 1;

    /// <summary>The block that is another one than the seed says; none if negative.</summary>
    public int ChangedBlock { get; init; } = -1;

    /// <summary>A record of a type that nobody knows stands before this block; none if negative.</summary>
    public int UnknownBefore { get; init; } = -1;

    public byte[] Bytes()
    {
        var output = new MemoryStream(Blocks * (Block + RecordHeader.Size) + 4 * RecordHeader.Size);
        var writer = new RecordWriter(output, bigEndian: false);
        var begin = new RecordDraft(RecordType.Begin, false)
        {
            ["magic"] = BeginRecord.Magic, ["versioninfo"] = 1UL | 1UL << 4, ["creation_time"] = Creation, ["type"] = (ulong)ObjsetKind.Filesystem,
            ["flags"] = (ulong)(BeginFlags.FreeRecords | BeginFlags.SpillBlock), ["toguid"] = ToGuid, ["fromguid"] = FromGuid,
        };
        Encoding.UTF8.GetBytes(Name).CopyTo(begin.Raw(RecordLayout.FieldsOf(RecordType.Begin).Single(f => f.Name == "toname")));
        writer.Begin(begin.Header, []);

        var file = new RecordDraft(RecordType.Object, false)
        {
            ["object"] = 2, ["type"] = PlainFileContents, ["bonustype"] = Znode, ["blksz"] = Block, ["bonuslen"] = 168, ["dn_slots"] = 1, ["toguid"] = ToGuid,
        };
        writer.Write(file.Header, new byte[168]);
        for (var block = 0; block < Blocks; block++)
        {
            if (block == UnknownBefore)
            {
                var unknown = new byte[RecordHeader.Size];
                unknown[0] = 77;
                writer.Write(new(unknown, false), []);
            }
            var write = new RecordDraft(RecordType.Write, false)
            {
                ["object"] = 2, ["type"] = PlainFileContents, ["offset"] = (ulong)block * Block, ["logical_size"] = Block, ["toguid"] = ToGuid, ["checksumtype"] = 7,
            };
            writer.Write(write.Header, Content(block));
        }
        writer.Write(new RecordDraft(RecordType.End, false) { ["toguid"] = ToGuid }.Header, []);
        return output.ToArray();
    }

    byte[] Content(int block)
    {
        var bytes = new byte[Block];
        new Random((Seed * 1_000_003 + block) * 2 + (block == ChangedBlock ? 1 : 0)).NextBytes(bytes);
        if (block / 8 % 2 == 1)
            for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)('a' + (bytes[i] & 3));
        return bytes;
    }
}
