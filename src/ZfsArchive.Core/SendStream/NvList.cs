namespace ZfsArchive.SendStream;

/// <summary>
/// The data types of an nvlist by their number on the wire (OpenZFS nvpair.c wire format: native pair, offset 12; XDR pair, after
/// the name). Each line names the CLR type that <see cref="NvPair.Value"/> has.
/// </summary>
public enum NvType : int
{
    /// <summary>null: the presence of the name is all there is.</summary>
    Boolean = 1,

    /// <summary>byte</summary>
    Byte = 2,

    /// <summary>short</summary>
    Int16 = 3,

    /// <summary>ushort</summary>
    UInt16 = 4,

    /// <summary>int</summary>
    Int32 = 5,

    /// <summary>uint</summary>
    UInt32 = 6,

    /// <summary>long</summary>
    Int64 = 7,

    /// <summary>ulong</summary>
    UInt64 = 8,

    /// <summary>string; bytes that are no UTF-8 are kept, see <see cref="SendStream.NvList"/>.</summary>
    String = 9,

    /// <summary>byte[]</summary>
    ByteArray = 10,

    /// <summary>short[]</summary>
    Int16Array = 11,

    /// <summary>ushort[]</summary>
    UInt16Array = 12,

    /// <summary>int[]</summary>
    Int32Array = 13,

    /// <summary>uint[]</summary>
    UInt32Array = 14,

    /// <summary>long[]</summary>
    Int64Array = 15,

    /// <summary>ulong[]</summary>
    UInt64Array = 16,

    /// <summary>string[]</summary>
    StringArray = 17,

    /// <summary>long, nanoseconds</summary>
    HrTime = 18,

    /// <summary><see cref="SendStream.NvList"/></summary>
    NvList = 19,

    /// <summary>NvList[]</summary>
    NvListArray = 20,

    /// <summary>bool</summary>
    BooleanValue = 21,

    /// <summary>sbyte</summary>
    Int8 = 22,

    /// <summary>byte</summary>
    UInt8 = 23,

    /// <summary>bool[]</summary>
    BooleanArray = 24,

    /// <summary>sbyte[]</summary>
    Int8Array = 25,

    /// <summary>byte[]</summary>
    UInt8Array = 26,

    /// <summary>double</summary>
    Double = 27,
}

/// <summary>How a list is packed: byte 0 of the packed form.</summary>
public enum NvEncoding
{
    /// <summary>The structures of the packing host, in its byte order.</summary>
    Native = 0,

    /// <summary>XDR: big-endian words of four bytes, whatever the host.</summary>
    Xdr = 1,
}

/// <summary>One entry of a list. Arrays in <paramref name="Value"/> are not copied: do not change them.</summary>
/// <param name="Name">The name, at most 32,766 bytes of UTF-8, no NUL.</param>
/// <param name="Type">The type on the wire.</param>
/// <param name="Value">The value, of the CLR type that <see cref="NvType"/> tells; another one is refused by <see cref="NvList.Pack"/>.</param>
public sealed record NvPair(string Name, NvType Type, object? Value);

/// <summary>
/// A list of named, typed values in their order, as BEGIN records and resume tokens carry it (OpenZFS nvpair.c wire format). Lists
/// do not change; <see cref="With"/> and its like give changed copies.
/// </summary>
/// <remarks>
/// Names and strings are bytes to ZFS, mostly UTF-8. A byte that is not part of valid UTF-8 is kept as the lone surrogate U+DC80 to
/// U+DCFF (byte + U+DC00, as in Python's surrogateescape) and becomes the same byte again when packed. Such a string is no valid
/// UTF-16: replace the surrogates before it is shown or written as JSON.
/// </remarks>
public sealed class NvList
{
    /// <summary>nvflag of nearly every list: NV_UNIQUE_NAME.</summary>
    public const uint UniqueNames = 1;

    readonly NvPair[] _pairs;
    readonly Dictionary<string, NvPair> _byName;

    /// <summary>Makes a list. Nested lists are packed in the encoding and byte order of the outermost one.</summary>
    /// <exception cref="NvListException">Two pairs have the same name.</exception>
    public NvList(IEnumerable<NvPair> pairs, NvEncoding encoding = NvEncoding.Native, bool littleEndian = true, uint flags = UniqueNames)
    {
        _pairs = [.. pairs];
        _byName = new(_pairs.Length, StringComparer.Ordinal);
        foreach (var pair in _pairs)
        {
            if (!_byName.TryAdd(pair.Name, pair)) throw new NvListException($"the name '{pair.Name}' occurs twice");
        }

        (Encoding, LittleEndian, Flags) = (encoding, littleEndian, flags);
    }

