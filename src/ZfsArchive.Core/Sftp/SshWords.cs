using System.Text.RegularExpressions;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>What ssh's last words mean, and what a person can do about it.</summary>
static partial class SshWords
{
    /// <summary>Whether ssh refused the host's key; only another run tells which key that was.</summary>
    public static bool IsHostKeyRefused(string words) =>
        words.Contains("Host key verification failed", StringComparison.Ordinal) || words.Contains("REMOTE HOST IDENTIFICATION HAS CHANGED", StringComparison.Ordinal);

    public static SftpFault Explain(string words, SshCommand command)
    {
        var last = SftpFault.Printable(words.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "");
        if (IsHostKeyRefused(words)) return new(StoreFailure.Denied, $"the host key of {command.Host} is not the known one ({last})");
        if (Refused().Match(words) is { Success: true } refused) return new(StoreFailure.Denied, KeyRefused(refused.Value, command));
        if (words.Contains("subsystem request failed", StringComparison.Ordinal))
            return new(StoreFailure.Permanent, $"{command.Host} has no SFTP for this user ({last}): enable 'Subsystem sftp' in its sshd_config");
        if (Wrong().IsMatch(words)) return new(StoreFailure.Permanent, last);
        if (last.Contains("Could not resolve hostname", StringComparison.Ordinal)) return new(StoreFailure.Transient, $"{last}: check the name of the host, and the network");
        if (last.Contains("Connection refused", StringComparison.Ordinal)) return new(StoreFailure.Transient, $"{last}: check host and port, and whether the server runs");
        return new(StoreFailure.Transient, last.Length > 0 ? last : "the connection was closed");
    }

    /// <summary>Why ssh does not trust the host.</summary>
    /// <param name="verbose">What <c>ssh -v</c> said.</param>
    public static SftpFault ExplainHostKey(string verbose, SshCommand command)
    {
        var shown = ShownKey().Match(verbose) is { Success: true } key
            ? $"it shows {key.Groups["type"].Value} {key.Groups["print"].Value}"
            : "which key it shows could not be learned";
        var port = command.Port is { } number and not 22 ? $" -p {number}" : "";
        var name = command.Port is { } other and not 22 ? $"'[{command.Host}]:{other}'" : command.Host;
        return verbose.Contains("REMOTE HOST IDENTIFICATION HAS CHANGED", StringComparison.Ordinal)
            ? new(StoreFailure.Denied, $"the host key of {command.Host} has CHANGED: {shown}. Somebody may be in between. Compare this with the fingerprint that the provider publishes; "
                + $"only if it is the same, remove the old key with `ssh-keygen -R {name}` and accept the new one with `ssh{port} {command.Destination}`")
            : new(StoreFailure.Denied, $"the host key of {command.Host} is unknown: {shown}. Compare this with the fingerprint that the provider publishes; "
                + $"if it is the same, accept it once with `ssh{port} {command.Destination}` (or add it with `ssh-keyscan{port} {command.Host}`)");
    }

    static string KeyRefused(string said, SshCommand command)
    {
        var port = command.Port is { } number ? $" -p {number}" : "";
        return $"{command.Destination} does not accept this login ({SftpFault.Printable(said)}): say which key to use (what `ssh -i` takes, or IdentityFile in the ssh configuration), "
            + $"make sure that it has no passphrase or is in the agent, and that the far side knows it (`ssh-copy-id{port} {command.Destination}`)";
    }

    [GeneratedRegex(@"(?:Permission denied \([a-z0-9,.@-]*\)|Too many authentication failures)[^\n]*")]
    private static partial Regex Refused();

    [GeneratedRegex("Bad configuration option|Bad SSH2 cipher|no matching (?:cipher|host key type|key exchange method|MAC)|Can't open user config file|terminating, [0-9]+ bad configuration|Unable to negotiate|Bad owner or permissions|No such identity[^\n]*\n[^\n]*Permission")]
    private static partial Regex Wrong();

    [GeneratedRegex(@"Server host key: (?<type>[A-Za-z0-9@.-]+) (?<print>[A-Za-z0-9]+:[A-Za-z0-9+/=:]+)")]
    private static partial Regex ShownKey();
}
