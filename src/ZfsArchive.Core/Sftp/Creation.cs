using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>How an object comes to its name.</summary>
sealed class Creation(
    SftpSession session, ChannelPool pool, RemotePaths paths, RemoteFolders folders, FreeSpace space, TemporaryFiles temporaries, RemoteHashes hashes, TimeProvider clock)
{
    /// <summary>Creates the object if the name is free.</summary>
    /// <exception cref="SftpFault">Conflict: it is taken by other bytes.</exception>
    public async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var path = paths.Of(key);
        var upload = new Upload(session, path, temporaries, clock);
        // in one round trip: its folder, the file, whether the name is taken, and whether there is room
        var folder = folders.MakeAheadAsync(session, FolderOf(path), cancel).Observed();
        try
        {
            var opening = OpenAsync(upload, path, body, cancel);
            var room = space.TakeAsync(session, body.Length, cancel);
            if (await session.LookAsync(path, cancel) is null)
            {
                await opening;
                await room;
                if (await SendAsync(upload, path, body, isOver: false, cancel))
                {
                    await KeepAsync(path, folder, cancel);
                    return CreateOutcome.Created;
                }
            }
        }
        finally
        {
            await upload.DropAsync();
        }
        var outcome = await SettleAsync(key, path, body, cancel);
        await KeepAsync(path, folder, cancel);
        return outcome;
    }

    /// <summary>Puts the object in the place of whatever has the name.</summary>
    public async Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var path = paths.Of(key);
        var upload = new Upload(session, path, temporaries, clock);
        var folder = folders.MakeAheadAsync(session, FolderOf(path), cancel).Observed();
        try
        {
            var room = space.TakeAsync(session, body.Length, cancel);
            await OpenAsync(upload, path, body, cancel);
            await room;
            if (!await SendAsync(upload, path, body, isOver: true, cancel)) throw new SftpFault(StoreFailure.Transient, "somebody else wrote it at the same time");
            await KeepAsync(path, folder, cancel);
        }
        finally
        {
            await upload.DropAsync();
        }
    }

    string FolderOf(string path) => RemotePaths.FolderOf(path) ?? paths.Root;

    // An object is durable only when the folders above it are.
    async Task KeepAsync(string path, Task folder, CancellationToken cancel)
    {
        await folder.WaitAsync(cancel);
        folders.Saw(FolderOf(path));
    }

    async Task OpenAsync(Upload upload, string path, ObjectBody body, CancellationToken cancel)
    {
        try
        {
            await upload.OpenAsync(cancel);
        }
        catch (SftpFault e) when (e.Status is StatusCode.NoSuchFile)
        {
            await folders.EnsureAsync(session, FolderOf(path), cancel);
            await OpenAgainAsync(upload, cancel);
        }
        catch (SftpFault e) when (e.Status is StatusCode.Failure)
        {
            throw await space.FullAsync(session, body.Length, cancel) ?? e;
        }
    }

    static async Task OpenAgainAsync(Upload upload, CancellationToken cancel)
    {
        try
        {
            await upload.OpenAsync(cancel);
        }
        catch (SftpFault e) when (e.Status is StatusCode.NoSuchFile)
        {
            throw new SftpFault(StoreFailure.Transient, "its folder was removed while it was made");
        }
    }

    // False: somebody else has the name.
    async Task<bool> SendAsync(Upload upload, string path, ObjectBody body, bool isOver, CancellationToken cancel)
    {
        var folder = new FolderToSync(session, path);
        try
        {
            await upload.WriteAsync(body, pool, cancel);
            cancel.ThrowIfCancellationRequested();
            // a server of another kind may overwrite with a plain RENAME: as late a look as can be
            if (!isOver && !session.Traits.LinksHard && await session.LookAsync(path, cancel) is not null) return false;
            await NameAsync(upload, path, isOver, folder, cancel);
            return true;
        }
        catch (SftpFault e) when (e.Status is StatusCode.NoSuchFile)
        {
            throw new SftpFault(StoreFailure.Transient, "its temporary file was removed by somebody else");
        }
        catch (SftpFault e) when (e.Status is StatusCode.Failure)
        {
            if (upload.IsWritten && await session.LookAsync(path, cancel) is { } other)
                return other is { Mode: not null, IsFile: false } ? throw new SftpFault(StoreFailure.Permanent, "a folder has its name") : false;
            throw await space.FullAsync(session, body.Length, cancel) ?? e;
        }
        finally
        {
            _ = folder.CloseAsync();
        }
    }

    async Task NameAsync(Upload upload, string path, bool isOver, FolderToSync folder, CancellationToken cancel)
    {
        if (isOver && !session.Traits.RenamesOver)
        {
            // without the extension there is a moment without any: the bytes are safe in the temporary file
            await session.Remove(path).Answer.WaitAsync(cancel);
            isOver = false;
        }
        var rename = isOver ? session.RenameOver(upload.Temporary, path) : session.Rename(upload.Temporary, path);
        var synced = folder.SyncAsync();
        await upload.NameAsync(rename, cancel);
        await synced;
    }

    // A lost answer looks like a taken name with the same bytes.
    async Task<CreateOutcome> SettleAsync(ObjectKey key, string path, ObjectBody body, CancellationToken cancel)
    {
        await using var file = await OpenedFile.OpenAsync(session, path, folders, cancel);
        if (file.Length == body.Length && await Sha256Async(key, file, cancel) == body.Sha256)
        {
            // it may be what a crash left before it was durable, or before its name was
            await file.SyncAsync(cancel);
            var folder = new FolderToSync(session, path);
            await folder.SyncAsync();
            _ = folder.CloseAsync();
            return CreateOutcome.AlreadyThere;
        }
        throw new SftpFault(StoreFailure.Conflict, "it holds other bytes");
    }

    async Task<string> Sha256Async(ObjectKey key, OpenedFile file, CancellationToken cancel)
    {
        const int WorthACommand = 4 << 20;
        if (file.Length >= WorthACommand && hashes.IsKnownAvailable && (await hashes.OfAsync(session, [key], cancel)).TryGetValue(key, out var told)) return told;
        return await Download.Sha256Async(session, file.Handle, file.Length, cancel);
    }
}
