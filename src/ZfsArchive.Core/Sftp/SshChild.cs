using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using ZfsArchive.Processes;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>A running ssh with its three pipes.</summary>
sealed class SshChild : IDisposable
{
    const string NoClient = "ssh cannot be started: is the OpenSSH client installed?";

    /// <summary>How long an ssh may take to end when its input has.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>Part of every Linux; without it ssh runs as it is.</summary>
    static readonly string[] s_detaching = ["/usr/bin/setsid", "/bin/setsid"];

    readonly Process _process;
    readonly TimeProvider _clock;
    readonly FileStream _input;
    readonly FileStream _output;
    readonly StandardErrorTail _errors;

    SshChild(Process process, TimeProvider clock)
    {
        (_process, _clock) = (process, clock);
        _input = PlainPipe.Take(process.StandardInput.BaseStream, FileAccess.Write);
        _output = PlainPipe.Take(process.StandardOutput.BaseStream, FileAccess.Read);
        _errors = new(process.StandardError.BaseStream);
        RawPipe.NeverWait(Input);
        RawPipe.NeverWait(Output);
    }

    public SafeFileHandle Input => _input.SafeFileHandle;

    public SafeFileHandle Output => _output.SafeFileHandle;

    public int Id => _process.Id;

    /// <exception cref="SftpFault">There is no ssh.</exception>
    public static SshChild Start(IReadOnlyList<string> arguments, TimeProvider clock) => new(StartProcess(arguments), clock);

    /// <summary>Starts ssh with three pipes, in English, and out of the reach of the terminal's Ctrl-C: what it interrupts must still be cleared away.</summary>
    public static Process StartProcess(IReadOnlyList<string> arguments)
    {
        var ssh = ProgramPath.Find("ssh", ProgramPath.Usual) ?? throw new SftpFault(StoreFailure.Permanent, NoClient);
        var detach = s_detaching.FirstOrDefault(File.Exists);
        var start = new ProcessStartInfo(detach ?? ssh)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (detach is not null) start.ArgumentList.Add(ssh);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new SftpFault(StoreFailure.Permanent, NoClient, e);
        }
    }

    /// <summary>What ssh said before it ended, or by now, if it takes its time.</summary>
    public async Task<string> LastWordsAsync()
    {
        await QuietlyAsync(Task.WhenAll(_process.WaitForExitAsync(), _errors.Drained));
        return _errors.Text();
    }

    /// <summary>Ends it now, with whatever it has started.</summary>
    public void Kill() => Kill(_process);

    /// <inheritdoc cref="Kill()"/>
    public static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or AggregateException)
        {
            // it has ended already
        }
    }

    /// <summary>Ends it: politely first. Nobody may write any more.</summary>
    public async Task EndAsync()
    {
        await _input.DisposeAsync();
        await QuietlyAsync(_process.WaitForExitAsync());
        if (_process.HasExited) return;
        Kill();
        await QuietlyAsync(_process.WaitForExitAsync());
    }

    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
        _process.StandardError.Dispose();
        _process.Dispose();
    }

    async Task QuietlyAsync(Task task)
    {
        try
        {
            await task.WaitAsync(s_patience, _clock);
        }
        catch (TimeoutException)
        {
            // it is killed, or what it said so far has to do
        }
    }
}
