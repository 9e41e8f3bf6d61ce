using System.Diagnostics;
using System.Text;

namespace ZfsArchive.Tests.EndToEnd;

/// <summary>How a program ended and what it said.</summary>
sealed record Ended(string Command, int Code, string Out, string Error)
{
    public string Text => $"{Command}\nexit {Code}\n--- standard output\n{Out}\n--- standard error\n{Error}";

    public Ended Must(int code)
    {
        Assert.True(Code == code, $"exit {code} was expected of: {Text}");
        return this;
    }

    /// <summary>Ended with this code and said this on standard error.</summary>
    public Ended Must(int code, string words)
    {
        Must(code);
        Assert.True(Error.Contains(words, StringComparison.Ordinal), $"'{words}' was expected of: {Text}");
        return this;
    }

    public Ended Says(string words)
    {
        Assert.True(Out.Contains(words, StringComparison.Ordinal), $"'{words}' was expected of: {Text}");
        return this;
    }

    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A running program. It never outlives its time limit.</summary>
sealed class Child : IDisposable
{
    readonly Process _process;
    readonly string _command;
    readonly StringBuilder _out = new(), _error = new();
    readonly TimeSpan _limit;
    readonly long _since = TimeProvider.System.GetTimestamp();

    Child(ProcessStartInfo start, TimeSpan limit)
    {
        _command = $"{Path.GetFileName(start.FileName)} {string.Join(' ', start.ArgumentList)}";
        _limit = limit;
        _process = new() { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_out, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_error, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public static Child Start(string program, IEnumerable<string> arguments, TimeSpan limit, IReadOnlyDictionary<string, string>? environment = null, bool takesInput = false)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        var child = new Child(start, limit);
        if (!takesInput) child._process.StandardInput.Close();
        return child;
    }

    public static async Task<Ended> RunAsync(string program, IEnumerable<string> arguments, TimeSpan limit, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var child = Start(program, arguments, limit, environment);
        return await child.EndAsync();
    }

    public bool IsRunning => !_process.HasExited;

    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>SIGKILL: no time to say good-bye.</summary>
    public void Kill() => _process.Kill();

    /// <summary>SIGTERM.</summary>
    public async Task TerminateAsync() => (await RunAsync("kill", ["-TERM", $"{_process.Id}"], TimeSpan.FromSeconds(10))).Must(0);

    public async Task<Ended> EndAsync()
    {
        var left = _limit - TimeProvider.System.GetElapsedTime(_since);
        using var limit = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"not done after {_limit.TotalSeconds:0} s: {Said(int.MinValue).Text}");
        }
        return Said(_process.ExitCode);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    Ended Said(int code)
    {
        lock (_out)
        lock (_error) return new(_command, code, _out.ToString(), _error.ToString());
    }

    static void Keep(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (text) text.Append(line).Append('\n');
    }
}
