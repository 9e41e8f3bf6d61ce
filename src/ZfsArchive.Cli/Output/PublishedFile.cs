using ZfsArchive.Model;

namespace ZfsArchive.Cli.Output;

/// <summary>A file that others read at any time: it is there whole, the old one or the new one, and all may read it.</summary>
static class PublishedFile
{
    const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <exception cref="ArchiveException">Usage: it is no place for a file.</exception>
    /// <exception cref="IOException">It cannot be written; nothing of it is left.</exception>
    public static async Task WriteAsync(string path, string text)
    {
        var full = Path.GetFullPath(path);
        // A file would take the place of the device.
        if (full.StartsWith("/dev/", StringComparison.Ordinal) || full.StartsWith("/proc/", StringComparison.Ordinal))
            throw new ArchiveException(FailureKind.Usage, $"{path} is no file: for standard output say -");
        if (Directory.Exists(full)) throw new ArchiveException(FailureKind.Usage, $"{path} is a directory: name a file in it");
        // Not a name that a collector of *.prom, or a web server, would take up.
        var draft = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Environment.ProcessId}.part");
        try
        {
            await File.WriteAllTextAsync(draft, text);
            File.SetUnixFileMode(draft, ForAll);
            File.Move(draft, full, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }
}
