using System.Runtime.CompilerServices;
using System.Text;

namespace ZfsArchive.Zfs;

/// <summary>Lines of a child's output, bounded in length and in sum: the program behind a prefix could be any.</summary>
static class LineReader
{
    const int FirstBuffer = 64 * 1024;
    const int LongestLine = 4 * 1024 * 1024;

    /// <summary>Far more than a million snapshots take.</summary>
    const long MostBytes = 1L << 30;

    /// <summary>Reads to the end. A last line without its line break counts as well.</summary>
    /// <exception cref="ZfsException">The output is too long to be a listing.</exception>
    public static async IAsyncEnumerable<string> ReadAsync(Stream source, [EnumeratorCancellation] CancellationToken cancel)
    {
        var buffer = new byte[FirstBuffer];
        var filled = 0;
        var total = 0L;
        int read;
        while ((read = await source.ReadAsync(buffer.AsMemory(filled), cancel)) > 0)
        {
            var end = filled + read;
            var start = 0;
            // What was filled before holds no line break.
            for (var from = filled; buffer.AsSpan(from..end).IndexOf((byte)'\n') is >= 0 and var at; from = start)
            {
                yield return Encoding.UTF8.GetString(buffer.AsSpan(start..(from + at)));
                start = from + at + 1;
            }

            filled = end - start;
            buffer.AsSpan(start, filled).CopyTo(buffer);
            if (filled > LongestLine || (total += read) > MostBytes)
                throw new ZfsException("the output of a command is too long to be a listing of ZFS");
            if (filled == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        }

        if (filled > 0) yield return Encoding.UTF8.GetString(buffer.AsSpan(0, filled));
    }
}
