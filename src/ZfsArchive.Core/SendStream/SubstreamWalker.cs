using System.Collections.Immutable;

namespace ZfsArchive.SendStream;

/// <summary>Where and why a stream is no stream: <see cref="Offset"/> is where the record begins that cannot be believed.</summary>
/// <param name="Offset">Bytes from the start of the stream or package.</param>
/// <param name="Record">Whole records before it, the one that opens the stream being number 0.</param>
/// <param name="Reason">A sentence; for a checksum it names the range of bytes in which the damage lies.</param>
public sealed record StreamDamage(long Offset, long Record, string Reason)
{
    public override string ToString() => $"damaged at byte {Offset}, record {Record}: {Reason}";
}

/// <summary>A stream is damaged, incomplete, or no stream at all.</summary>
public sealed class StreamDamageException(StreamDamage damage) : Exception(damage.ToString())
{
    public StreamDamage Damage { get; } = damage;
}

/// <summary>A record as one names it: its type, its object (or first of a range) and its offset inside the object.</summary>
public readonly record struct RecordKey(RecordType Type, ulong Object, ulong Offset);

/// <summary>
/// Walks one substream, BEGIN to END, as its bytes are pushed in pieces of any size. Every header is checked against the
/// running checksum before a field of it is believed. Holds one header and BEGIN's payload, and no other payload.
/// </summary>
public sealed class SubstreamWalker
{
    /// <summary>What BEGIN may carry at most, in bytes. Real ones have about 1 KiB; a package's header has a kibibyte a snapshot.</summary>
    public const int LargestSubstreamBegin = 16 << 20, LargestPackageBegin = 64 << 20;

    readonly long _start;
    readonly byte[] _header = new byte[RecordHeader.Size];
    int _headerFill;
    int _payloadLeft;
    byte[]? _beginPayload;
    Fletcher4 _sum;
    bool _opened, _bigEndian, _raw, _sealed;
    RecordOrder _order;
    long _recordStart, _provenTo;
    bool _wantsFirst = true;

    /// <summary>Walks from BEGIN on.</summary>
    /// <param name="start">Where in the whole input this substream begins, for the places that errors name.</param>
    /// <param name="recordsBefore">Whole records of the input before it.</param>
    public SubstreamWalker(long start = 0, long recordsBefore = 0)
    {
        _start = start;
        _provenTo = start;
        RecordsSeen = recordsBefore;
    }

    /// <summary>Walks from a record inside a substream on, without its BEGIN.</summary>
    /// <param name="bigEndian">The sender's byte order, and</param>
    /// <param name="raw">whether the stream is raw: both as its BEGIN said.</param>
    /// <param name="state">The running checksum of everything before.</param>
    /// <param name="position">Bytes of the substream before this one.</param>
    public SubstreamWalker(bool bigEndian, bool raw, Fletcher4State state, long position) : this()
    {
        _opened = true;
        _bigEndian = bigEndian;
        _raw = raw;
        _sum = new(bigEndian, state);
        Length = position;
        _provenTo = position;
    }

    /// <summary>BEGIN, once it and its payload were pushed whole.</summary>
    public BeginRecord? Begin { get; private set; }

    /// <summary>Bytes pushed so far, counted from BEGIN.</summary>
    public long Length { get; private set; }

    /// <summary>Whole headers of the input seen so far.</summary>
    public long RecordsSeen { get; private set; }

    /// <summary>Records by <see cref="RecordType"/>, BEGIN included.</summary>
    public long[] Counts { get; } = new long[RecordTypes.Count];

    /// <summary>Records whose stored checksum was zero, which receivers do not check; current senders make none.</summary>
    public long RecordsWithoutChecksum { get; private set; }

    /// <summary>END was seen and every checksum was right.</summary>
    public bool Ended { get; private set; }

    /// <summary>The checksum in END: the running sum of everything before it.</summary>
    public Fletcher4State EndChecksum { get; private set; }

    /// <summary>Where (bytes from BEGIN) a record of an unknown type began, after which nothing is known; null if none did.</summary>
    public long? OpaqueFrom { get; private set; }

    /// <summary>The running checksum of everything pushed; meaningful at a boundary.</summary>
    public Fletcher4State Checksum => _sum.State;

    /// <summary>The last byte pushed ended a record (in the opaque part, every byte does).</summary>
    public bool AtBoundary => OpaqueFrom is not null || (_headerFill == 0 && _payloadLeft == 0);

    /// <summary>The first record that began after <see cref="MarkFirstRecord"/> (or after the start).</summary>
    public RecordKey? FirstRecord { get; private set; }

    /// <summary>Where in the whole input it begins, in bytes.</summary>
    public long Start => _start;

