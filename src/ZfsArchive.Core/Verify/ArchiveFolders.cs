using System.Runtime.CompilerServices;
using ZfsArchive.Manifests;
using ZfsArchive.Stores;

namespace ZfsArchive.Verify;

/// <summary>What one listing of all chunks tells.</summary>
static class ArchiveFolders
{
    /// <summary>Each archive's folder (<c>folder/archive</c>) with what lies in it, by name.</summary>
    /// <param name="stranger">Told of keys that no archive has.</param>
    public static async IAsyncEnumerable<(string Id, Dictionary<string, ObjectInfo> Listed)> ListAsync(IObjectStore store, Action<string> stranger, [EnumeratorCancellation] CancellationToken cancel)
    {
        string? folder = null;
        var listed = new Dictionary<string, ObjectInfo>();
        await foreach (var info in store.ListAsync(Layout.Archives, cancel))
        {
            if (Layout.ParseArchived(info.Key.Text) is not { } parsed)
            {
                stranger(info.Key.Text);
                continue;
            }
            var id = $"{parsed.Folder}/{parsed.Name}";
            if (folder is not null && folder != id)
            {
                yield return (folder, listed);
                listed = [];
            }
            folder = id;
            listed[parsed.Last] = info;
        }
        if (folder is not null) yield return (folder, listed);
    }
}