    /// <summary>The entries in the order of the wire.</summary>
    public IReadOnlyList<NvPair> Pairs => _pairs;

    /// <summary>Header byte 0.</summary>
    public NvEncoding Encoding { get; }

    /// <summary>Header byte 1: the packing host was little-endian. Native lists are in that order; in XDR it means nothing.</summary>
    public bool LittleEndian { get; }

    /// <summary>nvflag, offset 8: 1 = unique names, 2 = unique names by type.</summary>
    public uint Flags { get; }

    /// <summary>
    /// Reads a packed list: header byte 0 encoding, byte 1 byte order, bytes 2-3 unused; offset 4 version (0), offset 8 nvflag, offset
    /// 12 pairs. Padding and other bytes without meaning are not kept.
    /// </summary>
    /// <param name="packed">The packed list; may be followed by anything.</param>
    /// <param name="consumed">Bytes up to and with the end mark. ZFS may leave spare zeros behind it (see <see cref="Pack"/>).</param>
    /// <exception cref="NvListException">
    /// The list is malformed: cut off, a size or count beyond the bytes left, a name or string without end, a name twice, an unknown
    /// type, more than 20 lists inside one another. Memory taken is bounded by a small multiple of the bytes given.
    /// </exception>
    public static NvList Parse(ReadOnlySpan<byte> packed, out int consumed) => NvListReader.Read(packed, out consumed);

    /// <summary>
    /// The packed list up to and with its end mark, in the encoding, byte order and order of pairs that it was parsed with: what ZFS
    /// wrote comes back byte for byte. Not written are zeros behind the end mark: those that fill up a record, and the four that ZFS
    /// leaves in XDR for each empty array of numbers (its size counts a count word that it does not write).
    /// </summary>
    /// <exception cref="NvListException">A value is not of its pair's type, a name or string cannot be stored, or lists nest deeper than 20.</exception>
    public byte[] Pack() => NvListWriter.Write(this);

    /// <summary>Whether there is a pair of that name, of any type.</summary>
    public bool Has(string name) => _byName.ContainsKey(name);

    /// <summary>A uint64; null when absent or of another type.</summary>
    public ulong? UInt64(string name) => Value(name, NvType.UInt64) as ulong?;

    /// <summary>A string; null when absent or of another type.</summary>
    public string? Text(string name) => Value(name, NvType.String) as string;

    /// <summary>A uint8_array or byte_array, not copied; null when absent or of another type.</summary>
    public byte[]? Bytes(string name) => (Value(name, NvType.UInt8Array) ?? Value(name, NvType.ByteArray)) as byte[];

    /// <summary>A uint64_array, not copied; null when absent or of another type.</summary>
    public ulong[]? UInt64Array(string name) => Value(name, NvType.UInt64Array) as ulong[];

    /// <summary>A nested list; null when absent or of another type.</summary>
    public NvList? List(string name) => Value(name, NvType.NvList) as NvList;

    /// <summary>A copy with <paramref name="pairs"/> in front, in the order given; pairs of the same names further back are gone.</summary>
    /// <exception cref="NvListException">Two of <paramref name="pairs"/> have the same name.</exception>
    public NvList WithFirst(params NvPair[] pairs)
    {
        var names = pairs.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        return Copy(pairs.Concat(_pairs.Where(p => !names.Contains(p.Name))));
    }

    /// <summary>A copy in which each of <paramref name="pairs"/> takes the place of the one with its name, or comes last.</summary>
    public NvList With(params NvPair[] pairs)
    {
        var changed = _pairs.ToList();
        foreach (var pair in pairs)
        {
            var at = changed.FindIndex(p => p.Name == pair.Name);
            if (at < 0) changed.Add(pair);
            else changed[at] = pair;
        }

        return Copy(changed);
    }

    /// <summary>A copy without the pair of that name, if there is one.</summary>
    public NvList Without(string name) => Copy(_pairs.Where(p => p.Name != name));

    NvList Copy(IEnumerable<NvPair> pairs) => new(pairs, Encoding, LittleEndian, Flags);

    object? Value(string name, NvType type) => _byName.TryGetValue(name, out var pair) && pair.Type == type ? pair.Value : null;
}

/// <summary>A packed list breaks the format, or a list cannot be packed; the text says where and how.</summary>
public sealed class NvListException(string message) : Exception(message);
