using ZfsArchive.Model;

namespace ZfsArchive.Repository;

/// <summary>At most one run at a time on this host. The kernel gives it back when the process ends, however it does.</summary>
public sealed class RunLock : IDisposable
{
    readonly FileStream _file;

    RunLock(FileStream file) => _file = file;

    /// <exception cref="ArchiveException">Locked: another run is under way. Failed: the state folder cannot be used.</exception>
    public static RunLock Take(LocalFolders folders)
    {
        var path = Path.Combine(folders.State, "run.lock");
        try
        {
            Directory.CreateDirectory(folders.State);
            return new(new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new ArchiveException(FailureKind.Locked, $"another run is under way on this host ({path} is locked): wait for it, or look with ps whether it hangs", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArchiveException(FailureKind.Failed, $"{folders.State} cannot be used: {e.Message}", e);
        }
    }

    public void Dispose() => _file.Dispose();
}
