using ZfsArchive.Backup;
using ZfsArchive.Config;
using ZfsArchive.Repository;
using ZfsArchive.Zfs;

namespace ZfsArchive.Night;

/// <summary>The world outside, as a night needs it.</summary>
public interface INightWorld
{
    TimeProvider Clock { get; }

    string HostName { get; }

    /// <summary>Where this host keeps what it remembers.</summary>
    LocalFolders Folders { get; }

    /// <summary>Of this program.</summary>
    string Version { get; }

    /// <exception cref="Model.ArchiveException">It cannot be reached, or is none.</exception>
    Task<ArchiveRepository> OpenAsync(RepositoryRule rule, RepositoryUse use, CancellationToken cancel);

    /// <param name="source">As the configuration names it.</param>
    IZfs Zfs(string source);

    /// <summary>Shows how far the archive of a snapshot is; null where nobody looks.</summary>
    IProgress<WriteProgress>? Progress(string snapshot);

    /// <summary>What happens, as it happens, for those who look on or keep a log.</summary>
    void Say(string text);
}
