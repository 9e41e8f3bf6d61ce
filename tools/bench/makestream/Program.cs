// makestream - write a raw send stream of a given size to standard output.
//
//   makestream random|compressible BYTES GOLDEN
//
// Opening, key data, object range, object and write are taken from GOLDEN, a raw stream
// that zfs made. Files of 256 MiB in blocks of 128 KiB follow, and an END with the right sum.

using System.Buffers.Binary;
using System.Globalization;
using ZfsArchive.Bench;
using ZfsArchive.SendStream;

const int BlockSize = 128 << 10;
const long FileSize = 256 << 20;

if (args.Length != 3 || args[0] is not ("random" or "compressible"))
{
    Console.Error.WriteLine("usage: makestream random|compressible BYTES GOLDEN");
    return 2;
}
var length = long.Parse(args[1], CultureInfo.InvariantCulture);
var golden = File.ReadAllBytes(args[2]);
var blocks = new Blocks(args[0] == "compressible", seed: 20_26);
var ids = new Random(7);

var begin = Template.Take(golden, RecordType.Begin);
var range = Template.Take(golden, RecordType.ObjectRange).Draft;
var file = Template.Take(golden, RecordType.Object, plainFile: true);
var write = Template.Take(golden, RecordType.Write, plainFile: true).Draft;
var end = Template.Take(golden, RecordType.End).Draft;

using var output = new BufferedStream(Console.OpenStandardOutput(), 1 << 20);
var counted = 0L;
var writer = new RecordWriter(output, bigEndian: false);
writer.Begin(begin.Draft.Header, begin.Payload);
counted += RecordHeader.Size + begin.Payload.Length;

var block = new byte[BlockSize];
for (var number = 1UL; counted < length; number++)
{
    if (number == 1 || number % 32 == 0)
    {
        range["firstobj"] = number / 32 * 32;
        Put(range, []);
    }
    file.Draft["object"] = number;
    file.Draft["blksz"] = BlockSize;
    file.Draft["maxblkid"] = FileSize / BlockSize - 1;
    Put(file.Draft, file.Payload);
    for (var offset = 0L; offset < FileSize && counted < length; offset += BlockSize)
    {
        blocks.Fill(block);
        write["object"] = number;
        write["offset"] = (ulong)offset;
        write["logical_size"] = BlockSize;
        write["compressed_size"] = BlockSize;
        ids.NextBytes(write.Raw(Template.Field(RecordType.Write, "iv")));
        ids.NextBytes(write.Raw(Template.Field(RecordType.Write, "mac")));
        Put(write, block);
    }
}
Put(end, []);
return 0;

void Put(RecordDraft draft, ReadOnlySpan<byte> payload)
{
    writer.Write(draft.Header, payload);
    counted += RecordHeader.Size + payload.Length;
}

/// <summary>A record of a real stream, to be changed.</summary>
sealed record Template(RecordDraft Draft, byte[] Payload)
{
    const ulong PlainFileContents = 19;

    public static Template Take(byte[] stream, RecordType type, bool plainFile = false)
    {
        if (stream.Length < RecordHeader.Size || BinaryPrimitives.ReadUInt64LittleEndian(stream.AsSpan(8)) != BeginRecord.Magic)
            throw new InvalidDataException("not a little-endian send stream");
        for (var at = 0; at + RecordHeader.Size <= stream.Length;)
        {
            var header = new RecordHeader(stream.AsSpan(at, RecordHeader.Size), bigEndian: false);
            var payload = (int)header.PayloadLength;
            if (header.Type == type && (!plainFile || new RecordDraft(header)["type"] == PlainFileContents))
                return new(new(header), stream.AsSpan(at + RecordHeader.Size, payload).ToArray());
            at += RecordHeader.Size + payload;
        }
        throw new InvalidDataException($"no {type.WireName()} record to copy");
    }

    public static RecordField Field(RecordType type, string name) => RecordLayout.FieldsOf(type).First(f => f.Name == name);
}
