using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>One name in a folder.</summary>
/// <param name="Key">Its path below the root.</param>
readonly record struct FolderEntry(string Key, RemoteAttributes Attributes)
{
    public string Name => Key[(Key.LastIndexOf('/') + 1)..];

    /// <summary>Whether it is a folder that objects of ours can lie in.</summary>
    public bool IsFolder => Attributes.IsFolder && ObjectKey.IsValid(Key);

    /// <summary>What full names are compared by.</summary>
    public string Order => Attributes.IsFolder ? $"{Key}/" : Key;
}

/// <summary>Reads one folder.</summary>
static class FolderListing
{
    const int MostEntries = 4_000_000;
    const int LongestName = 255;

    /// <summary>Questions on the way at once: a server gives about a hundred names for each.</summary>
    const int MostQuestions = 32;

    /// <summary>What lies in the folder, in the order of full names; names that can be nothing of ours are left out.</summary>
    /// <param name="key">Of the folder, below the root; empty for the root.</param>
    public static async Task<List<FolderEntry>> ReadAsync(SftpSession session, string path, string key, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var opening = session.OpenFolderAsync(path, CancellationToken.None);
        var handle = await OpenedFile.HandleAsync(session, opening, cancel);
        try
        {
            var entries = new List<FolderEntry>();
            var told = 0;
            var questions = new Queue<Request>();
            for (var wanted = 2; ; wanted = int.Min(wanted + 1, MostQuestions))
            {
                while (questions.Count < wanted) questions.Enqueue(session.ReadFolder(handle));
                if (SftpSession.NamesIn(await questions.Dequeue().Answer.WaitAsync(cancel)) is not { } names) break;
                entries.AddRange(names.Where(n => IsOurs(n.Name)).Select(n => new FolderEntry(key.Length == 0 ? n.Name : $"{key}/{n.Name}", n.Attributes)));
                told += names.Count;
                if (names.Count == 0) throw SftpFault.Broken("a part of a listing without a name in it");
                if (told > MostEntries) throw new SftpFault(StoreFailure.Permanent, $"{path} has more than {MostEntries} entries");
            }
            await CompleteAsync(session, path, entries, cancel);
            entries.Sort((a, b) => string.CompareOrdinal(a.Order, b.Order));
            return entries;
        }
        finally
        {
            session.Close(handle);
        }
    }

    static bool IsOurs(string name) => name.Length <= LongestName && ObjectKey.IsValid(RemotePaths.IsTemporary(name) ? name[1..] : name) && !name.Contains('/', StringComparison.Ordinal);

    // Some servers tell less in a listing than of a single file.
    static async Task CompleteAsync(SftpSession session, string path, List<FolderEntry> entries, CancellationToken cancel)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Attributes is { IsFolder: true } or { IsComplete: true }) continue;
            entries[i] = entries[i] with { Attributes = await session.LookAsync($"{path}/{entries[i].Name}", cancel) ?? default };
        }
    }
}
