using System.Globalization;
using ZfsArchive.Model;
using ZfsArchive.Processes;

namespace ZfsArchive.Repository;

/// <summary>Where this host keeps what it remembers, and what it spools. Losing either costs time, never data.</summary>
/// <param name="State">Remembered heads of each repository.</param>
/// <param name="Cache">Spools of runs under way.</param>
public sealed record LocalFolders(string State, string Cache)
{
    const string SpoolSuffix = ".spool", DraftSuffix = ".part";

    /// <summary>A new spool file; a shared lock says that it is in use for as long as it is open.</summary>
    public FileStream NewSpool()
    {
        try
        {
            Make(Cache);
            return new(Path.Combine(Cache, Path.GetRandomFileName() + SpoolSuffix), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, 64 << 10, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArchiveException(FailureKind.Failed, $"{Cache}, where this host keeps what is under way, cannot be written ({e.Message}): make it writable, or name another folder with ZFSARCHIVE_CACHE", e);
        }
    }

    /// <summary>Makes a folder of ours when it is not there: names of datasets stand in it, and locks, which are nobody else's business.</summary>
    public static void Make(string folder)
    {
        if (!Directory.Exists(folder)) Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Removes the spools and drafts of runs that were killed; spools of running ones are locked, and drafts name their process.</summary>
    public void SweepSpools()
    {
        foreach (var folder in new[] { State, Cache }) SweepDrafts(folder);
        if (!Directory.Exists(Cache)) return;
        foreach (var path in Directory.EnumerateFiles(Cache, $"*{SpoolSuffix}"))
        {
            try
            {
                using var unused = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // in use, or not ours to remove
            }
        }
    }

    /// <summary>Gives a file here another content, all of it or nothing; its folder is made. False when it cannot be written: none of these files is worth a failure.</summary>
    public static bool TryReplace(string path, ReadOnlySpan<byte> content)
    {
        var draft = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}{DraftSuffix}");
        try
        {
            Make(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(draft, content);
            File.Move(draft, path, overwrite: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // what is left of it is swept when this process is gone
            return false;
        }
    }

    static void SweepDrafts(string folder)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.EnumerateFiles(folder, $"*{DraftSuffix}"))
        {
            var process = Path.GetExtension(path[..^DraftSuffix.Length]).TrimStart('.');
            if (int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && ProcessMark.StartOf(number).Length == 0) File.Delete(path);
        }
    }
}
