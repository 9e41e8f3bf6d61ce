namespace ZfsArchive.Servers;

/// <summary>Says how long to wait so that a rate is kept, whoever shares it.</summary>
sealed class Pacer
{
    // A timer is late by a millisecond or more, and what then was not sent may be sent after it.
    static readonly long s_arrears = TimeProvider.System.TimestampFrequency / 20;

    readonly Lock _lock = new();
    long _free = TimeProvider.System.GetTimestamp();

    /// <summary>0: no limit.</summary>
    public long BytesPerSecond { get; set => Interlocked.Exchange(ref field, value); }

    /// <summary>So much at once that a wait is about ten milliseconds.</summary>
    public int Portion(int length) => BytesPerSecond is > 0 and var rate ? (int)Math.Clamp(rate / 100, 1, length) : length;

    /// <summary>When these bytes have gone over a line of this rate.</summary>
    public async ValueTask PassAsync(int bytes, CancellationToken stop)
    {
        if (BytesPerSecond is not (> 0 and var rate)) return;
        long due;
        lock (_lock)
        {
            _free = Math.Max(_free, TimeProvider.System.GetTimestamp() - s_arrears) + (long)((double)bytes / rate * TimeProvider.System.TimestampFrequency);
            due = _free;
        }
        await UntilAsync(due, stop);
    }

    /// <summary>Never early: a timer may be, and counts in whole milliseconds.</summary>
    public static async ValueTask UntilAsync(long timestamp, CancellationToken stop)
    {
        while (TimeProvider.System.GetElapsedTime(TimeProvider.System.GetTimestamp(), timestamp) is var left && left > TimeSpan.Zero)
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), stop);
    }
}
