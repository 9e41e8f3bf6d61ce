namespace ZfsArchive.Repository;

/// <summary>Where this host keeps what it remembers, and what it spools. Losing either costs time, never data.</summary>
/// <param name="State">Remembered heads of each repository.</param>
/// <param name="Cache">Spools of runs under way.</param>
public sealed record LocalFolders(string State, string Cache)
{
    const string SpoolSuffix = ".spool";

    /// <summary>A new spool file; a shared lock says that it is in use for as long as it is open.</summary>
    public FileStream NewSpool()
    {
        Directory.CreateDirectory(Cache);
        return new(Path.Combine(Cache, Path.GetRandomFileName() + SpoolSuffix), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, 64 << 10, FileOptions.DeleteOnClose);
    }

    /// <summary>Removes the spools of runs that were killed; those of running ones are locked.</summary>
    public void SweepSpools()
    {
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
}
