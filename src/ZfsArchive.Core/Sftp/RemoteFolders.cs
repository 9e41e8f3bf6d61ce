using System.Collections.Concurrent;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>Makes the folders of objects; the repository's own only when that is what was asked for.</summary>
sealed class RemoteFolders(RemotePaths paths)
{
    const int MostSeen = 1024;

    readonly ConcurrentDictionary<string, bool> _seen = new(StringComparer.Ordinal);

    /// <summary>A store whose folder is missing must never look like an empty one.</summary>
    /// <exception cref="SftpFault">Absent: it is missing.</exception>
    public async Task RequireRootAsync(SftpSession session, CancellationToken cancel)
    {
        var root = await session.FollowAsync(paths.Root, cancel) ?? throw paths.RootIsMissing();
        if (root is { Mode: not null, IsFolder: false }) throw new SftpFault(StoreFailure.Permanent, $"{paths.Root} is no folder");
    }

    /// <summary>
    /// Sends the making of a folder that was not seen yet, and of those above it up to the root, in front of what is asked next. Done when
    /// what is there is durable; whether the folder is there is for the next question to find out.
    /// </summary>
    /// <exception cref="SftpFault">The connection was lost.</exception>
    public Task MakeAheadAsync(SftpSession session, string folder, CancellationToken cancel) =>
        folder == paths.Root || _seen.ContainsKey(folder) ? Task.CompletedTask : Task.WhenAll(Below(folder).Select(below => MakeAtOnceAsync(session, below, cancel)).ToList());

    /// <summary>An object was made in the folder, and its own place is durable: it need not be made again.</summary>
    public void Saw(string folder)
    {
        // what is forgotten costs a question
        if (_seen.Count >= MostSeen) _seen.Clear();
        _seen[folder] = true;
    }

    /// <summary>Makes the folder and what is missing above it, up to the root, which has to be there.</summary>
    public async Task EnsureAsync(SftpSession session, string folder, CancellationToken cancel)
    {
        if (folder == paths.Root)
        {
            await RequireRootAsync(session, cancel);
            return;
        }
        // all in one round trip: a server takes them in their order, and where the root is missing none succeeds
        var missing = Below(folder).Select(below => MakeAtOnceAsync(session, below, cancel)).ToList();
        await RequireRootAsync(session, cancel);
        if (!(await Task.WhenAll(missing)).All(made => made)) await MakeAsync(session, folder, paths.Root, cancel);
    }

    // From the root on down.
    IEnumerable<string> Below(string folder)
    {
        for (var slash = folder.IndexOf('/', int.Min(paths.Root.Length + 1, folder.Length)); slash > 0; slash = folder.IndexOf('/', slash + 1)) yield return folder[..slash];
        yield return folder;
    }

    // False when it has to be looked at: it may be there, or what is above it may not.
    static async Task<bool> MakeAtOnceAsync(SftpSession session, string folder, CancellationToken cancel)
    {
        var making = session.MakeFolderAsync(folder, cancel);
        var above = new FolderToSync(session, folder);
        try
        {
            var isMade = await IsMadeAsync(making);
            // also where it was there: who made it may have been cut off before this
            await above.SyncAsync();
            return isMade;
        }
        finally
        {
            _ = above.CloseAsync();
        }
    }

    static async Task<bool> IsMadeAsync(Task making)
    {
        try
        {
            await making;
            return true;
        }
        catch (SftpFault e) when (e.Status is not null)
        {
            return false;
        }
    }

    public Task MakeRootAsync(SftpSession session, CancellationToken cancel) => MakeAsync(session, paths.Root, null, cancel);

    static async Task MakeAsync(SftpSession session, string folder, string? top, CancellationToken cancel)
    {
        if (folder == top) return;
        if (await session.FollowAsync(folder, cancel) is { } there)
        {
            if (there is { Mode: not null, IsFolder: false }) throw new SftpFault(StoreFailure.Permanent, $"{folder} is no folder");
            return;
        }
        if (RemotePaths.FolderOf(folder) is { } parent) await MakeAsync(session, parent, top, cancel);
        try
        {
            await session.MakeFolderAsync(folder, cancel);
            var above = new FolderToSync(session, folder);
            await above.SyncAsync();
            _ = above.CloseAsync();
        }
        catch (SftpFault e) when (e.Status is StatusCode.Failure)
        {
            // another one may have made it just now
            if (await session.FollowAsync(folder, cancel) is not { IsFolder: true }) throw;
        }
    }
}
