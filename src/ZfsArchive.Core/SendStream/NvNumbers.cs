using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZfsArchive.SendStream;

/// <summary>
/// What the types of an nvlist have in common in all encodings: the number of their elements, and the elements of those made of
/// numbers, packed without gaps (the value of a native pair).
/// </summary>
static class NvNumbers
{
    /// <summary>Bytes of one element in native form; 0 for types that are not made of numbers.</summary>
    public static int Width(NvType type) => type switch
    {
        NvType.Byte or NvType.Int8 or NvType.UInt8 or NvType.ByteArray or NvType.Int8Array or NvType.UInt8Array => 1,
        NvType.Int16 or NvType.UInt16 or NvType.Int16Array or NvType.UInt16Array => 2,
        NvType.Int32 or NvType.UInt32 or NvType.Int32Array or NvType.UInt32Array or NvType.BooleanValue or NvType.BooleanArray => 4,
        NvType.Int64 or NvType.UInt64 or NvType.Int64Array or NvType.UInt64Array or NvType.HrTime or NvType.Double => 8,
        _ => 0,
    };

    public static bool IsArray(NvType type) =>
        type is (>= NvType.ByteArray and <= NvType.StringArray) or NvType.NvListArray or (>= NvType.BooleanArray and <= NvType.UInt8Array);

    /// <summary>nelem is 0 for boolean, 1 for everything that is not an array; an array may have any number, also none.</summary>
    public static bool CountFits(NvType type, int count) =>
        type == NvType.Boolean ? count == 0 : IsArray(type) ? count >= 0 : count == 1;

    /// <summary>The value whose elements are <paramref name="bytes"/>: exactly one unless the type is an array.</summary>
    /// <exception cref="NvListException">A boolean is neither 0 nor 1.</exception>
    public static object Read(NvType type, ReadOnlySpan<byte> bytes, bool littleEndian) => type switch
    {
        NvType.Byte or NvType.UInt8 => bytes[0],
        NvType.Int8 => (sbyte)bytes[0],
        NvType.Int16 => Elements<short>(bytes, littleEndian)[0],
        NvType.UInt16 => Elements<ushort>(bytes, littleEndian)[0],
        NvType.Int32 => Elements<int>(bytes, littleEndian)[0],
        NvType.UInt32 => Elements<uint>(bytes, littleEndian)[0],
        NvType.Int64 or NvType.HrTime => Elements<long>(bytes, littleEndian)[0],
        NvType.UInt64 => Elements<ulong>(bytes, littleEndian)[0],
        NvType.Double => Elements<double>(bytes, littleEndian)[0],
        NvType.BooleanValue => Booleans(bytes, littleEndian)[0],
        NvType.ByteArray or NvType.UInt8Array => bytes.ToArray(),
        NvType.Int8Array => Elements<sbyte>(bytes, littleEndian),
        NvType.Int16Array => Elements<short>(bytes, littleEndian),
        NvType.UInt16Array => Elements<ushort>(bytes, littleEndian),
        NvType.Int32Array => Elements<int>(bytes, littleEndian),
        NvType.UInt32Array => Elements<uint>(bytes, littleEndian),
        NvType.Int64Array => Elements<long>(bytes, littleEndian),
        NvType.UInt64Array => Elements<ulong>(bytes, littleEndian),
        NvType.BooleanArray => Booleans(bytes, littleEndian),
        _ => throw new UnreachableException($"{type} is not made of numbers"),
    };

    /// <summary>The elements of a value: the reverse of <see cref="Read"/>.</summary>
    /// <exception cref="NvListException">The value is not of the type.</exception>
    public static byte[] Write(NvType type, object? value, bool littleEndian) => (type, value) switch
    {
        (NvType.Byte or NvType.UInt8, byte v) => [v],
        (NvType.Int8, sbyte v) => [(byte)v],
        (NvType.Int16, short v) => Bytes([v], littleEndian),
        (NvType.UInt16, ushort v) => Bytes([v], littleEndian),
        (NvType.Int32, int v) => Bytes([v], littleEndian),
        (NvType.UInt32, uint v) => Bytes([v], littleEndian),
        (NvType.Int64 or NvType.HrTime, long v) => Bytes([v], littleEndian),
        (NvType.UInt64, ulong v) => Bytes([v], littleEndian),
        (NvType.Double, double v) => Bytes([v], littleEndian),
        (NvType.BooleanValue, bool v) => Bytes([v ? 1u : 0u], littleEndian),
        (NvType.ByteArray or NvType.UInt8Array, byte[] v) => v,
        (NvType.Int8Array, sbyte[] v) => Bytes<sbyte>(v, littleEndian),
        (NvType.Int16Array, short[] v) => Bytes<short>(v, littleEndian),
        (NvType.UInt16Array, ushort[] v) => Bytes<ushort>(v, littleEndian),
        (NvType.Int32Array, int[] v) => Bytes<int>(v, littleEndian),
        (NvType.UInt32Array, uint[] v) => Bytes<uint>(v, littleEndian),
        (NvType.Int64Array, long[] v) => Bytes<long>(v, littleEndian),
        (NvType.UInt64Array, ulong[] v) => Bytes<ulong>(v, littleEndian),
        (NvType.BooleanArray, bool[] v) => Bytes<uint>(Array.ConvertAll(v, b => b ? 1u : 0u), littleEndian),
        _ => throw Mismatch(type, value),
    };

    public static NvListException Mismatch(NvType type, object? value) =>
        new($"a value of type {value?.GetType().Name ?? "null"} cannot be packed as {type}");

    static T[] Elements<T>(ReadOnlySpan<byte> bytes, bool littleEndian)
        where T : unmanaged
    {
        var elements = new T[bytes.Length / Unsafe.SizeOf<T>()];
        var target = MemoryMarshal.AsBytes(elements.AsSpan());
        bytes.CopyTo(target);
        Order(target, Unsafe.SizeOf<T>(), littleEndian);
        return elements;
    }

    static byte[] Bytes<T>(ReadOnlySpan<T> elements, bool littleEndian)
        where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(elements).ToArray();
        Order(bytes, Unsafe.SizeOf<T>(), littleEndian);
        return bytes;
    }

    // ZFS takes no other value for true than 1, and only then does a bool give the same bytes again.
    static bool[] Booleans(ReadOnlySpan<byte> bytes, bool littleEndian) =>
        Array.ConvertAll(Elements<uint>(bytes, littleEndian), word => word <= 1 ? word == 1 : throw new NvListException($"a boolean is {word}, not 0 or 1"));

    static void Order(Span<byte> bytes, int width, bool littleEndian)
    {
        if (littleEndian == BitConverter.IsLittleEndian || width == 1) return;
        for (; !bytes.IsEmpty; bytes = bytes[width..]) bytes[..width].Reverse();
    }
}
