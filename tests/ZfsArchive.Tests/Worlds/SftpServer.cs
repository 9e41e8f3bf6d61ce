using System.Globalization;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Worlds;

/// <summary>A real SFTP server on this machine: a private sshd.</summary>
sealed class SftpServer : IDisposable
{
    readonly ServerFolder _folder;
    readonly Dictionary<string, string> _values;

    SftpServer(string[] options)
    {
        // sshd takes no prison below a folder where others may write
        _folder = new("sftp-server", belowTemp: !options.Contains("--chroot"));
        _values = _folder.Run("start", options);
    }

    /// <param name="options">As <c>tools/servers/sftp-server</c> has them: --sftp-only, --chroot, --opt and so on.</param>
    public static SftpServer Start(params string[] options) => new(options);

    public string Host => _values["SFTP_HOST"];

    public int Port => int.Parse(_values["SFTP_PORT"], CultureInfo.InvariantCulture);

    public string User => _values["SFTP_USER"];

    /// <summary>The folder for the tests, as the server names it: for an address.</summary>
    public string Root => _values["SFTP_ROOT"];

    /// <summary>The same folder, as it is seen here.</summary>
    public string Folder => _values["SFTP_SERVER_DIR"];

    /// <summary>For <c>ssh -F</c>; every host is this server there.</summary>
    public string SshConfiguration => _values["SFTP_SSH_CONFIG"];

    public string Identity => _values["SFTP_KEY"];

    public string KnownHosts => _values["SFTP_KNOWN_HOSTS"];

    public SftpOptions Options => new() { SshConfiguration = SshConfiguration, Identity = Identity, KnownHosts = KnownHosts };

    public StoreAddress.Remote Address(string below = "") => new(User, Host, Port, below.Length == 0 ? Root : $"{Root}/{below}");

    /// <summary>Process numbers of its sessions, found by their parents.</summary>
    public IReadOnlyList<int> Sessions() => Children(int.Parse(File.ReadAllText(Path.Combine(_folder.Path, "run", "sshd.pid")).Split(' ')[0], CultureInfo.InvariantCulture));

    /// <summary>Ends it with all its sessions; <see cref="Restart"/> brings it back.</summary>
    public void Stop() => _folder.Run("stop");

    /// <summary>Starts it, also again, with the same port, keys and data.</summary>
    public void Restart()
    {
        Stop();
        _folder.Run("start");
    }

    /// <summary>Ends listener and sessions as a crash would.</summary>
    public void Kill() => _folder.Run("kill");

    public void Dispose() => _folder.Remove();

    static List<int> Children(int process) => [.. Directory.GetDirectories($"/proc/{process}/task")
        .SelectMany(task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(int.Parse).SelectMany(child => Children(child).Append(child))];
}
