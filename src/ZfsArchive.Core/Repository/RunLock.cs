using System.Globalization;
using System.Text;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>At most one run at a time on this host. The kernel gives it back when the process ends, however it does; who has it stands in the file.</summary>
public sealed class RunLock : IDisposable
{
    const int LongestHolder = 200;
    readonly FileStream _file;

    RunLock(FileStream file) => _file = file;

    /// <exception cref="ArchiveException">Locked: another run is under way. Failed: the state folder cannot be used.</exception>
    public static RunLock Take(LocalFolders folders, TimeProvider clock)
    {
        var path = Path.Combine(folders.State, "run.lock");
        try
        {
            LocalFolders.Make(folders.State);
            var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite, BufferSize = 0,
            });
            Sign(file, clock);
            return new(file);
        }
        catch (IOException e) when (File.Exists(path) && HolderOf(path) is { } holder)
        {
            throw new ArchiveException(FailureKind.Locked, $"another run is under way on this host ({holder}; {path} is locked): wait for it, or look with ps whether it hangs", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArchiveException(FailureKind.Failed, $"{folders.State}, where this host keeps what it remembers, cannot be written ({e.Message}): make it writable, or name another folder with ZFSARCHIVE_STATE", e);
        }
    }

    // Where there is no room for it, the next one is told that nothing is known of this one.
    static void Sign(FileStream file, TimeProvider clock)
    {
        try
        {
            file.SetLength(0);
            file.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} since {clock.GetUtcNow().UtcDateTime:yyyy-MM-dd HH:mm:ss}Z")));
        }
        catch (IOException)
        {
            // the lock itself takes no room
        }
    }

    // Without a lock: it is the other one's. Null: it cannot even be read, so it is not the lock that is in the way.
    static string? HolderOf(string path)
    {
        try
        {
            using var file = Posix.OpenToRead(path);
            var text = new byte[LongestHolder];
            return RandomAccess.Read(file, text, 0) is > 0 and var read ? Encoding.UTF8.GetString(text, 0, read) : "nothing is known of it";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();
}
