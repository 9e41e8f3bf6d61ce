using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>A file that is open for reading, and how long it is.</summary>
sealed class OpenedFile : IAsyncDisposable
{
    readonly SftpSession _session;

    OpenedFile(SftpSession session, byte[] handle, long length) => (_session, Handle, Length) = (session, handle, length);

    public byte[] Handle { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Opens it and asks for its length in one round trip.</summary>
    /// <exception cref="SftpFault">Absent: it, or the whole root, is not there.</exception>
    public static async Task<OpenedFile> OpenAsync(SftpSession session, string path, RemoteFolders folders, CancellationToken cancel)
    {
        var opening = session.OpenAsync(path, OpenFlags.Read, CancellationToken.None);
        var looking = session.LookAsync(path, CancellationToken.None);
        try
        {
            var handle = await opening.WaitAsync(cancel);
            var found = await looking.WaitAsync(cancel) ?? throw new SftpFault(StatusCode.NoSuchFile, "");
            if (found is { Mode: not null, IsFile: false }) throw new SftpFault(StoreFailure.Permanent, "it is no regular file");
            return new(session, handle, found.Length ?? 0);
        }
        catch (Exception e)
        {
            _ = CloseLaterAsync(session, opening);
            if (e is SftpFault { Status: StatusCode.NoSuchFile }) await folders.RequireRootAsync(session, cancel);
            throw;
        }
    }

    /// <summary>Makes durable what a crash may have left half so.</summary>
    public async Task SyncAsync(CancellationToken cancel)
    {
        if (_session.Traits.Syncs) SftpSession.RequireOk(await _session.Sync(Handle).Answer.WaitAsync(cancel));
    }

    /// <summary>The handle that is on its way; whoever does not wait for it must not leave it open.</summary>
    public static async Task<byte[]> HandleAsync(SftpSession session, Task<byte[]> opening, CancellationToken cancel)
    {
        try
        {
            return await opening.WaitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            _ = CloseLaterAsync(session, opening);
            throw;
        }
    }

    // Nobody waits for the answer: there is nothing to be done about a bad one.
    public ValueTask DisposeAsync()
    {
        _session.Close(Handle);
        return ValueTask.CompletedTask;
    }

    static async Task CloseLaterAsync(SftpSession session, Task<byte[]> opening)
    {
        try
        {
            session.Close(await opening);
        }
        catch (SftpFault)
        {
            // it was never open
        }
    }
}
