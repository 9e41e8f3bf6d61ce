using ZfsArchive.Processes;
using System.Buffers;
using System.Globalization;

namespace ZfsArchive.Zfs;

/// <summary>
/// Where <c>zfs</c> runs: <c>local</c>; behind a program and its arguments, such as <c>sudo -n</c>; or on another machine,
/// <c>ssh://[user@]host[:port]</c>, with a program there behind a blank: <c>ssh://backup@nas sudo -n</c>.
/// </summary>
public sealed record ZfsPrefix
{
    const string Scheme = "ssh://";

    static readonly SearchValues<char> _userCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    static readonly SearchValues<char> _hostCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    static readonly SearchValues<char> _addressCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:%_-");

    ZfsPrefix(string text) => Text = text;

    /// <summary>This machine, with the rights of this process.</summary>
    public static ZfsPrefix Local { get; } = new("local");

    /// <summary>The prefix as it was written.</summary>
    public string Text { get; }

    /// <summary>Whether the commands run over ssh.</summary>
    public bool IsRemote => Host is not null;

    // Strings and numbers only, so that two prefixes that say the same are equal.
    string? User { get; init; }
    string? Host { get; init; }
    int? Port { get; init; }
    string Program { get; init; } = "";
    string? SshConfiguration { get; init; }

    /// <summary>Reads a prefix.</summary>
    /// <param name="text"><c>local</c>, a program with arguments, or an ssh URL.</param>
    /// <param name="sshConfiguration">A file to be given to <c>ssh -F</c>, or null for the user's own.</param>
    /// <exception cref="FormatException">The message says what is wrong with it.</exception>
    public static ZfsPrefix Parse(string text, string? sshConfiguration = null)
    {
        var words = Words(text);
        if (words.Length == 0) throw new FormatException("The zfs prefix is empty; write local for this machine.");
        if (words is ["local"]) return Local;
        if (words[0].StartsWith(Scheme, StringComparison.Ordinal)) return ParseUrl(words, sshConfiguration);
        CheckProgram(words);
        return new(string.Join(' ', words)) { Program = string.Join(' ', words) };
    }

    /// <summary>The program to start, and its arguments, for a command that begins with <c>zfs</c> or <c>zpool</c>.</summary>
    public (string Program, IReadOnlyList<string> Arguments) Command(IReadOnlyList<string> zfsArguments)
    {
        string[] words = [.. Words(Program), .. zfsArguments];
        return Host is null ? (words[0], words[1..]) : ("ssh", SshArguments(words));
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    string[] SshArguments(string[] words) =>
    [
        // BatchMode, for nobody is there to type; the rest notices a dead line within a minute.
        "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4", "-o", "ConnectTimeout=15",
        .. SshConfiguration is null ? [] : new[] { "-F", SshConfiguration },
        .. Port is null ? [] : new[] { "-p", Port.Value.ToString(CultureInfo.InvariantCulture) },
        "-T", "--", User is null ? Host! : $"{User}@{Host}",
        // Without a login the PATH of a user often lacks the folders of the administrator, where zfs lies.
        $"env LC_ALL=C PATH=\"$PATH:/usr/local/sbin:/usr/sbin:/sbin\" {string.Join(' ', words.Select(ShellQuoting.Quote))}",
    ];

    static ZfsPrefix ParseUrl(string[] words, string? sshConfiguration)
    {
        var address = words[0][Scheme.Length..].TrimEnd('/');
        var at = address.LastIndexOf('@');
        var user = at < 0 ? null : ParseUser(address[..at]);
        var (host, port) = SplitPort(address[(at + 1)..]);
        if (words.Length > 1) CheckProgram(words[1..]);
        return new(string.Join(' ', words))
        {
            User = user,
            Host = ParseHost(host),
            Port = port is null ? null : ParsePort(port),
            Program = string.Join(' ', words[1..]),
            SshConfiguration = sshConfiguration,
        };
    }

    static string ParseUser(string user)
    {
        // The text is not repeated: it may be a password.
        if (user.Contains(':', StringComparison.Ordinal))
            throw new FormatException("The zfs prefix has a password; ssh takes keys only, write ssh://[user@]host[:port].");
        if (user.Length == 0) throw new FormatException("The zfs prefix has an @ but no user before it.");
        if (user[0] == '-' || user.AsSpan().ContainsAnyExcept(_userCharacters))
            throw new FormatException($"The zfs prefix has the user '{user}'; only letters, digits, '.', '_' and '-' are taken, and no '-' at its beginning.");
        return user;
    }

    static (string Host, string? Port) SplitPort(string address)
    {
        var close = address.StartsWith('[') ? address.IndexOf(']', StringComparison.Ordinal) : -1;
        if (close > 0) return (address[..(close + 1)], close + 1 < address.Length ? address[(close + 1)..].TrimStart(':') : null);
        var colon = address.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (address, null) : (address[..colon], address[(colon + 1)..]);
    }

    static string ParseHost(string host)
    {
        var isAddress = host is ['[', _, .., ']'];
        var name = isAddress ? host[1..^1] : host;
        if (name.Length == 0) throw new FormatException("The zfs prefix has no host; write ssh://[user@]host[:port].");
        if (name.Contains('/', StringComparison.Ordinal))
            throw new FormatException($"The zfs prefix has a path, '{name[name.IndexOf('/', StringComparison.Ordinal)..]}'; write ssh://[user@]host[:port] alone.");
        if (name[0] == '-' || name.AsSpan().ContainsAnyExcept(isAddress ? _addressCharacters : _hostCharacters))
            throw new FormatException($"The zfs prefix has the host '{name}'; only letters, digits, '.', '_' and '-' are taken, and no '-' at its beginning.");
        return name;
    }

    static int ParsePort(string port) =>
        int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536
            ? number
            : throw new FormatException($"The zfs prefix has the port '{port}', which is not a number from 1 to 65535.");

    static void CheckProgram(string[] words)
    {
        // ssh joins its arguments and lets a shell take them apart again: a blank or a $ in a name would not survive.
        if (Path.GetFileName(words[0]) == "ssh")
            throw new FormatException("The zfs prefix calls ssh itself; write ssh://[user@]host[:port], so that names arrive as they are.");
        if (words[0].StartsWith('-') || words[0].Contains("://", StringComparison.Ordinal))
            throw new FormatException($"The zfs prefix begins with '{words[0]}', which is not a program; write local, a program such as sudo -n, or ssh://[user@]host[:port].");
        if (Path.GetFileName(words[^1]) is "zfs" or "zpool")
            throw new FormatException($"The zfs prefix ends with {words[^1]}, which is added by itself; write what comes before it.");
    }

    static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
