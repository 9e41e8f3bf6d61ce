using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace ZfsArchive.Processes;

/// <summary>How a program ended.</summary>
/// <param name="Failure">Why it did not do its work, with what it said last; null: it ended with status 0.</param>
public readonly record struct ProgramOutcome(string? Failure);

/// <summary>Runs programs of the administrator's: hooks, and those that carry messages. No shell; a time limit; nothing is left behind.</summary>
public static class ProgramRun
{
    const int KeptOutput = 2000;

    /// <param name="command">The program and its arguments.</param>
    /// <param name="input">What comes on its standard input.</param>
    /// <param name="environment">In addition to ours.</param>
    /// <param name="limit">After this it is killed, with all that it has started.</param>
    public static async Task<ProgramOutcome> ExecuteAsync(
        IReadOnlyList<string> command, string input, IReadOnlyDictionary<string, string> environment, TimeSpan limit, TimeProvider clock, CancellationToken cancel)
    {
        if (ProgramPath.Find(command[0], ProgramPath.Usual) is not { } program) return new($"{command[0]} could not be started: it is in no folder of PATH");
        using var process = new Process { StartInfo = Start(program, command, environment) };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            return new($"{command[0]} could not be started: {e.Message}");
        }
        using var patience = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancel);
        var said = TailAsync(process, either.Token);
        try
        {
            await FeedAsync(process, input, either.Token);
            await process.WaitForExitAsync(either.Token);
            var words = await said;
            return process.ExitCode == 0 ? new(null) : new($"{command[0]} ended with status {process.ExitCode}{(words.Length > 0 ? $": {words}" : "")}");
        }
        catch (OperationCanceledException)
        {
            Kill(process);
            cancel.ThrowIfCancellationRequested();
            return new($"{command[0]} did not end within {limit.TotalSeconds:0} s and was killed");
        }
        finally
        {
            await ((Task)said).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    static ProcessStartInfo Start(string program, IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (var argument in command.Skip(1)) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return start;
    }

    // A program that does not want its input is not wrong.
    static async Task FeedAsync(Process process, string input, CancellationToken cancel)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(Encoding.UTF8.GetBytes(input), cancel);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // it has closed it, or is gone
        }
    }

    static async Task<string> TailAsync(Process process, CancellationToken cancel)
    {
        var said = new StringBuilder();
        await Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
        lock (said) return said.ToString().Trim();

        async Task ReadAsync(StreamReader reader)
        {
            var buffer = new char[1024];
            while (await reader.ReadAsync(buffer, cancel) is > 0 and var read)
            {
                lock (said)
                {
                    said.Append(buffer, 0, read);
                    if (said.Length > KeptOutput) said.Remove(0, said.Length - KeptOutput);
                }
            }
        }
    }

    static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // it has ended by itself
        }
    }
}
