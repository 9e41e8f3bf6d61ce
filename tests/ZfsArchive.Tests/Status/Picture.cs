using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace ZfsArchive.Tests.Status;

/// <summary>A PNG picture of 8 bits a channel, as browsers make them.</summary>
sealed class Picture
{
    readonly int _channels;
    readonly byte[] _pixels;

    Picture(int width, int height, int channels, byte[] pixels) => (Width, Height, _channels, _pixels) = (width, height, channels, pixels);

    public int Width { get; }

    public int Height { get; }

    /// <summary>How many pixels have exactly this colour.</summary>
    public int Count(string colour)
    {
        var wanted = Convert.FromHexString(colour[1..]);
        var count = 0;
        for (var i = 0; i < _pixels.Length; i += _channels)
            if (_pixels.AsSpan(i, 3).SequenceEqual(wanted)) count++;
        return count;
    }

    public static Picture Read(string path)
    {
        var file = File.ReadAllBytes(path).AsSpan();
        var (packed, header) = (new MemoryStream(), Array.Empty<byte>());
        for (var at = 8; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
            var kind = Encoding.ASCII.GetString(file.Slice(at + 4, 4));
            var body = file.Slice(at + 8, length);
            if (kind == "IHDR") header = body.ToArray();
            if (kind == "IDAT") packed.Write(body);
            at += length + 12;
        }
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(header), BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4)));
        Assert.True(header[8] == 8 && header[9] is 2 or 6 && header[12] == 0, "a PNG of another kind");
        var channels = header[9] == 2 ? 3 : 4;
        packed.Position = 0;
        using var rows = new ZLibStream(packed, CompressionMode.Decompress);
        return new(width, height, channels, Unfiltered(rows, width * channels, height, channels));
    }

    static byte[] Unfiltered(Stream rows, int stride, int height, int channels)
    {
        var pixels = new byte[stride * height];
        var above = new byte[stride];
        for (var y = 0; y < height; y++)
        {
            var filter = rows.ReadByte();
            var row = pixels.AsSpan(y * stride, stride);
            rows.ReadExactly(row);
            for (var x = 0; x < stride; x++)
            {
                int left = x < channels ? 0 : row[x - channels], up = above[x], corner = x < channels ? 0 : above[x - channels];
                row[x] += (byte)(filter switch { 0 => 0, 1 => left, 2 => up, 3 => (left + up) / 2, _ => Paeth(left, up, corner) });
            }
            row.CopyTo(above);
        }
        return pixels;
    }

    static int Paeth(int left, int up, int corner)
    {
        var (a, b, c) = (int.Abs(up - corner), int.Abs(left - corner), int.Abs(left + up - (2 * corner)));
        return a <= b && a <= c ? left : b <= c ? up : corner;
    }
}
