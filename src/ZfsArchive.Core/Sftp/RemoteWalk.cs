using System.Runtime.CompilerServices;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>
/// Goes through the folders below the root in the ordinal order of full names. Sorting each folder by itself is enough when a folder's
/// name is compared with its slash: everything in it lies together, between the same neighbours.
/// </summary>
sealed class RemoteWalk(RemotePaths paths, RemoteFolders folders)
{
    /// <summary>Folders of one level that are read ahead of the one whose turn it is.</summary>
    const int Ahead = 32;

    /// <summary>Objects whose names begin with the prefix.</summary>
    public async IAsyncEnumerable<ObjectInfo> FilesAsync(SftpSession session, string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var entry in EntriesAsync(session, prefix, cancel))
        {
            if (entry.Attributes.IsFile && entry.Key.StartsWith(prefix, StringComparison.Ordinal) && ObjectKey.IsValid(entry.Key))
                yield return new(new(entry.Key), entry.Attributes.Length ?? 0, entry.Attributes.Time);
        }
    }

    /// <summary>Removes abandoned temporary files below the prefix; returns how many.</summary>
    public async Task<int> SweepAsync(SftpSession session, string prefix, Func<(string Path, DateTimeOffset ModifiedAt), Task<bool>> isAbandoned, CancellationToken cancel)
    {
        var swept = 0;
        await foreach (var entry in EntriesAsync(session, prefix, cancel))
        {
            var path = paths.In(entry.Key);
            if (!entry.Attributes.IsFile || !RemotePaths.IsTemporary(entry.Name) || !await isAbandoned((path, entry.Attributes.Time))) continue;
            try
            {
                SftpSession.RequireOk(await session.Remove(path).Answer.WaitAsync(cancel));
                swept++;
            }
            catch (SftpFault e) when (e.Failure is StoreFailure.Absent)
            {
                // another sweep was faster
            }
        }
        return swept;
    }

    async IAsyncEnumerable<FolderEntry> EntriesAsync(SftpSession session, string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var folder = prefix.LastIndexOf('/') is var slash and > 0 ? prefix[..slash] : "";
        if (folder.Length > 0 && !ObjectKey.IsValid(folder))
        {
            await folders.RequireRootAsync(session, cancel);
            yield break;
        }
        // whoever stops early must not leave readers behind
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            await foreach (var entry in BelowAsync(TopAsync(session, folder, stop.Token), session, prefix, stop.Token)) yield return entry;
        }
        finally
        {
            await stop.CancelAsync();
        }
    }

    async IAsyncEnumerable<FolderEntry> BelowAsync(Task<List<FolderEntry>> reading, SftpSession session, string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var entries = await reading;
        var inside = new Queue<Task<List<FolderEntry>>>();
        var next = 0;
        foreach (var entry in entries)
        {
            cancel.ThrowIfCancellationRequested();
            if (!entry.IsFolder) yield return entry;
            if (!IsWanted(entry, prefix)) continue;
            for (; next < entries.Count && inside.Count < Ahead; next++)
                if (IsWanted(entries[next], prefix)) inside.Enqueue(InsideAsync(session, entries[next].Key, cancel).Observed());
            await foreach (var below in BelowAsync(inside.Dequeue(), session, prefix, cancel)) yield return below;
        }
    }

    static bool IsWanted(FolderEntry entry, string prefix) =>
        entry.IsFolder && ($"{entry.Key}/".StartsWith(prefix, StringComparison.Ordinal) || prefix.StartsWith($"{entry.Key}/", StringComparison.Ordinal));

    // Nothing is there: because nothing was ever put there, or because the root is missing?
    async Task<List<FolderEntry>> TopAsync(SftpSession session, string folder, CancellationToken cancel)
    {
        var reading = FolderListing.ReadAsync(session, paths.In(folder), folder, cancel);
        // asked right behind, in the same round trip
        var found = session.FollowAsync(paths.In(folder), cancel).Observed();
        var root = folders.RequireRootAsync(session, cancel).Observed();
        try
        {
            return await reading;
        }
        catch (SftpFault e) when (e.Status is StatusCode.NoSuchFile)
        {
            await root;
            if (await found is { IsFolder: false }) throw new SftpFault(StoreFailure.Permanent, $"{paths.In(folder)} is no folder");
            return [];
        }
    }

    async Task<List<FolderEntry>> InsideAsync(SftpSession session, string key, CancellationToken cancel)
    {
        try
        {
            return await FolderListing.ReadAsync(session, paths.In(key), key, cancel);
        }
        catch (SftpFault e) when (e.Status is StatusCode.NoSuchFile)
        {
            // Removed since its own folder was read; unless the whole place has gone away, and then this is no empty folder.
            await folders.RequireRootAsync(session, cancel);
            return [];
        }
    }
}