    public ImmutableArray<string> Warnings { get; private set; } = [];

    /// <summary><see cref="Warnings"/>, and what only the whole walk tells.</summary>
    public ImmutableArray<string> AllWarnings => RecordsWithoutChecksum == 0 ? Warnings : Warnings.Add($"{RecordsWithoutChecksum} records have no checksum of their own");

    public void MarkFirstRecord() => (_wantsFirst, FirstRecord) = (true, null);

    /// <summary>
    /// Takes bytes until they are used up, END is reached, or a record ends at or past <paramref name="stopAt"/>; returns how many.
    /// </summary>
    /// <param name="bytes">The next bytes of the substream.</param>
    /// <param name="stopAt">A <see cref="Length"/> at which the caller wants to cut.</param>
    /// <exception cref="StreamDamageException">The stream is damaged; nothing of it can be believed from its offset on.</exception>
    public int Feed(ReadOnlySpan<byte> bytes, long stopAt = long.MaxValue)
    {
        var rest = bytes;
        while (!rest.IsEmpty && !Ended && !(AtBoundary && Length >= stopAt && Length > 0))
        {
            var before = rest.Length;
            rest = OpaqueFrom is not null ? TakeOpaque(rest, stopAt) : _payloadLeft > 0 ? TakePayload(rest) : TakeHeader(rest);
            Length += before - rest.Length;
            if (_payloadLeft == 0 && _beginPayload is not null) FinishBegin();
        }
        return bytes.Length - rest.Length;
    }

    /// <summary>The input has ended: what is missing, or null when the substream is whole.</summary>
    public StreamDamage? Finish() =>
        Ended || OpaqueFrom is not null ? null
        : Length == 0 ? Damage(_start, "the input is empty")
        : AtBoundary ? Damage(_start + Length, "the stream ends here, after a whole record, without an END record")
        : _payloadLeft > 0 ? Damage(_recordStart, $"the stream ends inside the payload of this record, {_payloadLeft} bytes short", RecordsSeen - 1)
        : Damage(_start + Length - _headerFill, $"the stream ends inside a record header, {_headerFill} of {RecordHeader.Size} bytes");

    ReadOnlySpan<byte> TakeOpaque(ReadOnlySpan<byte> bytes, long stopAt) => bytes[(int)long.Min(bytes.Length, long.Max(stopAt - Length, 1))..];

    ReadOnlySpan<byte> TakePayload(ReadOnlySpan<byte> bytes)
    {
        var part = bytes[..int.Min(bytes.Length, _payloadLeft)];
        _sum.Append(part);
        if (_beginPayload is not null) part.CopyTo(_beginPayload.AsSpan(_beginPayload.Length - _payloadLeft));
        _payloadLeft -= part.Length;
        if (_payloadLeft == 0) _sum.EndUnit();
        return bytes[part.Length..];
    }

    ReadOnlySpan<byte> TakeHeader(ReadOnlySpan<byte> bytes)
    {
        if (_headerFill == 0 && bytes.Length >= RecordHeader.Size)
        {
            OnHeader(bytes[..RecordHeader.Size], _start + Length);
            return bytes[RecordHeader.Size..];
        }

        var part = bytes[..int.Min(bytes.Length, RecordHeader.Size - _headerFill)];
        part.CopyTo(_header.AsSpan(_headerFill));
        _headerFill += part.Length;
        if (_headerFill == RecordHeader.Size)
        {
            _headerFill = 0;
            OnHeader(_header, _start + Length + part.Length - RecordHeader.Size);
        }
        return bytes[part.Length..];
    }

    void OnHeader(ReadOnlySpan<byte> bytes, long offset)
    {
        _recordStart = offset;
        if (!_opened)
        {
            OnBegin(bytes);
            return;
        }

        var header = new RecordHeader(bytes, _bigEndian);
        CheckSum(header);
        if ((uint)header.Type >= RecordTypes.Count)
        {
            BecomeOpaque(header);
            return;
        }
        if (header.Type is RecordType.Begin) throw new StreamDamageException(Damage(offset, "a BEGIN record inside a stream"));
        if (Begin is { IsPackage: true } && !ClosesPackageHeader(header))
            throw new StreamDamageException(Damage(offset, $"the header of a package is followed by a {header.Type.WireName()} record that is not its plain END"));
        if ((RecordRules.Broken(header, _raw) ?? _order.Broken(header, _raw)) is { } broken)
            throw new StreamDamageException(Damage(offset, $"a {header.Type.WireName()} record that no receiver takes: {broken}"));

        Count(header);
        _payloadLeft = (int)header.PayloadLength;
        if (header.Type is not RecordType.End) return;
        EndChecksum = header.EndChecksum;
        Ended = true;
    }

