using System.Security.Cryptography;
using ZfsArchive.Processes;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>Names on the far side.</summary>
sealed class RemotePaths(StoreAddress.Remote address)
{
    const string TemporarySuffix = ".part";

    /// <summary>The repository's own folder.</summary>
    public string Root { get; } = address.Path;

    public string Host { get; } = address.Host;

    public string Of(ObjectKey key) => In(key.Text);

    /// <param name="relative">Below the root; empty for the root.</param>
    public string In(string relative) => relative.Length == 0 ? Root : Root == "/" ? $"/{relative}" : $"{Root}/{relative}";

    /// <summary>A new name in the folder of a path.</summary>
    public static string TemporaryIn(string folder) => $"{folder}/.{ProcessMark.Own}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}{TemporarySuffix}";

    public static bool IsTemporary(string name) => name.StartsWith('.') && name.Length > TemporarySuffix.Length + 1 && name.EndsWith(TemporarySuffix, StringComparison.Ordinal);

    /// <summary>The folder of a path; null at the top.</summary>
    public static string? FolderOf(string path) => path.LastIndexOf('/') is var slash and > 0 ? path[..slash] : null;

    public SftpFault RootIsMissing() => new(StoreFailure.Absent, $"the folder {Root} does not exist on {Host}");
}
