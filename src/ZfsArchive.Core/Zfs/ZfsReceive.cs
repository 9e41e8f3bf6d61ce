namespace ZfsArchive.Zfs;

/// <inheritdoc cref="IZfsReceive"/>
sealed class ZfsReceive : IZfsReceive
{
    static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    readonly ChildProcess _child;
    readonly TimeProvider _clock;

    public ZfsReceive(ChildProcess child, TimeProvider clock)
    {
        _child = child;
        _clock = clock;
        // Nothing is expected there, but a full pipe would stop the receiver.
        _ = DrainAsync(_child.Output);
    }

    public Stream Input => _child.Input;

    public async Task FinishAsync(CancellationToken cancel)
    {
        await Input.DisposeAsync();
        await _child.FinishAsync(cancel);
    }

    public async Task<ZfsException> FailureAsync(CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(_patience, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            await _child.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            await _child.KillAsync();
            cancel.ThrowIfCancellationRequested();
        }

        var failure = await _child.FailureAsync();
        return failure.ExitCode == 0 ? ZfsException.EndedEarly(failure.Command, failure.StandardError) : failure;
    }

    public ValueTask DisposeAsync() => _child.DisposeAsync();

    static async Task DrainAsync(Stream output)
    {
        try
        {
            await output.CopyToAsync(Stream.Null);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The child is being taken down.
        }
    }
}
