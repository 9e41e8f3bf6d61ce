using System.Globalization;
using System.IO.Compression;

namespace ZfsArchive.SendStream;

/// <summary>
/// What <c>receive_resume_token</c> tells: <c>1-FLETCHER-LENGTH-ZLIB</c>, all hexadecimal; the zlib data holds a packed nvlist
/// (OpenZFS libzfs_sendrecv.c, zfs_send_resume_token_to_nvlist).
/// </summary>
/// <param name="ToGuid">The snapshot being received.</param>
/// <param name="FromGuid">Its base; 0 for a full.</param>
public sealed record ResumeToken(ulong ToGuid, ulong FromGuid, ulong Object, ulong Offset, ulong Bytes, string ToName)
{
    const int LargestPacked = 1 << 20;

    /// <exception cref="FormatException">The text is no resume token.</exception>
    public static ResumeToken Parse(string text)
    {
        var parts = text.Split('-');
        if (parts is not ["1", var sumText, var lengthText, var hex]
            || !ulong.TryParse(sumText, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var sum)
            || !int.TryParse(lengthText, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length) || length is < 0 or > LargestPacked)
            throw new FormatException("this is no resume token");

        var compressed = Convert.FromHexString(hex);
        var fletcher = new Fletcher4(bigEndian: false);
        fletcher.Append(compressed);
        if (fletcher.State.A != sum) throw new FormatException("the resume token's checksum is wrong");
        return Decode(Inflate(compressed, length));
    }

    static byte[] Inflate(byte[] compressed, int length)
    {
        var packed = new byte[length];
        try
        {
            using var zlib = new ZLibStream(new MemoryStream(compressed), CompressionMode.Decompress);
            zlib.ReadExactly(packed);
            return packed;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new FormatException("the resume token cannot be decompressed", e);
        }
    }

    static ResumeToken Decode(byte[] packed)
    {
        try
        {
            var list = NvList.Parse(packed, out _);
            return new(Number("toguid"), list.UInt64("fromguid") ?? 0, Number("object"), Number("offset"), Number("bytes"), list.Text("toname") ?? "");

            ulong Number(string name) => list.UInt64(name) ?? throw new FormatException($"the resume token has no {name}");
        }
        catch (NvListException e)
        {
            throw new FormatException($"the resume token cannot be read: {e.Message}", e);
        }
    }
}
