using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>
/// Other channels that write parts of one object into its temporary file, since one alone lets little be on the way. A helper that gets
/// no channel, or may not open the file, leaves its part to the others; one that fails later fails the upload.
/// </summary>
sealed class UploadCrew(ChannelPool pool, string temporary, ObjectBody body, BodyReader reader, CancellationToken cancel) : IAsyncDisposable
{
    /// <summary>Bytes on the way at once in each channel: its window, and what its pipes hold.</summary>
    public const int Window = 3 << 20;

    readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
    readonly CancellationTokenSource _tooLate = CancellationTokenSource.CreateLinkedTokenSource(cancel);
    Task<bool>[] _helpers = [];

    public void Start(int helpers) => _helpers = [.. Enumerable.Range(0, helpers).Select(_ => HelpAsync())];

    /// <summary>Waits until the server has taken what the helpers had; false when they had nothing. Called when no pieces are left.</summary>
    /// <exception cref="SftpFault">A part is missing.</exception>
    public async Task<bool> FinishAsync()
    {
        await _tooLate.CancelAsync();
        return (await Task.WhenAll(_helpers)).Any(helped => helped);
    }

    /// <summary>Ends what is under way: nobody touches the body afterwards.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _tooLate.CancelAsync();
        Task all = Task.WhenAll(_helpers);
        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _tooLate.Dispose();
    }

    async Task<bool> HelpAsync()
    {
        if (await JoinAsync() is not var (lease, handle)) return false;
        using (lease)
        {
            var writer = new PieceWriter(lease.Session, Window);
            try
            {
                var any = await writer.WriteAsync(handle, body, reader, _stop.Token);
                await writer.SettleAsync(_stop.Token);
                return any;
            }
            finally
            {
                writer.Abandon();
                lease.Session.Close(handle);
            }
        }
    }

    async Task<(ChannelPool.Lease Lease, byte[] Handle)?> JoinAsync()
    {
        ChannelPool.Lease? lease = null;
        try
        {
            lease = await pool.TakeAsync(true, _tooLate.Token);
            return (lease, await OpenedFile.HandleAsync(lease.Session, lease.Session.OpenAsync(temporary, OpenFlags.Write, CancellationToken.None), _tooLate.Token));
        }
        catch (Exception e) when (e is SftpFault or ObjectDisposedException or OperationCanceledException)
        {
            lease?.Dispose();
            return null;
        }
    }
}
