namespace ZfsArchive.Zfs;

/// <inheritdoc cref="IZfsSend"/>
sealed class ZfsSend : IZfsSend
{
    readonly ChildProcess _child;

    public ZfsSend(ChildProcess child)
    {
        _child = child;
        _child.Input.Dispose();
    }

    public Stream Output => _child.Output;

    public async Task FinishAsync(CancellationToken cancel)
    {
        if (await HasMoreAsync(cancel))
        {
            await _child.KillAsync();
            throw ZfsException.HadMore(_child.Command, _child.ErrorText());
        }

        await _child.FinishAsync(cancel);
    }

    public ValueTask DisposeAsync() => _child.DisposeAsync();

    /// <summary>A sender that is not read to its end never ends; and what nobody has read may be what matters.</summary>
    async Task<bool> HasMoreAsync(CancellationToken cancel)
    {
        try
        {
            return await Output.ReadAsync(new byte[1], cancel).AsTask().WaitAsync(cancel) > 0;
        }
        catch (ObjectDisposedException)
        {
            // The reader has closed it; if that was too early, the sender fails to write.
            return false;
        }
        catch (OperationCanceledException)
        {
            await _child.KillAsync();
            throw;
        }
    }
}
