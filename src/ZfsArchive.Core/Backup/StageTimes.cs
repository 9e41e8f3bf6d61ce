namespace ZfsArchive.Backup;

/// <summary>How long each stage of a run worked, and how long reading waited for those behind it. Times of parallel work add up.</summary>
public sealed class StageTimes(TimeProvider clock)
{
    long _read, _waited, _packed, _stored;

    public long Now => clock.GetTimestamp();

    public void AddRead(long since) => Interlocked.Add(ref _read, Now - since);
    public void AddWaited(long since) => Interlocked.Add(ref _waited, Now - since);
    public void AddPacked(long since) => Interlocked.Add(ref _packed, Now - since);
    public void AddStored(long since) => Interlocked.Add(ref _stored, Now - since);

    /// <summary>Waiting for the sender's bytes.</summary>
    public TimeSpan Read => Span(_read);

    /// <summary>The sender waiting, because all buffers were still being packed or stored.</summary>
    public TimeSpan Waited => Span(_waited);

    /// <summary>Compressing and hashing.</summary>
    public TimeSpan Packed => Span(_packed);

    /// <summary>Writing to the store.</summary>
    public TimeSpan Stored => Span(_stored);

    /// <summary>What a faster run would need first.</summary>
    public string Bottleneck => Waited <= Read ? "send" : Packed > Stored ? "compress" : "store";

    TimeSpan Span(long ticks) => clock.GetElapsedTime(0, ticks);
}

/// <summary>The same as figures, for a report.</summary>
/// <param name="Bottleneck"><c>send</c>, <c>compress</c> or <c>store</c>: what a faster run would need first.</param>
public sealed record StageSeconds(string Bottleneck, double Read, double Waited, double Packed, double Stored)
{
    public static StageSeconds Of(StageTimes times) => new(times.Bottleneck, times.Read.TotalSeconds, times.Waited.TotalSeconds, times.Packed.TotalSeconds, times.Stored.TotalSeconds);
}