    void OnBegin(ReadOnlySpan<byte> bytes)
    {
        _bigEndian = BeginRecord.ByteOrder(bytes) ?? throw new StreamDamageException(Damage(_recordStart, "this is not a zfs send stream (bad magic number)"));
        var header = new RecordHeader(bytes, _bigEndian);
        if (header.Type is not RecordType.Begin) throw new StreamDamageException(Damage(_recordStart, $"the stream opens with {header.Type.WireName()}, not with BEGIN"));
        var most = (header.U64(16) & 3) == 2 ? LargestPackageBegin : LargestSubstreamBegin;
        if (header.BeginPayloadLength > most) throw new StreamDamageException(Damage(_recordStart, $"BEGIN announces {header.BeginPayloadLength} bytes of properties, more than {most}"));

        _opened = true;
        _sum = new(_bigEndian);
        _sum.Append(bytes);
        bytes.CopyTo(_header);
        Count(header);
        _payloadLeft = (int)header.BeginPayloadLength;
        _beginPayload = new byte[_payloadLeft];
    }

    // BEGIN's own header is proven only by the record after it; what cannot be read at all is refused here.
    void FinishBegin()
    {
        var payload = _beginPayload!;
        _beginPayload = null;
        try
        {
            Begin = BeginRecord.Decode(new(_header, _bigEndian), payload);
        }
        catch (MalformedRecordException e)
        {
            throw new StreamDamageException(Damage(_start, e.Message, RecordsSeen - 1));
        }
        _raw = Begin.Features.Raw;
        if (Begin.Features.Unknown != 0) Warn($"feature bits {Begin.Features.Unknown:x} are unknown: only a newer OpenZFS receives this stream");
        if (_raw && !Begin.Flags.HasFlag(BeginFlags.SpillBlock)) Warn("a raw stream without the SPILL_BLOCK flag: receivers refuse it");
    }

    void CheckSum(RecordHeader header)
    {
        var stored = header.StoredChecksum;
        var atEnd = header.Type is RecordType.End && header.EndChecksum != _sum.State;
        _sum.Append(header.Bytes[..RecordHeader.ChecksumOffset]);
        var wrong = !stored.IsZero && stored != _sum.State;
        if (atEnd || wrong)
            throw new StreamDamageException(Damage(_recordStart,
                $"checksum mismatch{(wrong ? "" : " in END")}: the damage lies in the bytes {_provenTo} to {_recordStart + RecordHeader.Size - 1}"));

        // Senders fill all of them or, before 0.6.5, none: END's is the only one that no later record would vouch for.
        var alone = header.Type is RecordType.End && RecordsWithoutChecksum == 0 && Begin is { IsPackage: false };
        if (stored.IsZero && (_sealed || alone)) throw new StreamDamageException(Damage(_recordStart, "the record has no checksum"));
        if (stored.IsZero) RecordsWithoutChecksum++;
        else (_provenTo, _sealed) = (_recordStart + RecordHeader.ChecksumOffset, true);
        _sum.Append(header.Bytes[RecordHeader.ChecksumOffset..]);
    }

    // Nothing but the sum in it vouches for this END (its own checksum is left zero), so all else in it has to be zero.
    static bool ClosesPackageHeader(RecordHeader header) =>
        header.Type is RecordType.End && !header.Bytes[4..8].ContainsAnyExcept((byte)0) && !header.Bytes[40..RecordHeader.ChecksumOffset].ContainsAnyExcept((byte)0);

    void BecomeOpaque(RecordHeader header)
    {
        // A type that nobody knows is believed only when a checksum proves that the sender wrote it.
        if (header.StoredChecksum.IsZero) throw new StreamDamageException(Damage(_recordStart, $"record type {(uint)header.Type} is unknown, and no checksum proves it"));
        OpaqueFrom = _recordStart - _start;
        RecordsSeen++;
        if (_wantsFirst) (FirstRecord, _wantsFirst) = (new(header.Type, 0, 0), false);
        Warn($"record type {(uint)header.Type} at byte {_recordStart} is unknown: nothing is known of the rest");
    }

    void Count(RecordHeader header)
    {
        RecordsSeen++;
        Counts[(int)header.Type]++;
        if (!_wantsFirst) return;
        FirstRecord = new(header.Type, header.Object, header.Offset);
        _wantsFirst = false;
    }

    void Warn(string text) => Warnings = Warnings.Add(text);

    StreamDamage Damage(long offset, string reason, long? record = null) => new(offset, record ?? RecordsSeen, reason);
}
