using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace ZfsArchive.SendStream;

/// <summary>
/// Text between bytes and strings without loss: UTF-8, and each byte that is no part of valid UTF-8 as the lone surrogate byte + U+DC00.
/// Decoded UTF-8 never holds a lone surrogate, so every byte sequence has its own string and comes back from it.
/// </summary>
static class NvText
{
    const char Escape = '\uDC00';

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes)) return Encoding.UTF8.GetString(bytes);

        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(bytes, out var rune, out var used) == OperationStatus.Done;
            if (valid) text.Append(rune.ToString());
            else
            {
                foreach (var b in bytes[..used]) text.Append((char)(Escape + b));
            }

            bytes = bytes[used..];
        }

        return text.ToString();
    }

    /// <summary>The number of bytes that <see cref="Encode"/> gives.</summary>
    /// <exception cref="NvListException">There is a NUL in it, which would end it early, or a surrogate that stands for no byte.</exception>
    public static long ByteCount(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal)) throw new NvListException("a name or string with a NUL in it cannot be packed");
        if (Ascii.IsValid(text)) return text.Length;

        var count = 0L;
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            var valid = Rune.DecodeFromUtf16(rest, out var rune, out var used) == OperationStatus.Done;
            if (!valid && !IsEscaped(rest[0])) throw new NvListException("a name or string with a lone surrogate in it cannot be packed");
            count += valid ? rune.Utf8SequenceLength : 1;
            rest = rest[used..];
        }

        return count;
    }

    /// <exception cref="NvListException">As <see cref="ByteCount"/>.</exception>
    public static byte[] Encode(string text)
    {
        var bytes = new byte[ByteCount(text)];
        if (Ascii.FromUtf16(text, bytes, out _) == OperationStatus.Done) return bytes;

        var filled = 0;
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var used) == OperationStatus.Done)
                filled += rune.EncodeToUtf8(bytes.AsSpan(filled));
            else
                bytes[filled++] = (byte)(rest[0] - Escape);
            rest = rest[used..];
        }

        return bytes;
    }

    static bool IsEscaped(char c) => c is >= '\uDC80' and <= '\uDCFF';
}
