using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>
/// One object on its way into a temporary file. Until the last write was answered nothing has the final name; whatever goes wrong
/// before, <see cref="DropAsync"/> takes the file away again.
/// </summary>
sealed class Upload(SftpSession session, string path, TemporaryFiles temporaries, TimeProvider clock)
{
    /// <summary>Bytes on the way at once: two channel windows, what two pipes hold, and some for the way back.</summary>
    const int Window = 8 << 20;

    /// <summary>How long clearing away may hold up the bad news.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    PieceWriter? _writer;
    Task<byte[]>? _opening;
    Request? _closing;
    bool _isSettled;

    /// <summary>The file that is written.</summary>
    public string Temporary { get; } = temporaries.NewBeside(path);

    /// <summary>Whether all bytes have arrived.</summary>
    public bool IsWritten { get; private set; }

    /// <summary>Creates the temporary file.</summary>
    public async Task OpenAsync(CancellationToken cancel)
    {
        _opening = session.OpenAsync(Temporary, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, CancellationToken.None);
        await _opening.WaitAsync(cancel);
    }

    /// <summary>Creates it empty and takes it away again, in one round trip; what the server told of it.</summary>
    public async Task<RemoteAttributes> TryOutAsync(CancellationToken cancel)
    {
        try
        {
            // a server takes these in their order; one that does not is asked again
            var opening = OpenAsync(cancel);
            var looking = session.LookAsync(Temporary, cancel);
            var removing = session.Remove(Temporary);
            await Task.WhenAll(opening, looking);
            var handle = await _opening!;
            var found = await looking ?? await session.LookAtOpenAsync(handle, cancel);
            if (SftpSession.IsOk(await removing.Answer.WaitAsync(cancel)))
            {
                _closing = session.Close(handle);
                _isSettled = true;
                temporaries.Forget(Temporary);
            }
            return found;
        }
        finally
        {
            await DropAsync();
        }
    }

    /// <summary>Sends the bytes and waits until they are durable, as far as the server can tell.</summary>
    /// <param name="pool">Whose other channels write parts of it, where that is faster.</param>
    public async Task WriteAsync(ObjectBody body, ChannelPool pool, CancellationToken cancel)
    {
        var handle = await _opening!;
        var isShared = body is { Pieces: not null, Pace: null, Length: >= ChannelPool.WorthMore } && pool.Width > 1;
        var writer = _writer = new(session, isShared ? UploadCrew.Window : Window);
        await using var reader = new BodyReader(body);
        Task<RemoteAttributes>? looking = null;
        await using (var crew = new UploadCrew(pool, Temporary, body, reader, cancel))
        {
            if (isShared) crew.Start(pool.Width - 1);
            await writer.WriteAsync(handle, body, reader, cancel);
            if (await crew.FinishAsync())
            {
                // what makes it durable comes after the writes of all, and the file has to be the same for all
                await writer.SettleAsync(cancel);
                looking = session.LookAtOpenAsync(handle, cancel);
            }
        }
        var syncing = session.Traits.Syncs ? session.Sync(handle) : null;
        _closing = session.Close(handle);
        await writer.SettleAsync(cancel);
        if (syncing is not null) SftpSession.RequireOk(await syncing.Answer.WaitAsync(cancel));
        SftpSession.RequireOk(await _closing.Answer.WaitAsync(cancel));
        if (looking is not null && (await looking).Length is { } length && length != body.Length)
            throw new SftpFault(StoreFailure.Transient, $"what several channels wrote has {length} bytes, not {body.Length}");
        IsWritten = true;
    }

    /// <summary>Gives the file its name. An answer is waited for even when cancelled, for a while: else nobody knew whether it has it.</summary>
    public async Task NameAsync(Request rename, CancellationToken cancel)
    {
        try
        {
            SftpSession.RequireOk(await rename.Answer.WaitAsync(cancel));
        }
        catch (OperationCanceledException)
        {
            try
            {
                SftpSession.RequireOk(await rename.Answer.WaitAsync(s_patience, clock, CancellationToken.None));
            }
            catch (Exception e) when (e is TimeoutException or SftpFault)
            {
                throw new OperationCanceledException(e.Message, e, cancel);
            }
        }
        _isSettled = true;
        temporaries.Forget(Temporary);
    }

    /// <summary>Takes back what there is of it: the handle first, for an open file keeps its room.</summary>
    public async Task DropAsync()
    {
        _writer?.Abandon();
        if (_isSettled) return;
        try
        {
            await ClearAsync().WaitAsync(s_patience, clock);
            temporaries.Forget(Temporary);
        }
        catch (Exception e) when (e is TimeoutException or SftpFault)
        {
            temporaries.LeaveForLater(Temporary);
        }
    }

    async Task ClearAsync()
    {
        if (_opening is null) return;
        byte[] handle;
        try
        {
            handle = await _opening;
        }
        catch (SftpFault e) when (e.Status is not null)
        {
            return;
        }
        // once only: the server may have given the same handle to somebody else by now
        _closing ??= session.Close(handle);
        var removing = session.Remove(Temporary);
        await _closing.Answer;
        var removed = await removing.Answer;
        try
        {
            SftpSession.RequireOk(removed);
        }
        catch (SftpFault e) when (e.Failure is StoreFailure.Absent)
        {
            // swept
        }
    }
}
