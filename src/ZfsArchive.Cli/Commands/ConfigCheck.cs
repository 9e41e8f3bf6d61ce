using System.Collections.Immutable;
using ZfsArchive.Cli.Output;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Cli.Commands;

/// <summary>All that can be found wrong with a configuration without going anywhere: its text, and what it names on this machine.</summary>
static class ConfigCheck
{
    const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    const string Absent = "is not there", NoMail = $"{Absent}: install a mail program (apt install msmtp-mta), or use ping: in place of mail:";

    /// <exception cref="ArchiveException">Usage: there is none.</exception>
    public static ConfigCheckResult Run(IHost host, ConfiguredPlaces places)
    {
        try
        {
            var configuration = places.Load();
            var faults = OfSecrets(host, configuration).Concat(OfPrograms(configuration)).Concat(OfFiles(configuration)).Distinct()
                .Select(message => new ConfigurationFault(configuration.File, 0, 0, message)).ToImmutableArray();
            return new(configuration.File, faults.IsEmpty, configuration.Repositories.Length, configuration.Jobs.Length, faults, [.. Notes(configuration)]);
        }
        catch (ConfigurationException e)
        {
            return new(e.Faults[0].File, Good: false, 0, 0, e.Faults, []);
        }
    }

    // Variables and credentials are there when cron or systemd starts the program, not now.
    static IEnumerable<string> OfSecrets(IHost host, Configuration configuration)
    {
        var secrets = new Secrets(host.Environment);
        var sources = configuration.Repositories.SelectMany(r => r.Keys is { } keys ? new[] { ($"repository '{r.Name}'", keys.AccessKey), ($"repository '{r.Name}'", keys.SecretKey) } : [])
            .Concat(configuration.Notify.SelectMany(n => n switch
            {
                NotifyRule.Ping ping => [ping.Url],
                NotifyRule.Webhook webhook => [webhook.Url, .. webhook.Headers.Values],
                _ => Array.Empty<TextOrSecret>(),
            }).Where(t => t.Secret is not null).Select(t => ("notify", t.Secret!)));
        foreach (var (where, source) in sources.Where(s => s.Item2.Kind is SecretKind.File))
        {
            var fault = "";
            try
            {
                secrets.Read(source);
            }
            catch (ArchiveException e)
            {
                fault = e.Message;
            }
            if (fault.Length > 0) yield return $"{where}: {fault}";
        }
    }

    static IEnumerable<string> OfPrograms(Configuration configuration) =>
        configuration.Jobs.SelectMany(j => j.Hooks.Before.Concat(j.Hooks.After).Select(c => (Where: $"job '{j.Name}'", Program: c[0], Absent: Absent)))
            .Concat(configuration.Notify.SelectMany(n => n switch
            {
                NotifyRule.Mail mail => [(Where: "notify", Program: mail.Sendmail, Absent: NoMail)],
                NotifyRule.Program program => [("notify", program.Command[0], Absent)],
                _ => Array.Empty<(string Where, string Program, string Absent)>(),
            }))
            .Where(p => !File.Exists(p.Program) || (File.GetUnixFileMode(p.Program) & Executable) == 0)
            .Select(p => $"{p.Where}: {p.Program} {(File.Exists(p.Program) ? "cannot be executed: chmod +x" : p.Absent)}");

    static IEnumerable<string> OfFiles(Configuration configuration) =>
        from repository in configuration.Repositories
        from option in repository.Options
        where StoreKey.Find(option.Key) is { Kind: StoreKeyKind.Path } && !File.Exists(option.Value)
        select $"repository '{repository.Name}': {option.Key}: {option.Value} is not there";

    static IEnumerable<string> Notes(Configuration configuration)
    {
        foreach (var repository in configuration.Repositories)
        {
            var hasPolicy = configuration.Jobs.Any(j => j.Repositories.Contains(repository.Name) && !(j.Retention ?? repository.Retention).IsEmpty) || !repository.Retention.IsEmpty;
            if (hasPolicy && !repository.Prune) yield return $"repository '{repository.Name}' has a retention, and prune is false: nothing is removed there";
            if (!hasPolicy && repository.Prune) yield return $"repository '{repository.Name}' has prune: true, and no retention: nothing is removed there";
            if (!configuration.Jobs.IsEmpty && !configuration.Jobs.Any(j => j.Repositories.Contains(repository.Name))) yield return $"no job archives to repository '{repository.Name}'";
        }
    }
}
