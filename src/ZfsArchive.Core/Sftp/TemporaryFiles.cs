using System.Collections.Concurrent;

namespace ZfsArchive.Sftp;

/// <summary>The temporary files of this process: those that grow, and those that a broken connection left behind.</summary>
sealed class TemporaryFiles
{
    readonly ConcurrentDictionary<string, bool> _live = new(StringComparer.Ordinal);
    readonly ConcurrentQueue<string> _left = new();

    public string NewBeside(string path)
    {
        var temporary = RemotePaths.TemporaryIn(RemotePaths.FolderOf(path) ?? ".");
        _live[temporary] = true;
        return temporary;
    }

    public bool IsLive(string path) => _live.ContainsKey(path);

    public void Forget(string path) => _live.TryRemove(path, out _);

    public void LeaveForLater(string path)
    {
        _left.Enqueue(path);
        Forget(path);
    }

    /// <summary>Sends the removal of what was left; nobody waits for the answers, and a sweep takes what stays.</summary>
    public void RemoveLeft(SftpSession session)
    {
        while (_left.TryDequeue(out var path)) session.Remove(path);
    }
}
