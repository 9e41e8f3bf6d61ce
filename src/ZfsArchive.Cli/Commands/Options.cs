using System.CommandLine;
using System.Reflection;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Zfs;

namespace ZfsArchive.Cli.Commands;

/// <summary>Options that several verbs share, and what they open.</summary>
static class Options
{
    public static string Version { get; } =
        typeof(Options).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    public static Option<string?> Repo() => new("--repo") { Description = "The repository: a directory (ZFSARCHIVE_REPO)" };

    public static Option<bool> Recursive(string what) => new("--recursive", "-r", "-R") { Description = what };

    public static Option<bool> Json() => new("--json") { Description = "Print the result as one line of JSON" };

    public static Option<bool> DryRun() => new("--dry-run", "-n") { Description = "Say what would be done, and stop" };

    public static Option<string?> ZfsPrefixOption() => new("--zfs") { Description = "Where zfs runs: local, a command such as \"sudo -n\", or ssh://[user@]host[:port] (ZFSARCHIVE_ZFS)" };

    public static Option<string?> LogFile() => new("--log-file") { Description = "Append what happens to this file, as JSON lines" };

    public static Option<bool> Verbose() => new("--verbose", "-v") { Description = "Say what happens on standard error" };

    public static Option<bool> Quiet() => new("--quiet", "-q") { Description = "Print nothing but errors" };

    /// <summary>The store that a place names.</summary>
    /// <exception cref="ArchiveException">Usage: no place, or a kind of place that this program does not know.</exception>
    public static IObjectStore OpenStore(IHost host, string? repo)
    {
        var place = repo ?? host.Environment("ZFSARCHIVE_REPO")
            ?? throw new ArchiveException(FailureKind.Usage, "no repository named: use --repo or ZFSARCHIVE_REPO");
        if (place.StartsWith("file:///", StringComparison.Ordinal)) place = Uri.UnescapeDataString(place["file://".Length..]);
        if (place.Length == 0 || place.Contains('\0', StringComparison.Ordinal)) throw new ArchiveException(FailureKind.Usage, "the repository's place is empty: use --repo or ZFSARCHIVE_REPO");
        if (place.Contains("://", StringComparison.Ordinal)) throw new ArchiveException(FailureKind.Usage, $"'{place}' is no place that this zfsarchive knows: it stores in directories (a path or file:///path)");
        return new DirectoryStore(place, host.Clock);
    }

    public static async Task<ArchiveRepository> OpenRepositoryAsync(IHost host, string? repo, RepositoryUse use, CancellationToken cancel)
    {
        var repository = await ArchiveRepository.OpenAsync(OpenStore(host, repo), host.Folders, use, cancel);
        if (repository.DescriptorFault is { } fault) await host.Error.WriteLineAsync($"zfsarchive: warning: {fault}");
        return repository;
    }

    /// <exception cref="ArchiveException">Usage: the prefix cannot be understood.</exception>
    public static IZfs OpenZfs(IHost host, string? prefix)
    {
        try
        {
            return host.Zfs(ZfsPrefix.Parse(prefix ?? host.Environment("ZFSARCHIVE_ZFS") ?? "local", host.Environment("ZFSARCHIVE_SSH_CONFIG")));
        }
        catch (FormatException e)
        {
            throw new ArchiveException(FailureKind.Usage, e.Message, e);
        }
    }
}
