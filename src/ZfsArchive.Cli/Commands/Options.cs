using System.CommandLine;
using System.Globalization;
using System.Reflection;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.S3;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;
using ZfsArchive.Zfs;

namespace ZfsArchive.Cli.Commands;

/// <summary>Options that several verbs share, and what they open.</summary>
static class Options
{
    public static string Version { get; } =
        typeof(Options).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    public static Option<string?> Repo() => new("--repo") { Description = "The repository: a directory, s3://bucket/prefix, sftp://user@host:port/path, or its name in the configuration (ZFSARCHIVE_REPO)" };

    /// <summary>One option of all verbs.</summary>
    public static Option<string[]> Settings { get; } = new("--option", "-o") { Description = "About the way to the repository: KEY=VALUE, such as s3.endpoint=https://… (README)", Recursive = true, AllowMultipleArgumentsPerToken = false };

    /// <summary>One option of all verbs.</summary>
    public static Option<string?> ConfigurationFile { get; } = new("--config") { Description = "The configuration (ZFSARCHIVE_CONFIG, else /etc/zfsarchive/config.yaml if it is there)", Recursive = true };

    public static RepositoryPlace PlaceOf(ParseResult parsed, Option<string?> repo) => new(parsed.GetValue(repo), [.. parsed.GetValue(Settings) ?? []], parsed.GetValue(ConfigurationFile));

    public static Option<bool> Recursive(string what) => new("--recursive", "-r", "-R") { Description = what };

    public static Option<bool> Json() => new("--json") { Description = "Print the result as one line of JSON" };

    public static Option<bool> DryRun() => new("--dry-run", "-n") { Description = "Say what would be done, and stop" };

    public static Option<string?> ZfsPrefixOption() => new("--zfs") { Description = "Where zfs runs: local, a command such as \"sudo -n\", or ssh://[user@]host[:port] (ZFSARCHIVE_ZFS)" };

    public static Option<string?> LogFile() => new("--log-file") { Description = "Append what happens to this file, as JSON lines" };

    public static Option<bool> Verbose() => new("--verbose", "-v") { Description = "Say what happens on standard error" };

    public static Option<bool> Quiet() => new("--quiet", "-q") { Description = "Print nothing but errors" };

    /// <summary>The store that a place names, with all that is wrapped around it: counting, repeating, keeping to a rate, from the outside in.</summary>
    /// <exception cref="ArchiveException">Usage: no place, or a kind of place that this program does not know, or a configuration that is needed for it and broken.</exception>
    public static IObjectStore OpenStore(IHost host, RepositoryPlace place, StoreTraffic? traffic = null)
    {
        var (text, rule) = new ConfiguredPlaces(host, place.ConfigurationFile).Find(place.Text);
        var address = StoreAddress.Parse(text);
        var settings = new StoreSettings(host, place.Settings, rule);
        var counted = traffic ?? new();
        IObjectStore store = address switch
        {
            StoreAddress.Bucket bucket => new S3Store(bucket, settings.S3, host.Clock),
            StoreAddress.Folder folder => new DirectoryStore(folder.Path, host.Clock),
            StoreAddress.Remote remote => new SftpStore(remote, settings.Sftp, host.Clock),
            _ => throw new NotSupportedException(address.ToString()),
        };
        if (settings.UploadLimit is not null || settings.DownloadLimit is not null) store = new PacedStore(store, settings.UploadLimit, settings.DownloadLimit, host.Clock);
        return new ObservedStore(new RetryingStore(store, settings.Retry, host.Clock, Random.Shared.NextDouble, Say), counted);

        void Say(StoreException e, TimeSpan wait)
        {
            counted.Again();
            if (host.ShowsProgress) host.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\rzfsarchive: {e.Message}; again in {wait.TotalSeconds:0.0} s"));
        }
    }

    /// <param name="movesMuch">Whether chunks will be moved: then connections are made while the repository is opened.</param>
    public static async Task<ArchiveRepository> OpenRepositoryAsync(
        IHost host, RepositoryPlace place, RepositoryUse use, CancellationToken cancel, StoreTraffic? traffic = null, bool movesMuch = false)
    {
        var store = OpenStore(host, place, traffic);
        try
        {
            if (movesMuch) store.Prepare();
            var repository = await ArchiveRepository.OpenAsync(store, host.Folders, use, cancel);
            if (movesMuch && repository.DescriptorFault is null) store.PrepareToWrite();
            if (repository.DescriptorFault is { } fault) await host.Error.WriteLineAsync($"zfsarchive: warning: {fault}");
            return repository;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>The lease of a verb that only reads; null, and said so, where none can be left: who restores from a disk that is full or read-only is not kept from it.</summary>
    /// <exception cref="ArchiveException">Locked: something is being removed here.</exception>
    public static async Task<Lease?> LeaseToReadAsync(IHost host, ArchiveRepository repository, string verb, bool quiet, CancellationToken cancel)
    {
        var reason = "its descriptor is damaged";
        try
        {
            if (repository.DescriptorFault is null) return await Lease.TakeAsync(repository, LeaseKind.Shared, verb, host.HostName, host.Clock, cancel);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Denied or StoreFailure.Full or StoreFailure.Permanent)
        {
            reason = e.Message;
        }
        if (!quiet) await host.Error.WriteLineAsync($"zfsarchive: no lease could be left in {repository.Store.Location} ({reason}): a prune elsewhere may remove what is being read after its grace time");
        return null;
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
