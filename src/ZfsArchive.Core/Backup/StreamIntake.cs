using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using ZfsArchive.Chunks;
using ZfsArchive.SendStream;

namespace ZfsArchive.Backup;

/// <summary>What the intake hands on, in the order of the stream.</summary>
public abstract record IntakeItem
{
    IntakeItem() { }

    /// <summary>A chunk of a substream, in a buffer on loan that the receiver returns.</summary>
    /// <param name="Checksum">The running fletcher-4 before it; null in an opaque part.</param>
    /// <param name="FirstRecord">The first record that begins in it.</param>
    public sealed record Chunk(int Index, RentedBuffer Buffer, ReadOnlyMemory<byte> Bytes, Fletcher4State? Checksum, RecordKey? FirstRecord) : IntakeItem;

    /// <summary>The header of a package: its BEGIN, properties and END.</summary>
    public sealed record PackageHeader(byte[] Bytes) : IntakeItem;

    /// <summary>A substream is whole.</summary>
    public sealed record Ended(SubstreamWalker Facts) : IntakeItem;
}

/// <summary>
/// Reads a stream or package, checks it record by record and cuts it into chunks, in one pass. Bytes are read straight into
/// chunk buffers; when none is free, nobody reads, the pipe fills and <c>zfs send</c> waits.
/// </summary>
/// <param name="admit">Asked once for each substream as soon as its BEGIN is known, before anything of it is handed on; throws to refuse it.</param>
/// <param name="digest">Fed with every byte, when the caller wants to know the whole input's hash.</param>
public sealed class StreamIntake(Stream source, BufferPool buffers, ChunkSchedule schedule, Action<SubstreamWalker> admit, IncrementalHash? digest, StageTimes times)
{
    const int ReadLength = 1 << 20;

    /// <summary>Room beyond a chunk's target that its last record may need, in bytes: a largest block, and what was read past it.</summary>
    public const int Overhang = RecordHeader.LargestBlock + RecordHeader.Size + ReadLength;

    readonly StreamWalker _walker = new();
    readonly ArrayBufferWriter<byte> _packageHeader = new();
    readonly byte[] _carried = new byte[ReadLength];
    RentedBuffer? _buffer;
    int _filled, _scanned, _index;
    bool _headerTaken;
    long _chunkStart;
    Fletcher4State? _chunkChecksum;
    SubstreamWalker? _admitted;

    /// <summary>Bytes of input taken so far.</summary>
    public long BytesRead { get; private set; }

    public BeginRecord? Package => _walker.Package;

    /// <exception cref="StreamDamageException">The input is damaged or incomplete.</exception>
    public async IAsyncEnumerable<IntakeItem> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                _buffer ??= await RentAsync(cancel);
                if (_scanned == _filled && !await FillAsync(cancel)) break;
                var endedBefore = _walker.Ended.Length;
                Scan();

                if (_walker.Ended.Length > endedBefore)
                {
                    yield return Cut();
                    yield return new IntakeItem.Ended(_walker.Ended[^1]);
                    StartSubstream();
                }
                else if (_walker.State is WalkState.InSubstream && _walker.Current.AtBoundary && _walker.Current.Length - _chunkStart >= schedule.TargetOf(_index))
                {
                    yield return Cut();
                    StartChunk();
                }
                else if (TakePackageHeader() is { } header)
                {
                    yield return header;
                }
            }

            if (_walker.Finish() is { } damage) throw new StreamDamageException(damage);
            // Only an opaque stream is whole without an END.
            if (_walker.State is WalkState.InSubstream)
            {
                if (_filled > 0) yield return Cut();
                yield return new IntakeItem.Ended(_walker.Current);
            }
        }
        finally
        {
            _buffer?.Dispose();
        }
    }

    void Scan()
    {
        var stopAt = _walker.State is WalkState.InSubstream or WalkState.Opening ? _chunkStart + schedule.TargetOf(_index) : long.MaxValue;
        _scanned += _walker.Feed(_buffer!.Bytes.AsSpan(_scanned, _filled - _scanned), stopAt);
        if (_walker.State is not WalkState.InSubstream && _walker.State is not WalkState.Done && _walker.Ended.Length == 0) return;
        var current = _walker.State is WalkState.InSubstream ? _walker.Current : _walker.Ended.LastOrDefault();
        if (current?.Begin is null || current == _admitted) return;
        _admitted = current;
        admit(current);
        _chunkChecksum = new Fletcher4State();
    }

    // The parts between substreams belong to no archive; the header of a package is kept beside its archives.
    IntakeItem.PackageHeader? TakePackageHeader()
    {
        switch (_walker.State)
        {
            case WalkState.BetweenSubstreams when !_headerTaken && _walker.Ended.IsEmpty:
                _headerTaken = true;
                PutAsideAsHeader();
                return new(_packageHeader.WrittenSpan.ToArray());

            // A package's property list may be larger than a buffer.
            case WalkState.Opening or WalkState.InPackageHeader when _filled == _buffer!.Bytes.Length && _scanned == _filled:
                PutAsideAsHeader();
                return null;

            case WalkState.Done:
                Forget(_scanned);
                return null;

            default:
                return null;
        }
    }

    void PutAsideAsHeader()
    {
        _packageHeader.Write(_buffer!.Bytes.AsSpan(0, _scanned));
        Forget(_scanned);
    }

    void Forget(int count)
    {
        _buffer!.Bytes.AsSpan(count, _filled - count).CopyTo(_buffer.Bytes);
        _filled -= count;
        _scanned -= count;
    }

    // What was read beyond the chunk's end, at most one read, is carried to the next buffer, which may not be free yet.
    IntakeItem.Chunk Cut()
    {
        var full = _buffer!;
        var length = _scanned;
        _buffer = null;
        full.Bytes.AsSpan(length, _filled - length).CopyTo(_carried);
        _filled -= length;
        _scanned = 0;
        return new(_index, full, full.Bytes.AsMemory(0, length), _chunkChecksum, _admitted!.FirstRecord);
    }

    void StartChunk()
    {
        _index++;
        _chunkStart = _walker.Current.Length;
        _chunkChecksum = _walker.Current.OpaqueFrom is null ? _walker.Current.Checksum : null;
        _walker.Current.MarkFirstRecord();
    }

    void StartSubstream() => (_index, _chunkStart, _chunkChecksum) = (0, 0, null);

    async Task<bool> FillAsync(CancellationToken cancel)
    {
        var since = times.Now;
        var want = int.Min(ReadLength, _buffer!.Bytes.Length - _filled);
        var (buffer, at) = (_buffer.Bytes, _filled);
        // A blocking read of a pipe costs half the CPU of an asynchronous one; on its own thread it can be left behind.
        var read = await Task.Run(() => source.Read(buffer, at, want), cancel).WaitAsync(cancel);
        times.AddRead(since);
        digest?.AppendData(buffer, at, read);
        _filled += read;
        BytesRead += read;
        return read > 0;
    }

    async Task<RentedBuffer> RentAsync(CancellationToken cancel)
    {
        var since = times.Now;
        var rented = await buffers.RentAsync(schedule.WeightOf(_index), schedule.TargetOf(_index) + Overhang, cancel);
        times.AddWaited(since);
        _carried.AsSpan(0, _filled).CopyTo(rented.Bytes);
        return rented;
    }
}
