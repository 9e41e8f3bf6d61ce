using System.Runtime.InteropServices;
using ZfsArchive.Model;

namespace ZfsArchive.Chunks;

/// <summary>A compressor of whole frames, one thread, one level. Not for several threads at once.</summary>
public sealed class ZstdCompressor : IDisposable
{
    nint _context;

    /// <param name="level">1 (fast) to 19 (small).</param>
    public ZstdCompressor(int level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 19);
        _context = Zstd.Call(ZstdLibrary.CreateCompressor);
        Zstd.Check(ZstdLibrary.SetParameter(_context, ZstdLibrary.CompressionLevel, level));
    }

    /// <summary>
    /// Compresses into one frame that carries its content size; returns its length, or null when it does not fit into
    /// <paramref name="destination"/>.
    /// </summary>
    public unsafe int? TryCompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_context == 0, this);
        fixed (byte* from = source, to = destination)
        {
            var written = ZstdLibrary.Compress(_context, to, (nuint)destination.Length, from, (nuint)source.Length);
            return ZstdLibrary.IsError(written) == 0 ? (int)written : null;
        }
    }

    public void Dispose()
    {
        if (_context != 0) _ = ZstdLibrary.FreeCompressor(_context);
        _context = 0;
    }
}

/// <summary>Reads whole frames of whatever zstd wrote them. Not for several threads at once.</summary>
public sealed class ZstdDecompressor : IDisposable
{
    nint _context = Zstd.Call(ZstdLibrary.CreateDecompressor);

    /// <summary>What is wrong with <paramref name="frame"/> as one whole frame of <paramref name="length"/> bytes, or null.</summary>
    public static unsafe string? Broken(ReadOnlySpan<byte> frame, long length)
    {
        fixed (byte* from = frame)
        {
            var content = ZstdLibrary.FrameContentSize(from, (nuint)frame.Length);
            if (content != (ulong)length) return content >= ulong.MaxValue - 1 ? "it is no zstd frame with a content size" : $"its frame holds {content} bytes, not {length}";
            var size = ZstdLibrary.FrameCompressedSize(from, (nuint)frame.Length);
            return ZstdLibrary.IsError(size) != 0 || size != (nuint)frame.Length ? "it is not exactly one whole zstd frame" : null;
        }
    }

    /// <summary>Decompresses one frame into a destination of exactly its content's size; what is wrong with it, or null.</summary>
    public unsafe string? Decompress(ReadOnlySpan<byte> frame, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_context == 0, this);
        fixed (byte* from = frame, to = destination)
        {
            var written = ZstdLibrary.Decompress(_context, to, (nuint)destination.Length, from, (nuint)frame.Length);
            return ZstdLibrary.IsError(written) != 0 ? Marshal.PtrToStringUTF8(ZstdLibrary.ErrorName(written))
                : written != (nuint)destination.Length ? $"it holds {written} bytes, not {destination.Length}"
                : null;
        }
    }

    public void Dispose()
    {
        if (_context != 0) _ = ZstdLibrary.FreeDecompressor(_context);
        _context = 0;
    }
}

/// <summary>What concerns libzstd as a whole.</summary>
public static class Zstd
{
    /// <summary>The version of the library in use, such as <c>1.5.4</c>: with the level it decides the compressed bytes.</summary>
    public static string Version
    {
        get
        {
            var number = Call(ZstdLibrary.VersionNumber);
            return $"{number / 10000}.{number / 100 % 100}.{number % 100}";
        }
    }

    internal static T Call<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (DllNotFoundException e)
        {
            throw new ArchiveException(FailureKind.Failed, "the zstd library (libzstd.so.1) is not on this machine: install it (Debian: apt-get install libzstd1)", e);
        }
    }

    internal static void Check(nuint code)
    {
        if (ZstdLibrary.IsError(code) != 0) throw new InvalidOperationException($"libzstd: {Marshal.PtrToStringUTF8(ZstdLibrary.ErrorName(code))}");
    }
}
