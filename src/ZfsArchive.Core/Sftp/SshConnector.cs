using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>Makes connections and channels, and explains why there is none.</summary>
sealed class SshConnector(SshCommand command, SftpOptions options, TimeProvider clock) : IDisposable
{
    readonly Lazy<ControlFolder> _sockets = new(ControlFolder.Make);
    readonly Lock _gate = new();
    Task? _cipher;

    public string? NewSocket() => _sockets.Value.NewSocket();

    /// <summary>A new connection with its first channel.</summary>
    /// <param name="socket">Where further channels may join; null for nowhere.</param>
    public async Task<SftpSession> OpenFirstAsync(string? socket)
    {
        await CipherAsync();
        var words = "";
        try
        {
            return await SftpSession.OpenAsync(command.First(socket), options, clock, Explain);
        }
        catch (SftpFault) when (SshWords.IsHostKeyRefused(words))
        {
            throw await HostKeyFaultAsync();
        }

        SftpFault Explain(string last) => SshWords.Explain(words = last, command);
    }

    /// <summary>A further channel of a connection.</summary>
    public Task<SftpSession> OpenFurtherAsync(string socket) =>
        SftpSession.OpenAsync(command.Further(socket), options, clock, words => SshWords.Explain(words, command));

    public void Dispose()
    {
        if (_sockets.IsValueCreated) _sockets.Value.Dispose();
    }

    Task CipherAsync()
    {
        lock (_gate) return _cipher is { IsFaulted: false, IsCanceled: false } ? _cipher : _cipher = command.ChooseCipherAsync(clock, CancellationToken.None);
    }

    // ssh tells the fingerprint only when it is asked to talk.
    async Task<SftpFault> HostKeyFaultAsync()
    {
        try
        {
            var run = await SshRun.StartAsync(command.Verbose(), options.ConnectLimit, clock, CancellationToken.None);
            return SshWords.ExplainHostKey(run.Errors, command);
        }
        catch (SftpFault)
        {
            return SshWords.ExplainHostKey("", command);
        }
    }
}
