using ZfsArchive.Backup;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Output;

/// <summary>One line on a terminal, written over itself four times a second: bytes, rate, what remains. Silent elsewhere.</summary>
sealed class ProgressLine(IHost host, string what, long? total) : IProgress<long>, IProgress<WriteProgress>, IProgress<VerifyProgress>, IDisposable
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);
    readonly Lock _turn = new();
    readonly long _start = host.Clock.GetTimestamp();
    long _shown;
    int _width;

    /// <param name="value">Bytes done so far.</param>
    public void Report(long value)
    {
        if (!host.ShowsProgress) return;
        lock (_turn)
        {
            var now = host.Clock.GetTimestamp();
            if (_shown != 0 && host.Clock.GetElapsedTime(_shown, now) < s_pause) return;
            _shown = now;
            Show(Line(value, host.Clock.GetElapsedTime(_start, now)));
        }
    }

    public void Report(WriteProgress value) => Report(value.Read);

    public void Report(VerifyProgress value) => Report(value.Read);

    string Line(long done, TimeSpan elapsed)
    {
        var rate = done / double.Max(elapsed.TotalSeconds, 0.001);
        var line = $"{what}: {Text.Bytes(done)}{(total is { } all ? $" of {Text.Bytes(all)}" : "")}, {Text.Bytes((long)rate)}/s";
        return total is { } sum && rate > 1 && sum > done ? $"{line}, {TimeSpan.FromSeconds((sum - done) / rate):h\\:mm\\:ss} left" : line;
    }

    // A line that wraps is not written over any more.
    void Show(string line)
    {
        if (host.TerminalWidth is { } columns && line.Length >= columns) line = line[..(columns - 1)];
        host.Error.Write($"\r{line.PadRight(_width)}");
        _width = line.Length;
    }

    public void Dispose()
    {
        if (_width > 0) host.Error.Write($"\r{new string(' ', _width)}\r");
    }
}
