namespace ZfsArchive.Zfs;

/// <summary>Runs commands behind a prefix.</summary>
/// <param name="prefix">Where and how.</param>
/// <param name="clock">For the time limit.</param>
/// <param name="timeLimit">How long a short command may take; sends and receives have none.</param>
/// <param name="searchPath">Folders to look for programs in first, joined by colons.</param>
sealed class ZfsCommand(ZfsPrefix prefix, TimeProvider clock, TimeSpan timeLimit, string? searchPath)
{
    /// <summary>Starts a command and leaves it to the caller.</summary>
    /// <param name="zfsArguments">The command, from <c>zfs</c> on.</param>
    /// <param name="isSender">Whether its output is a stream and not lines.</param>
    public ChildProcess Start(IReadOnlyList<string> zfsArguments, bool isSender)
    {
        var (program, arguments) = prefix.Command(zfsArguments);
        return ChildProcess.Start(program, arguments, isSender, searchPath, clock);
    }

    /// <summary>Runs a short command to its good end.</summary>
    public Task RunAsync(IReadOnlyList<string> zfsArguments, CancellationToken cancel) => RunAsync(zfsArguments, static _ => { }, cancel);

    /// <summary>Runs a listing to its good end, each line read as it comes.</summary>
    public async Task<List<T>> ListAsync<T>(IReadOnlyList<string> zfsArguments, Func<string, T> read, CancellationToken cancel)
    {
        var items = new List<T>();
        await RunAsync(zfsArguments, line => items.Add(read(line)), cancel);
        return items;
    }

    async Task RunAsync(IReadOnlyList<string> zfsArguments, Action<string> take, CancellationToken cancel)
    {
        await using var child = Start(zfsArguments, isSender: false);
        await child.Input.DisposeAsync();
        using var limit = new CancellationTokenSource(timeLimit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            await foreach (var line in LineReader.ReadAsync(child.Output, either.Token)) take(line);
            await child.FinishAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            await child.KillAsync();
            throw ZfsException.TooSlow(child.Command, timeLimit, child.ErrorText());
        }
    }
}
