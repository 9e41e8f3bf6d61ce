using System.Text;

namespace ZfsArchive.Processes;

/// <summary>
/// Drains the standard error of a child from the first moment, because a full pipe would stop the child, and keeps its
/// beginning and its end: a reason may stand before pages of usage or behind pages of warnings.
/// </summary>
sealed class StandardErrorTail
{
    const int HeadSize = 1024;
    const int TailSize = 8192;

    readonly Lock _gate = new();
    readonly byte[] _head = new byte[HeadSize];
    readonly byte[] _tail = new byte[TailSize];
    int _headLength;
    int _tailLength;
    bool _hasGap;

    public StandardErrorTail(Stream source) => Drained = DrainAsync(source);

    /// <summary>Done when the pipe has ended; never fails.</summary>
    public Task Drained { get; }

    /// <summary>What is known so far, without control characters other than tabs and line breaks: it may come from another machine.</summary>
    public string Text()
    {
        string text;
        lock (_gate)
        {
            text = Encoding.UTF8.GetString(_head, 0, _headLength)
                + (_hasGap ? "\n…\n" : "")
                + Encoding.UTF8.GetString(_tail, 0, _tailLength);
        }

        // ssh ends its lines with a carriage return as well.
        text = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        return string.Create(text.Length, text, static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
                span[i] = char.IsControl(from[i]) && from[i] is not ('\n' or '\t') ? '?' : from[i];
        }).Trim();
    }

    async Task DrainAsync(Stream source)
    {
        var buffer = new byte[4096];
        try
        {
            int read;
            while ((read = await source.ReadAsync(buffer)) > 0)
                Append(buffer.AsSpan(0, read));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The child is being taken down; what has been read is what there is.
        }
    }

    void Append(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            var toHead = Math.Min(HeadSize - _headLength, bytes.Length);
            bytes[..toHead].CopyTo(_head.AsSpan(_headLength));
            _headLength += toHead;
            bytes = bytes[toHead..];

            var dropped = Math.Max(0, _tailLength + bytes.Length - TailSize);
            _hasGap |= dropped > 0;
            _tail.AsSpan(dropped.._tailLength).CopyTo(_tail);
            _tailLength -= dropped;
            bytes.CopyTo(_tail.AsSpan(_tailLength));
            _tailLength += bytes.Length;
        }
    }
}
