using System.Globalization;

namespace ZfsArchive.Zfs;

/// <summary>
/// A command of ZFS failed: it could not be started, ended badly, took too long, or printed what can't be read. The message
/// names the command as a person could type it, how it ended, and what it said last.
/// </summary>
public sealed class ZfsException : Exception
{
    const int MostReasonLines = 4;
    const int LongestReason = 800;

    /// <summary>A failure told in full by its message.</summary>
    /// <param name="message">Names the object and what was expected.</param>
    /// <param name="command">The command, or empty where none was run.</param>
    /// <param name="exitCode">128+n for signal n; null if the command did not end by itself.</param>
    /// <param name="standardError">What the command said.</param>
    /// <param name="inner">The cause, if there is one.</param>
    public ZfsException(string message, string command = "", int? exitCode = null, string standardError = "", Exception? inner = null)
        : base(message, inner)
    {
        Command = command;
        ExitCode = exitCode;
        StandardError = standardError;
        Hint = ZfsHints.For(exitCode, standardError);
    }

    /// <summary>The command as a person could type it; empty where none was run.</summary>
    public string Command { get; }

    /// <summary>The exit status, 128+n for signal n; null if the command did not end by itself.</summary>
    public int? ExitCode { get; }

    /// <summary>What the command said on standard error: at most its first KiB and its last 8 KiB.</summary>
    public string StandardError { get; }

    /// <summary>The likely cause and the next step, where the text is a known one.</summary>
    public string? Hint { get; }

    internal bool Says(string text) => StandardError.Contains(text, StringComparison.Ordinal);

    internal static ZfsException Ended(string command, int exitCode, string standardError) =>
        new($"`{command}` {HowEnded(exitCode)}{Reason(standardError)}", command, exitCode, standardError);

    internal static ZfsException EndedEarly(string command, string standardError) =>
        new($"`{command}` ended with exit status 0 before the stream did{Reason(standardError)}", command, 0, standardError);

    internal static ZfsException HadMore(string command, string standardError) =>
        new($"`{command}` was stopped: it had more to send than its reader took{Reason(standardError)}", command, null, standardError);

    internal static ZfsException NotStarted(string command, string program, Exception inner) =>
        new($"`{command}` could not be started: {program}: {inner.Message}", command, null, $"{program}: could not be started", inner);

    internal static ZfsException TooSlow(string command, TimeSpan limit, string standardError) =>
        new($"`{command}` was stopped: it had not ended after {Words(limit)}{Reason(standardError)}", command, null, standardError);

    internal static ZfsException Stuck(string command, string standardError) =>
        new($"`{command}` does not end, even when killed{Reason(standardError)}", command, null, standardError);

    internal static ZfsException OtherBookmark(string snapshot, string bookmark, ZfsException inner) =>
        new($"'{bookmark}' exists and marks another snapshot than '{snapshot}'", inner.Command, inner.ExitCode, inner.StandardError, inner);

    internal static ZfsException Unreadable(string command, string line, string expected) =>
        new($"`{command}` printed a line that can't be read: '{line}' ({expected})", command);

    static string HowEnded(int exitCode) => exitCode is > 128 and <= 192
        ? $"was ended by signal {exitCode - 128}{SignalName(exitCode - 128)}"
        : string.Create(CultureInfo.InvariantCulture, $"ended with exit status {exitCode}");

    static string SignalName(int signal) => signal switch
    {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        6 => " (SIGABRT)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE: its reader was gone)",
        15 => " (SIGTERM)",
        25 => " (SIGXFSZ)",
        _ => "",
    };

    /// <summary>The lines that tell: after a usage error ZFS prints its reason first and pages of usage behind it.</summary>
    static string Reason(string standardError)
    {
        var lines = standardError
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .TakeWhile(line => !line.StartsWith("usage:", StringComparison.Ordinal))
            .TakeLast(MostReasonLines);
        var reason = string.Join("; ", lines);
        if (reason.Length == 0) return ", without a word";
        return reason.Length <= LongestReason ? $": {reason}" : $": {reason[..LongestReason]}…";
    }

    static string Words(TimeSpan limit) => limit.TotalSeconds < 120
        ? string.Create(CultureInfo.InvariantCulture, $"{limit.TotalSeconds:0.#} seconds")
        : string.Create(CultureInfo.InvariantCulture, $"{limit.TotalMinutes:0.#} minutes");
}
