using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ZfsArchive.SendStream;

/// <summary>The four 64-bit accumulators of fletcher-4, all arithmetic modulo 2^64 (OpenZFS zfs_fletcher.c).</summary>
public readonly record struct Fletcher4State(ulong A, ulong B, ulong C, ulong D)
{
    public bool IsZero => (A | B | C | D) == 0;

    /// <summary>As <c>zstream dump</c> prints it: four hexadecimal numbers without leading zeros, parted by slashes.</summary>
    public override string ToString() => $"{A:x}/{B:x}/{C:x}/{D:x}";

    /// <exception cref="FormatException">The text is not four hexadecimal numbers parted by slashes.</exception>
    public static Fletcher4State Parse(string text)
    {
        var parts = text.Split('/');
        return parts.Length == 4 ? new(Hex(parts[0]), Hex(parts[1]), Hex(parts[2]), Hex(parts[3])) : throw Bad();

        ulong Hex(string part) => ulong.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : throw Bad();

        FormatException Bad() => new($"'{text}' is not a fletcher-4 state (four hexadecimal numbers parted by '/')");
    }

    /// <summary>The state after <paramref name="words"/> more 32-bit words whose own sums, taken from zero, are <paramref name="own"/>.</summary>
    /// <param name="own">Sums of the added words alone.</param>
    /// <param name="words">How many words; at most 2^21, so that the binomials are exact in 64 bits.</param>
    public Fletcher4State Then(Fletcher4State own, ulong words)
    {
        unchecked
        {
            var pairs = words * (words + 1) / 2;
            var triples = words * (words + 1) * (words + 2) / 6;
            return new(A + own.A, B + own.B + words * A, C + own.C + words * B + pairs * A, D + own.D + words * C + pairs * B + triples * A);
        }
    }
}

/// <summary>The running checksum of a send stream: over 32-bit words in the sender's byte order, fed in pieces of any size.</summary>
public struct Fletcher4
{
    const int SegmentBytes = 1 << 20;
    readonly bool _swap;
    Fletcher4State _state;
    uint _pending;
    int _pendingBytes;

    public Fletcher4(bool bigEndian, Fletcher4State state = default)
    {
        _swap = bigEndian;
        _state = state;
    }

    public readonly Fletcher4State State => _state;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (_pendingBytes > 0 && !bytes.IsEmpty)
        {
            AppendByte(bytes[0]);
            bytes = bytes[1..];
        }

        var whole = bytes.Length & ~3;
        var words = bytes[..whole];
        while (words.Length > 0)
        {
            var part = words[..int.Min(words.Length, SegmentBytes)];
            _state = _swap ? AppendSwapped(_state, part) : AppendWords(_state, MemoryMarshal.Cast<byte, uint>(part));
            words = words[part.Length..];
        }

        foreach (var b in bytes[whole..]) AppendByte(b);
    }

    /// <summary>A header or payload ends here: what is left of less than a word is not summed (as OpenZFS does).</summary>
    public void EndUnit() => (_pending, _pendingBytes) = (0, 0);

    void AppendByte(byte value)
    {
        _pending |= (uint)value << (8 * _pendingBytes);
        if (++_pendingBytes < 4) return;
        var word = _swap ? BinaryPrimitives.ReverseEndianness(_pending) : _pending;
        EndUnit();
        _state = AppendScalar(_state, [word]);
    }

    static Fletcher4State AppendSwapped(Fletcher4State state, ReadOnlySpan<byte> bytes)
    {
        Span<uint> swapped = stackalloc uint[1024];
        var words = MemoryMarshal.Cast<byte, uint>(bytes);
        while (!words.IsEmpty)
        {
            var part = words[..int.Min(words.Length, swapped.Length)];
            BinaryPrimitives.ReverseEndianness(part, swapped);
            state = AppendWords(state, swapped[..part.Length]);
            words = words[part.Length..];
        }
        return state;
    }

    static Fletcher4State AppendWords(Fletcher4State state, ReadOnlySpan<uint> words)
    {
        if (words.Length < 128 || !Vector128.IsHardwareAccelerated) return AppendScalar(state, words);
        var lanes = Vector512.IsHardwareAccelerated ? 8 : Vector256.IsHardwareAccelerated ? 4 : 2;
        var even = words.Length - words.Length % lanes;
        return AppendScalar(AppendLanes(state, words[..even], lanes), words[even..]);
    }

    internal static Fletcher4State AppendLanes(Fletcher4State state, ReadOnlySpan<uint> words, int lanes) =>
        state.Then(lanes switch { 8 => Fletcher4Lanes.Sum8(words), 4 => Fletcher4Lanes.Sum4(words), _ => Fletcher4Lanes.Sum2(words) }, (ulong)words.Length);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Fletcher4State AppendScalar(Fletcher4State state, ReadOnlySpan<uint> words)
    {
        var (a, b, c, d) = state;
        foreach (var word in words)
        {
            unchecked { a += word; b += a; c += b; d += c; }
        }
        return new(a, b, c, d);
    }
}
