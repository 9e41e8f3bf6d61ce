namespace ZfsArchive.Sftp;

/// <summary>
/// The folder of a new object, opened beside its data so that its entries can be made durable right behind the rename, in the same
/// round trip. The protocol promises nothing there: OpenSSH on Linux does it, and where it does not work it is left to the server.
/// </summary>
sealed class FolderToSync(SftpSession session, string path)
{
    readonly Task<byte[]>? _opening = session.Traits.Syncs ? session.OpenAsync(RemotePaths.FolderOf(path) ?? ".", OpenFlags.Read, CancellationToken.None) : null;

    /// <summary>Makes durable what was done before; not to be cancelled, since the object has its name by then.</summary>
    /// <exception cref="SftpFault">The connection was lost.</exception>
    public async Task SyncAsync()
    {
        if (await HandleAsync() is { } handle) await session.Sync(handle).Answer;
    }

    /// <summary>Gives the handle back; nobody waits for the answer.</summary>
    public async Task CloseAsync()
    {
        try
        {
            if (await HandleAsync() is { } handle) session.Close(handle);
        }
        catch (SftpFault)
        {
            // the connection took it along
        }
    }

    async Task<byte[]?> HandleAsync()
    {
        try
        {
            return _opening is null ? null : await _opening;
        }
        catch (SftpFault e) when (e.Status is not null)
        {
            return null;
        }
    }
}
