namespace ZfsArchive.Sftp;

/// <summary>How the system's ssh is used for a store.</summary>
public sealed record SftpOptions
{
    /// <summary>Path of an ssh configuration (<c>ssh -F</c>); null for the user's own.</summary>
    public string? SshConfiguration { get; init; }

    /// <summary>Path of a private key (<c>ssh -i</c>); null for those that ssh finds.</summary>
    public string? Identity { get; init; }

    /// <summary>Path of the file of known host keys; null for the user's own.</summary>
    public string? KnownHosts { get; init; }

    /// <summary>TCP connections at once, at most; each carries several channels.</summary>
    public int Connections { get; init; } = 4;

    /// <summary>A cipher list as ssh takes it; null for the user's own choice, and without one the fastest for this processor.</summary>
    public string? Ciphers { get; init; }

    /// <summary>How long the far side may leave everything unanswered.</summary>
    public TimeSpan StallLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a connection may take to come about.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(8);
}
