using ZfsArchive.Chunks;

namespace ZfsArchive.Backup;

/// <summary>
/// Packs chunks, as many at once as there are processors, within a fixed room for what is compressed; and lets a fixed number of
/// them be stored at once, some of which may only wait to become durable.
/// </summary>
sealed class PackingStage(ChunkSchedule schedule, int level, StageTimes times) : IDisposable
{
    readonly SemaphoreSlim _processors = new(Environment.ProcessorCount, Environment.ProcessorCount);
    readonly BufferPool _room = new(schedule.Rooms);
    readonly ChunkPacker _packer = new(level);
    readonly SemaphoreSlim _transfers = new(Transfers, Transfers);

    /// <summary>Chunks being stored at once.</summary>
    const int Transfers = 8;

    /// <summary>The packed chunk, and the buffer that it lies in when it does not lie in the chunk's own.</summary>
    public async Task<(PackedChunk Packed, RentedBuffer? Room)> PackAsync(IntakeItem.Chunk chunk, CancellationToken cancel)
    {
        await _processors.WaitAsync(cancel);
        try
        {
            return await Task.Run(() => PackNowAsync(chunk, cancel), cancel);
        }
        finally
        {
            _processors.Release();
        }
    }

    /// <summary>Runs a transfer when there is room for one more.</summary>
    public async Task TransferAsync(Func<Task> transfer, CancellationToken cancel)
    {
        await _transfers.WaitAsync(cancel);
        try
        {
            var since = times.Now;
            await Task.Run(transfer, cancel);
            times.AddStored(since);
        }
        finally
        {
            _transfers.Release();
        }
    }

    async Task<(PackedChunk Packed, RentedBuffer? Room)> PackNowAsync(IntakeItem.Chunk chunk, CancellationToken cancel)
    {
        var since = times.Now;
        if (_packer.PaysFor(chunk.Bytes.Span))
        {
            // of one size, so that every buffer serves every chunk
            var room = await _room.RentAsync(schedule.WeightOf(chunk.Index), schedule.TargetOf(chunk.Index) + StreamIntake.Overhang, cancel);
            if (_packer.TryCompress(chunk.Bytes.Span, room.Bytes) is { } compressed)
            {
                times.AddPacked(since);
                return (compressed, room);
            }
            room.Dispose();
        }
        var stored = ChunkPacker.Store(chunk.Bytes);
        times.AddPacked(since);
        return (stored, null);
    }

    public void Dispose()
    {
        _processors.Dispose();
        _transfers.Dispose();
        _room.Dispose();
        _packer.Dispose();
    }
}
