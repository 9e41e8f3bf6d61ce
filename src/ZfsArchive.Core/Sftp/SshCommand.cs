using System.Globalization;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>The arguments of ssh.</summary>
sealed class SshCommand(StoreAddress.Remote address, SftpOptions options)
{
    const string FastCipher = "^aes128-gcm@openssh.com";

    volatile string? _cipher = options.Ciphers;

    /// <summary><c>user@host</c>, as ssh takes it.</summary>
    public string Destination { get; } = address.User is { } user ? $"{user}@{Bare(address.Host)}" : Bare(address.Host);

    public string Host { get; } = Bare(address.Host);

    public int? Port => address.Port;

    static bool HasAes => System.Runtime.Intrinsics.X86.Aes.IsSupported || System.Runtime.Intrinsics.Arm.Aes.IsSupported;

    /// <summary>Takes the fastest cipher, where nobody has chosen one.</summary>
    public async Task ChooseCipherAsync(TimeProvider clock, CancellationToken cancel)
    {
        if (options.Ciphers is not null || !HasAes) return;
        var own = SshRun.StartAsync(["-G", .. Configuration(), "--", Destination], options.ConnectLimit, clock, cancel);
        var plain = await SshRun.StartAsync(["-F", "/dev/null", "-G", "--", Destination], options.ConnectLimit, clock, cancel);
        if (Ciphers(plain.Output) is { } known && known == Ciphers((await own).Output)) _cipher = FastCipher;
    }

    /// <summary>The first channel of a connection.</summary>
    /// <param name="control">Path of the socket by which further ones may join it; null for no such.</param>
    public IReadOnlyList<string> First(string? control) =>
        ["-s", .. Common(), .. control is null ? ControlOff() : ["-o", "ControlMaster=yes", "-o", $"ControlPath={control}"], "--", Destination, "sftp"];

    /// <summary>A further channel of a connection; it fails when it cannot join, and never makes a connection of its own.</summary>
    public IReadOnlyList<string> Further(string control) =>
        ["-s", "-o", "ProxyCommand=false", "-o", "ControlMaster=no", "-o", $"ControlPath={control}", .. Common(), "--", Destination, "sftp"];

    /// <summary>A command, for the far side's shell.</summary>
    public IReadOnlyList<string> Run(string command) => [.. Common(), .. ControlOff(), "--", Destination, command];

    /// <summary>A connection that tells what it does.</summary>
    public IReadOnlyList<string> Verbose() => ["-v", "-s", .. Common(isQuiet: false), .. ControlOff(), "--", Destination, "sftp"];

    static string[] ControlOff() => ["-o", "ControlMaster=no", "-o", "ControlPath=none"];

    static string Bare(string host) => host.Trim('[', ']');

    static string? Ciphers(string configuration) =>
        configuration.Split('\n').FirstOrDefault(line => line.StartsWith("ciphers ", StringComparison.OrdinalIgnoreCase))?.Trim();

    IEnumerable<string> Common(bool isQuiet = true)
    {
        // the first value of an option counts: these go before the user's configuration
        string[] set = ["BatchMode=yes", "StrictHostKeyChecking=yes", $"ConnectTimeout={Seconds(options.ConnectLimit)}", "ServerAliveInterval=15", "ServerAliveCountMax=3",
            "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no", "ControlPersist=no"];
        if (isQuiet) set = [.. set, "LogLevel=ERROR"];
        if (_cipher is { } cipher) set = [.. set, $"Ciphers={cipher}"];
        return [.. set.SelectMany(s => new[] { "-o", s }), .. Configuration()];
    }

    List<string> Configuration()
    {
        var words = new List<string>();
        if (options.SshConfiguration is { } file) words.AddRange(["-F", file]);
        if (options.Identity is { } key) words.AddRange(["-i", key]);
        if (options.KnownHosts is { } hosts) words.AddRange(["-o", $"UserKnownHostsFile=\"{hosts}\""]);
        if (address.Port is { } port) words.AddRange(["-p", port.ToString(CultureInfo.InvariantCulture)]);
        return words;
    }

    static string Seconds(TimeSpan limit) => ((int)double.Max(1, Math.Ceiling(limit.TotalSeconds))).ToString(CultureInfo.InvariantCulture);
}
