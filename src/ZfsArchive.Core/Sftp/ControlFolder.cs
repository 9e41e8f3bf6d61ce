using System.Globalization;
using System.Security.Cryptography;
using ZfsArchive.Processes;

namespace ZfsArchive.Sftp;

/// <summary>
/// A private folder for the sockets by which further channels join a connection. Its name says whose it is, so that what a killed
/// process left can be told from what is in use.
/// </summary>
sealed class ControlFolder : IDisposable
{
    const string Begin = "zfsarchive-ssh-";
    const int LongestPath = 80;     // a socket's path has at most 107 bytes, and ssh adds some while it makes it
    int _sockets;

    ControlFolder(string? path) => Path = path;

    /// <summary>Null when there is no place for it: then connections have one channel each.</summary>
    string? Path { get; }

    public static ControlFolder Make()
    {
        // where others may write, one could put a link in the way of a sweep
        var parent = Named("RUNTIME_DIRECTORY") ?? (Environment.IsPrivilegedProcess && Directory.Exists("/run") ? "/run" : Named("XDG_RUNTIME_DIR") ?? System.IO.Path.GetTempPath());
        try
        {
            Sweep(parent);
            // nobody can have made a folder of this name before
            var random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
            var path = System.IO.Path.Combine(parent, $"{Begin}{Environment.ProcessId}-{ProcessMark.StartOf(Environment.ProcessId)}-{random}");
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(null);
        }
    }

    /// <summary>Path of a socket that was never used before, or null.</summary>
    public string? NewSocket()
    {
        if (Path is null) return null;
        var path = System.IO.Path.Combine(Path, Interlocked.Increment(ref _sockets).ToString(CultureInfo.InvariantCulture));
        // ssh has words of its own in such a path
        return path.Length <= LongestPath && !path.Any(c => c is '%' or '$' or '"' || char.IsWhiteSpace(c)) ? path : null;
    }

    public void Dispose() => Remove(Path);

    // systemd names a unit's own folder in RUNTIME_DIRECTORY; the rest of /run may be read-only for it
    static string? Named(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named && Directory.Exists(named) ? named : null;

    static void Sweep(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent, $"{Begin}*"))
        {
            var parts = System.IO.Path.GetFileName(folder)[Begin.Length..].Split('-');
            if (parts.Length == 3 && int.TryParse(parts[0], CultureInfo.InvariantCulture, out var process) && ProcessMark.StartOf(process) != parts[1]) Remove(folder);
        }
    }

    static void Remove(string? folder)
    {
        try
        {
            if (folder is null || new DirectoryInfo(folder).LinkTarget is not null) return;
            // nothing but sockets, which have numbers as names
            foreach (var socket in Directory.EnumerateFiles(folder).Where(f => System.IO.Path.GetFileName(f).All(char.IsAsciiDigit))) File.Delete(socket);
            Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // gone, or another user's
        }
    }
}
