using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Fetch;

/// <summary>A chunk that was fetched, hashed and opened: its bytes are what was archived.</summary>
public sealed class OpenChunk(ChunkLine line, IReadOnlyList<ReadOnlyMemory<byte>> pieces, RentedBuffer[] buffers) : IDisposable
{
    public ChunkLine Line { get; } = line;

    /// <summary>The stream's bytes, in order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Pieces { get; } = pieces;

    public void Dispose()
    {
        foreach (var buffer in buffers) buffer.Dispose();
    }
}

/// <summary>A chunk as it is stored: its bytes have the SHA-256 of its name.</summary>
public sealed class StoredChunk(ChunkLine line, RentedBuffer buffer) : IDisposable
{
    public ReadOnlyMemory<byte> Bytes => buffer.Bytes.AsMemory(0, (int)line.StoredLength);

    public void Dispose() => buffer.Dispose();
}

/// <summary>
/// Fetches chunks from a store and opens them, within a fixed room. What it gives has the SHA-256 of its name and the length of
/// its manifest's line; anything else is damage.
/// </summary>
/// <param name="parallel">How many chunks may be in memory at once, packed and open; twice as many of those that are not compressed. Small ones have a room of their own.</param>
public sealed class ChunkFetcher(IObjectStore store, int parallel) : IDisposable
{
    // Room is asked for in whole MiB, so that buffers serve again for chunks of about the same length.
    const int Step = 1 << 20;

    /// <summary>Room for chunks of at most one step: an archive of an hour is often no larger, and it is the way there and back that takes the time.</summary>
    const int SmallRooms = 24;

    readonly BufferPool _rooms = new(2 * parallel);
    readonly BufferPool _smallRooms = new(SmallRooms);
    readonly ChunkOpener _opener = new();

    /// <summary>Four standard chunks, packed and open, are the 256 MiB that a run may use.</summary>
    public static int StandardParallel => 4;

    /// <summary>Chunks to fetch ahead of the one that is used; compressed ones find room for fewer.</summary>
    public static int StandardAhead => 7;

    /// <exception cref="ArchiveException">Damage: absent, cut, other bytes, or no frame of the right length.</exception>
    public async Task<OpenChunk> FetchAsync(ArchiveEntry archive, ChunkLine line, CancellationToken cancel)
    {
        // a stored frame's content is used where it lies
        var isOpen = line.StoredLength == StoredFrame.FrameLength(line.Length);
        var room = RoomFor(long.Max(line.StoredLength + 1, line.Length));
        var rooms = await RoomsOf(room).RentAsync(isOpen ? 1 : 2, int.Min(parallel, WeightOf(line)), room, cancel);
        return await Task.Run(() => FetchIntoAsync(archive, line, rooms, cancel), CancellationToken.None);
    }

    /// <summary>The chunk as it is stored, not opened.</summary>
    /// <exception cref="ArchiveException">Damage: absent, cut, other bytes.</exception>
    public async Task<StoredChunk> FetchStoredAsync(ArchiveEntry archive, ChunkLine line, CancellationToken cancel)
    {
        var room = RoomFor(line.StoredLength + 1);
        var stored = await RoomsOf(room).RentAsync(int.Min(2 * parallel, WeightOf(line)), room, cancel);
        try
        {
            await FillAsync(archive, line, stored.Bytes, cancel);
            return new(line, stored);
        }
        catch
        {
            stored.Dispose();
            throw;
        }
    }

    async Task<OpenChunk> FetchIntoAsync(ArchiveEntry archive, ChunkLine line, RentedBuffer[] rooms, CancellationToken cancel)
    {
        try
        {
            var bytes = rooms[0].Bytes.AsMemory(0, (int)line.StoredLength);
            await FillAsync(archive, line, rooms[0].Bytes, cancel);
            if (StoredFrame.Unwrap(bytes, line.Length) is not { } pieces)
            {
                // a compressed frame with exactly the length of a stored one is none of ours; no more than what is held already is added for it
                var (opened, broken) = _opener.Open(bytes, (int)line.Length, rooms.Length > 1 ? rooms[1].Bytes : new byte[line.Length]);
                pieces = opened ?? throw Damage(archive, line, broken!);
            }
            return new(line, pieces, rooms);
        }
        catch
        {
            foreach (var room in rooms) room.Dispose();
            throw;
        }
    }

    // What is wrong may have become so on its way here: it is read once more before it is called damage.
    async Task FillAsync(ArchiveEntry archive, ChunkLine line, byte[] room, CancellationToken cancel)
    {
        try
        {
            if (await ReadAsync(archive, line, room, cancel) is not null && await ReadAsync(archive, line, room, cancel) is { } wrong) throw Damage(archive, line, wrong);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Absent)
        {
            throw Damage(archive, line, "it is missing");
        }
    }

    // One byte more is asked for than there should be, so that what is too long is seen as well.
    async Task<string?> ReadAsync(ArchiveEntry archive, ChunkLine line, byte[] room, CancellationToken cancel)
    {
        var into = room.AsMemory(0, (int)line.StoredLength + 1);
        var read = await store.ReadAsync(new(Layout.Chunk(archive.Folder, archive.Name, line.Name)), 0, into, cancel);
        return read < line.StoredLength ? $"it has {read} bytes, not {line.StoredLength}"
            : read > line.StoredLength ? $"it has more than its {line.StoredLength} bytes"
            : ChunkOpener.WrongHash(into.Span[..read], ChunkName.TryParse(line.Name)!.Sha256);
    }

    BufferPool RoomsOf(int room) => room <= Step ? _smallRooms : _rooms;

    static int RoomFor(long length) => (int)((length + Step - 1) / Step) * Step;

    static int WeightOf(ChunkLine line) => line.Length > ChunkSchedule.Standard.Target + (ChunkSchedule.Standard.Target >> 1) ? 2 : 1;

    static DamageException Damage(ArchiveEntry archive, ChunkLine line, string why) => SealedJson.Damage($"chunk {line.Name} of {archive}", why);

    public void Dispose()
    {
        _rooms.Dispose();
        _smallRooms.Dispose();
        _opener.Dispose();
    }
}
