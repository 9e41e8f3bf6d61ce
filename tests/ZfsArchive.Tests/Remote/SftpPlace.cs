using System.Net;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>A folder on an SFTP server.</summary>
sealed class SftpPlace(SftpServer server) : RemotePlace
{
    static readonly Lazy<SftpServer> s_shared = new(() => SftpServer.Start());

    /// <summary>On a server that all tests of this folder share; it ends with the process.</summary>
    public SftpPlace()
        : this(s_shared.Value)
    {
    }

    public SftpServer Machine => server;

    public override EndPoint Server => new IPEndPoint(IPAddress.Loopback, server.Port);

    public override string Location => At(server.Port);

    /// <summary>The place as it is seen on this machine.</summary>
    public string Folder => Path.Combine(server.Folder, Name);

    public override TestHost NewHost(int? port = null) => NewHost(At(port ?? server.Port), server.Identity, $"* {Key(server.KnownHosts)}\n");

    /// <param name="repository">An address.</param>
    /// <param name="knownHosts">Content of the file of known host keys.</param>
    public static TestHost NewHost(string repository, string identity, string knownHosts)
    {
        var host = new TestHost { ClockRuns = true };
        File.WriteAllText(host.Beside("known_hosts"), knownHosts);
        File.WriteAllText(host.Beside("ssh_config"), "Host *\n  IdentityAgent none\n  IdentitiesOnly yes\n  GlobalKnownHostsFile none\n");
        host.Set("ZFSARCHIVE_REPO", repository);
        host.Set("ZFSARCHIVE_SFTP_CONFIG", host.Beside("ssh_config"));
        host.Set("ZFSARCHIVE_SFTP_IDENTITY", identity);
        host.Set("ZFSARCHIVE_SFTP_KNOWN_HOSTS", host.Beside("known_hosts"));
        return host;
    }

    /// <summary>Type and key of a host, from its line in a file of known hosts.</summary>
    public static string Key(string knownHosts) => string.Join(' ', File.ReadAllText(knownHosts).Trim().Split(' ')[1..3]);

    public override Task<Dictionary<string, byte[]>> ObjectsAsync() => Task.FromResult(
        Files.Where(f => !Path.GetFileName(f).StartsWith('.')).ToDictionary(f => f, f => File.ReadAllBytes(Path.Combine(Folder, f))));

    /// <summary>All files, also those that are no objects (yet).</summary>
    public IEnumerable<string> Files =>
        Directory.EnumerateFiles(Folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Select(f => Path.GetRelativePath(Folder, f));

    public override Task PutAsync(string key, byte[] bytes)
    {
        var file = Path.Combine(Folder, key);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return File.WriteAllBytesAsync(file, bytes);
    }

    string At(int port) => $"sftp://{server.User}@{server.Host}:{port}/{server.Root}/{Name}";
}
