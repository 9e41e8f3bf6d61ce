using ZfsArchive.Chunks;

namespace ZfsArchive.Tests.Fetch;

/// <summary>Who waits for room and gives up has taken none.</summary>
public sealed class BufferPoolTests
{
    [Fact]
    public async Task Who_gives_up_half_way_leaves_what_he_had()
    {
        using var pool = new BufferPool(2);
        var held = await pool.RentAsync(1, 10, default);
        using var stop = new CancellationTokenSource();
        var waiting = pool.RentAsync(2, 10, stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        held.Dispose();
        using var both = await pool.RentAsync(2, 10, default).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
    }
}
