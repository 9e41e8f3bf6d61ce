using ZfsArchive.Cli.Output;
using ZfsArchive.Config;
using ZfsArchive.Model;

namespace ZfsArchive.Cli.Commands;

/// <summary>The configuration that holds for a command, and the repositories that it names.</summary>
/// <param name="named">The file that <c>--config</c> names.</param>
sealed class ConfiguredPlaces(IHost host, string? named)
{
    /// <summary>Null when there is none.</summary>
    public string? File => named ?? host.Environment("ZFSARCHIVE_CONFIG") ?? (System.IO.File.Exists(host.DefaultConfiguration) ? host.DefaultConfiguration : null);

    /// <exception cref="ConfigurationException">It is broken.</exception>
    /// <exception cref="ArchiveException">Usage: there is none.</exception>
    public Configuration Load() => ConfigurationFile.Load(File
        ?? throw new ArchiveException(FailureKind.Usage, $"there is no configuration: {host.DefaultConfiguration} is not there (--config or ZFSARCHIVE_CONFIG names another file)"));

    /// <summary>What is meant by <c>--repo</c> (else ZFSARCHIVE_REPO, else the only repository there is): its place, and its rule if the configuration was asked for it.</summary>
    /// <exception cref="ArchiveException">Usage: nothing, or nothing known, is named; or the configuration is needed for it and broken.</exception>
    public (string Place, RepositoryRule? Rule) Find(string? text)
    {
        text ??= host.Environment("ZFSARCHIVE_REPO");
        if (text is not null && !RuleName.IsValid(text))
        {
            WarnIfBroken();
            return (text, null);
        }
        if (File is null) return (text ?? throw new ArchiveException(FailureKind.Usage, "no repository named: use --repo or ZFSARCHIVE_REPO"), null);
        var configuration = Load();
        var names = configuration.Repositories.Select(r => r.Name).ToList();
        if (text is null)
        {
            return configuration.Repositories is [var only] ? (only.Url, only)
                : throw new ArchiveException(FailureKind.Usage, $"which repository? --repo (or ZFSARCHIVE_REPO) takes a name: {string.Join(", ", names)}");
        }
        if (configuration.Repositories.FirstOrDefault(r => r.Name == text) is { } rule) return (rule.Url, rule);
        return Directory.Exists(text) ? (text, null)
            : throw new ArchiveException(FailureKind.Usage, $"there is no repository '{text}' in {File}{NearestWord.Advice(text, names, "repositories")} (a folder of that name is written ./{text})");
    }

    // Who restores from a place that he names needs no configuration.
    void WarnIfBroken()
    {
        try
        {
            if (File is not null) Load();
        }
        catch (ConfigurationException e)
        {
            host.Error.WriteLine($"zfsarchive: warning: the configuration is not used here, and is broken: {e.Faults[0]}{(e.Faults.Length > 1 ? $" ({Text.Plural(e.Faults.Length, "fault")}, see zfsarchive config check)" : "")}");
        }
    }
}
