using ZfsArchive.Processes;
using System.ComponentModel;
using System.Diagnostics;

namespace ZfsArchive.Zfs;

/// <summary>A started command with its three pipes and its end. Dispose kills it, and what it has started.</summary>
sealed class ChildProcess : IAsyncDisposable
{
    /// <summary>A process that waits for a hung pool can't be killed; nobody should wait for it.</summary>
    static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>ENOENT.</summary>
    const int Absent = 2;

    readonly Process _process;
    readonly TimeProvider _clock;
    readonly StandardErrorTail _errors;
    bool _isDisposed;
    bool _wasKilled;

    ChildProcess(Process process, string command, bool isSender, TimeProvider clock)
    {
        _process = process;
        _clock = clock;
        Command = command;
        Input = PlainPipe.Take(process.StandardInput.BaseStream, FileAccess.Write);
        Output = isSender ? PlainPipe.Take(process.StandardOutput.BaseStream, FileAccess.Read) : process.StandardOutput.BaseStream;
        _errors = new(process.StandardError.BaseStream);
    }

    /// <summary>The command as a person would type it.</summary>
    public string Command { get; }

    /// <summary>For synchronous writes.</summary>
    public Stream Input { get; }

    /// <summary>For synchronous reads of a sender; for asynchronous reads, which can be cancelled, of anything else.</summary>
    public Stream Output { get; }

    /// <summary>Starts a program.</summary>
    /// <param name="program">Looked for in <paramref name="searchPath"/>, in PATH, and where <c>zfs</c> lies on most systems.</param>
    /// <param name="arguments">Handed over as they are.</param>
    /// <param name="isSender">Whether its output is a stream and not lines.</param>
    /// <param name="searchPath">Folders to look in first, joined by colons.</param>
    /// <param name="clock">For waiting.</param>
    public static ChildProcess Start(string program, IReadOnlyList<string> arguments, bool isSender, string? searchPath, TimeProvider clock)
    {
        var command = ShellQuoting.Display([program, .. arguments]);
        if (arguments.Any(a => a.Contains('\0', StringComparison.Ordinal)))
            throw new ZfsException($"`{command}` can't be run: an argument has a NUL in it", command);

        // All three pipes are taken: a child must neither read what is meant for us nor write between our lines.
        var start = new ProcessStartInfo
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        start.Environment.TryGetValue("PATH", out var path);
        start.Environment["PATH"] = path = string.Join(':', [.. Some(searchPath), .. Some(path), ProgramPath.Administrative]);
        start.FileName = ProgramPath.Find(program, path) ?? throw ZfsException.NotStarted(command, program, new Win32Exception(Absent));
        try
        {
            return new(Process.Start(start)!, command, isSender, clock);
        }
        catch (Win32Exception e)
        {
            throw ZfsException.NotStarted(command, program, e);
        }
    }

    /// <summary>Waits for the end, which must be a good one.</summary>
    public async Task FinishAsync(CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        try
        {
            await _process.WaitForExitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            throw;
        }

        if (_process.ExitCode != 0) throw await FailureAsync();
    }

    /// <summary>How a process that has ended (or was killed in vain) failed.</summary>
    public async Task<ZfsException> FailureAsync()
    {
        // What the child has started may live on and keep the pipe open (ssh with a shared connection).
        await QuietlyAsync(_errors.Drained);
        return _process.HasExited
            ? ZfsException.Ended(Command, _process.ExitCode, _errors.Text())
            : ZfsException.Stuck(Command, _errors.Text());
    }

    /// <summary>What standard error says so far.</summary>
    public string ErrorText() => _errors.Text();

    /// <summary>Waits for the end, however it is.</summary>
    public Task WaitAsync(CancellationToken cancel) => _process.WaitForExitAsync(cancel);

    /// <summary>Kills the process and all below it, and waits a little for its end, once.</summary>
    public async Task KillAsync()
    {
        if (_wasKilled) return;
        _wasKilled = true;
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or AggregateException)
        {
            // Ended already, or belongs to another user (sudo): that one ends when its pipes do.
            Output.Dispose();
            Input.Dispose();
        }

        await QuietlyAsync(_process.WaitForExitAsync(CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        if (!_process.HasExited) await KillAsync();
        await Input.DisposeAsync();
        await Output.DisposeAsync();
        _process.StandardError.Dispose();
        _process.Dispose();
    }

    async Task QuietlyAsync(Task task)
    {
        try
        {
            await task.WaitAsync(_patience, _clock);
        }
        catch (TimeoutException)
        {
            // Whoever comes next can live without it.
        }
    }

    static string[] Some(string? path) => string.IsNullOrEmpty(path) ? [] : [path];
}
