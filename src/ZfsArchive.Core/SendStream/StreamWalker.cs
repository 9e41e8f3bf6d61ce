using System.Collections.Immutable;

namespace ZfsArchive.SendStream;

/// <summary>Where in a stream or package the walker stands.</summary>
public enum WalkState
{
    /// <summary>Nothing whole was seen yet.</summary>
    Opening,

    /// <summary>Inside the header of a package: its BEGIN, property list and END.</summary>
    InPackageHeader,

    /// <summary>Inside a substream.</summary>
    InSubstream,

    /// <summary>In a package, behind its header or a substream: a BEGIN or the conclusion follows.</summary>
    BetweenSubstreams,

    /// <summary>The stream or package is whole; any byte that follows is damage.</summary>
    Done,
}

/// <summary>
/// Walks what <c>zfs send</c> printed: one stream, or a package of several (<c>-R</c>, <c>-I</c>, <c>-p</c>, <c>-b</c>, <c>-h</c>).
/// It is pushed bytes and stops behind each part, so that a caller can cut there.
/// </summary>
public sealed class StreamWalker
{
    readonly byte[] _between = new byte[RecordHeader.Size];
    int _betweenFill;
    SubstreamWalker _current = new();
    bool _isPackage;

    public WalkState State { get; private set; }

    /// <summary>Bytes pushed so far; of a damaged input, those before the damage.</summary>
    public long Position { get; private set; }

    /// <summary>The part under way or just ended; a package's header counts as one.</summary>
    public SubstreamWalker Current => _current;

    /// <summary>The package's header, when this is a package and it was read.</summary>
    public BeginRecord? Package { get; private set; }

    /// <summary>Substreams that ended, in order.</summary>
    public ImmutableArray<SubstreamWalker> Ended { get; private set; } = [];

    /// <summary>All substreams seen, the unfinished or damaged one included.</summary>
    public ImmutableArray<SubstreamWalker> Substreams => _current.Begin is { IsPackage: false } && !Ended.Contains(_current) ? Ended.Add(_current) : Ended;

    /// <summary>
    /// Takes bytes until they are used up, a part ends (package header, substream, conclusion), or a record of the current
    /// substream ends at or past <paramref name="stopAt"/> bytes of it; returns how many were taken.
    /// </summary>
    /// <exception cref="StreamDamageException">The input is damaged.</exception>
    public int Feed(ReadOnlySpan<byte> bytes, long stopAt = long.MaxValue)
    {
        if (bytes.IsEmpty) return 0;
        try
        {
            var taken = State switch
            {
                WalkState.Done => throw new StreamDamageException(new(Position, _current.RecordsSeen, "bytes follow the end of the stream")),
                WalkState.BetweenSubstreams => FeedBetween(bytes),
                _ => FeedCurrent(bytes, stopAt),
            };
            Position += taken;
            return taken;
        }
        catch (StreamDamageException e)
        {
            Position = e.Damage.Offset;
            throw;
        }
    }

    /// <summary>The input has ended: what is missing, or null when all of it is whole.</summary>
    public StreamDamage? Finish() => State switch
    {
        WalkState.Done => null,
        WalkState.BetweenSubstreams when _betweenFill > 0 =>
            new(Position - _betweenFill, _current.RecordsSeen, $"the package ends inside a record header, {_betweenFill} of {RecordHeader.Size} bytes"),
        WalkState.BetweenSubstreams => new(Position, _current.RecordsSeen, $"the package ends here, after {Ended.Length} streams, without its concluding END record"),
        _ => _current.Finish(),
    };

    int FeedCurrent(ReadOnlySpan<byte> bytes, long stopAt)
    {
        var taken = _current.Feed(bytes, stopAt);
        if (State is WalkState.Opening && _current.Begin is { } begin)
        {
            _isPackage = begin.IsPackage;
            Package = _isPackage ? begin : null;
            State = _isPackage ? WalkState.InPackageHeader : WalkState.InSubstream;
        }
        else if (State is WalkState.InSubstream && _current.Begin is { IsPackage: true })
        {
            throw new StreamDamageException(new(Position, _current.RecordsSeen - 1, "a package inside a package"));
        }
        if (_current.Ended) OnPartEnded();
        return taken;
    }

    void OnPartEnded()
    {
        if (State is WalkState.InSubstream) Ended = Ended.Add(_current);
        State = _isPackage ? WalkState.BetweenSubstreams : WalkState.Done;
    }

    // A package's parts are followed by a BEGIN, or by an END that is zero but for its type: the conclusion.
    int FeedBetween(ReadOnlySpan<byte> bytes)
    {
        var part = bytes[..int.Min(bytes.Length, RecordHeader.Size - _betweenFill)];
        part.CopyTo(_between.AsSpan(_betweenFill));
        _betweenFill += part.Length;
        if (_betweenFill < RecordHeader.Size) return part.Length;

        _betweenFill = 0;
        var start = Position + part.Length - RecordHeader.Size;
        if (IsConclusion(_between))
        {
            if (PackageCheck.Broken(Package!, Ended) is { } broken) throw new StreamDamageException(new(start, _current.RecordsSeen, broken));
            _current = new(start, _current.RecordsSeen + 1);
            State = WalkState.Done;
            return part.Length;
        }
        _current = new(start, _current.RecordsSeen);
        State = WalkState.InSubstream;
        _current.Feed(_between);
        if (_current.Begin is { IsPackage: true }) throw new StreamDamageException(new(start, _current.RecordsSeen - 1, "a package inside a package"));
        return part.Length;
    }

    static bool IsConclusion(ReadOnlySpan<byte> header) =>
        (new RecordHeader(header, false).Type is RecordType.End || new RecordHeader(header, true).Type is RecordType.End)
        && !header[4..].ContainsAnyExcept((byte)0);
}
