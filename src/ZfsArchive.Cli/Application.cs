using System.CommandLine;
using System.Text.Json;
using ZfsArchive.Cli.Commands;
using ZfsArchive.Night;
using ZfsArchive.Cli.Output;

namespace ZfsArchive.Cli;

/// <summary>The verbs, and the one place where exceptions become words and numbers.</summary>
public static class Application
{
    public static async Task<int> RunAsync(string[] arguments, IHost host)
    {
        var root = Root(host);
        var parsed = root.Parse(arguments);
        // What is not known comes first: it is why the rest does not fit.
        var errors = UnknownWords.Of(parsed, arguments) is { Count: > 0 } unknown ? unknown : [.. parsed.Errors.Select(e => e.Message)];
        if (errors.Count > 0)
        {
            foreach (var error in errors) await host.Error.WriteLineAsync($"zfsarchive: {error}");
            await host.Error.WriteLineAsync($"zfsarchive: see {$"zfsarchive {UnknownWords.Path(parsed.CommandResult)}".TrimEnd()} --help");
            await PrintFailureAsync(host, arguments, string.Join("; ", errors), ExitCodes.Usage);
            return ExitCodes.Usage;
        }
        try
        {
            return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = host.Out, Error = host.Error }, host.Stop);
        }
        catch (Exception e)
        {
            var code = ExitCodes.Of(e);
            await host.Error.WriteLineAsync($"zfsarchive: {FailureWords.Of(e) ?? e.ToString()}");
            await PrintFailureAsync(host, arguments, FailureWords.Of(e) ?? e.Message, code);
            return code;
        }
    }

    /// <summary>All verbs and their options; the manual page is held against it.</summary>
    internal static RootCommand Root(IHost host)
    {
        var root = new RootCommand("Archives ZFS snapshots as verified send streams in a directory, an S3 bucket or on an SFTP server, and brings them back.")
        {
            InitCommand.Build(host), BackupCommand.Build(host), RunCommand.Build(host), ListCommand.Build(host), ShowCommand.Build(host), InspectCommand.Build(host), StatusCommand.Build(host),
            VerifyCommand.Build(host), RestoreCommand.Build(host), CatCommand.Build(host), PruneCommand.Build(host), CanPruneCommand.Build(host), CopyCommand.Build(host),
            DoctorCommand.Build(host), UnlockCommand.Build(host), ConfigCommand.Build(host),
        };
        root.Options.Add(Options.Settings);
        root.Options.Add(Options.ConfigurationFile);
        return root;
    }

    // With --json the last line is the result, whatever it is.
    static async Task PrintFailureAsync(IHost host, string[] arguments, string words, int code)
    {
        if (arguments.Contains("--json")) await host.Out.WriteLineAsync(JsonSerializer.Serialize(new FailureResult(words, code), CliJson.Default.FailureResult));
    }
}
