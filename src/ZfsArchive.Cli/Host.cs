using System.Runtime.InteropServices;
using ZfsArchive.Cli.Output;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Zfs;

namespace ZfsArchive.Cli;

/// <summary>The world outside as values, so that tests bring their own and run the real application.</summary>
public interface IHost
{
    Stream Input { get; }
    Stream Output { get; }
    TextWriter Out { get; }
    TextWriter Error { get; }
    TimeProvider Clock { get; }

    /// <summary>Cancelled by SIGINT and SIGTERM.</summary>
    CancellationToken Stop { get; }

    /// <summary>Standard error is a terminal: progress is shown on it.</summary>
    bool ShowsProgress { get; }

    /// <summary>Columns of that terminal; null where they are not known.</summary>
    int? TerminalWidth => null;

    string HostName { get; }
    LocalFolders Folders { get; }

    /// <summary>The configuration that is used, if it is there, when none is named.</summary>
    string DefaultConfiguration { get; }

    string? Environment(string name);
    IZfs Zfs(ZfsPrefix prefix);
}

/// <summary>The process's own world.</summary>
public sealed class ProcessHost : IHost, IDisposable
{
    readonly CancellationTokenSource _stop = new();
    readonly PosixSignalRegistration[] _signals;

    public ProcessHost() =>
        _signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            _stop.Cancel();
        }))];

    public Stream Input { get; } = Console.OpenStandardInput();
    public Stream Output { get; } = Console.OpenStandardOutput();
    public TextWriter Out { get; } = new PlainWriter(Console.Out, PlainWriter.IsAscii(Variable));
    public TextWriter Error { get; } = new PlainWriter(Console.Error, PlainWriter.IsAscii(Variable));
    public TimeProvider Clock => TimeProvider.System;
    public CancellationToken Stop => _stop.Token;
    public bool ShowsProgress => !Console.IsErrorRedirected;
    public int? TerminalWidth => ShowsProgress && Console.WindowWidth is > 0 and var width ? width : null;
    public string HostName => System.Environment.MachineName;
    public string? Environment(string name) => Variable(name);
    public IZfs Zfs(ZfsPrefix prefix) => new ZfsCli(prefix, Clock);

    public LocalFolders Folders => new(
        Environment("ZFSARCHIVE_STATE") ?? Place("/var/lib/zfsarchive", "XDG_STATE_HOME", ".local/state"),
        Environment("ZFSARCHIVE_CACHE") ?? Place("/var/cache/zfsarchive", "XDG_CACHE_HOME", ".cache"));

    public string DefaultConfiguration => Path.Combine(Place("/etc/zfsarchive", "XDG_CONFIG_HOME", ".config"), "config.yaml");

    static string? Variable(string name) => System.Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    string Place(string ofRoot, string variable, string underHome) =>
        System.Environment.IsPrivilegedProcess ? ofRoot
        : Path.Combine(Environment(variable) is { } named && Path.IsPathRooted(named) ? named : Path.Combine(Home(), underHome), "zfsarchive");

    // Relative to the current folder it would be anybody's.
    static string Home() => System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile, System.Environment.SpecialFolderOption.DoNotVerify) is var home && Path.IsPathRooted(home)
        ? home
        : throw new ArchiveException(FailureKind.Usage, "HOME is not set: set it, or ZFSARCHIVE_CONFIG, ZFSARCHIVE_STATE and ZFSARCHIVE_CACHE");

    public void Dispose()
    {
        foreach (var signal in _signals) signal.Dispose();
        _stop.Dispose();
    }
}
