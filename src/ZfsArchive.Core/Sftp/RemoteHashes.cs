using System.Text.RegularExpressions;
using ZfsArchive.Processes;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>SHA-256 by the far side's own <c>sha256sum</c>, where commands may be run there.</summary>
sealed partial class RemoteHashes(SshCommand command, RemotePaths paths, SftpOptions options, TimeProvider clock)
{
    const string OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const int MostNames = 100;
    const int LongestCommand = 60 << 10;

    /// <summary>Bytes a second that the slowest machine hashes which is worth waiting for.</summary>
    const long Slow = 10 << 20;

    static readonly TimeSpan s_probeLimit = TimeSpan.FromSeconds(5);

    readonly Lock _gate = new();
    Task<bool>? _probe;

    /// <summary>Whether it was found out before that there is one.</summary>
    public bool IsKnownAvailable => _probe is { IsCompletedSuccessfully: true } probe && probe.GetAwaiter().GetResult();

    /// <summary>Tries it, once; whatever comes in its place means no.</summary>
    public Task<bool> IsAvailableAsync(CancellationToken cancel)
    {
        lock (_gate) _probe ??= ProbeAsync();
        return _probe.WaitAsync(cancel);
    }

    /// <summary>Asks for many; what is absent, or has no answer, is left out.</summary>
    public async Task<IReadOnlyDictionary<ObjectKey, string>> OfAsync(SftpSession session, IReadOnlyList<ObjectKey> keys, CancellationToken cancel)
    {
        var known = new Dictionary<ObjectKey, string>();
        if (keys.Count == 0 || !await IsAvailableAsync(cancel)) return known;
        foreach (var batch in Batches(keys.Distinct()))
        {
            var sizes = await Task.WhenAll(batch.Select(key => session.LookAsync(paths.Of(key), cancel)));
            var bytes = sizes.Sum(s => s is { IsFile: true, Length: { } length } ? length : 0);
            var limit = options.ConnectLimit + options.StallLimit + TimeSpan.FromSeconds(bytes / Slow);
            var run = await SshRun.StartAsync(command.Run($"sha256sum -- {string.Join(' ', batch.Select(Quoted))}"), limit, clock, cancel);
            if (run.Status == 255) throw SshWords.Explain(run.Errors, command);
            Take(run.Output, batch, known);
        }
        return known;
    }

    async Task<bool> ProbeAsync()
    {
        try
        {
            var run = await SshRun.StartAsync(command.Run("sha256sum /dev/null"), s_probeLimit, clock, CancellationToken.None);
            return run.Status == 0 && run.Output.Split('\n').Contains($"{OfNothing}  /dev/null");
        }
        catch (SftpFault)
        {
            return false;
        }
    }

    IEnumerable<List<ObjectKey>> Batches(IEnumerable<ObjectKey> keys)
    {
        var batch = new List<ObjectKey>();
        var length = 0;
        foreach (var key in keys)
        {
            if (batch.Count == MostNames || length > LongestCommand)
            {
                yield return batch;
                (batch, length) = ([], 0);
            }
            batch.Add(key);
            length += Quoted(key).Length + 1;
        }
        if (batch.Count > 0) yield return batch;
    }

    string Quoted(ObjectKey key) => ShellQuoting.Quote(paths.Of(key));

    // Only lines for names that were asked about count: whatever else is printed there is no word on an object.
    void Take(string output, List<ObjectKey> batch, Dictionary<ObjectKey, string> known)
    {
        var byName = batch.ToDictionary(key => Printed(paths.Of(key)), StringComparer.Ordinal);
        foreach (var line in output.Split('\n'))
        {
            var match = Line().Match(line);
            if (match.Success && byName.TryGetValue(match.Groups["escaped"].Value + match.Groups["path"].Value, out var key)) known[key] = match.Groups["sha"].Value;
        }
    }

    // sha256sum escapes unusual names, and marks the line by a backslash in front.
    static string Printed(string path)
    {
        var escaped = path.Replace(@"\", @"\\", StringComparison.Ordinal);
        return escaped == path ? path : $"\\{escaped}";
    }

    [GeneratedRegex(@"\A(?<escaped>\\?)(?<sha>[0-9a-f]{64}) [ *](?<path>.+)\z")]
    private static partial Regex Line();
}
