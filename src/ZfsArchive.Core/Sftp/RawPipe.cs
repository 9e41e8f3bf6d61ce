using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ZfsArchive.Sftp;

/// <summary>
/// System calls on one end of a pipe that never wait, so that a request can let go of its memory at any moment; waiting is a call of
/// its own, with a limit.
/// </summary>
static unsafe partial class RawPipe
{
    const int GetFlags = 3, SetFlags = 4, DoesNotWait = 0x800;
    const int GetSize = 1032, LargePipe = 512 << 10;
    const int TryAgain = 11, Interrupted = 4;
    const short Readable = 1, Writable = 4;

    /// <summary>What <see cref="Read"/> and <see cref="Write"/> return when nothing could be moved now.</summary>
    public const int NotNow = -1;

    public static void NeverWait(SafeFileHandle pipe) => _ = Control(pipe, SetFlags, Control(pipe, GetFlags, 0) | DoesNotWait);

    /// <summary>Bytes that were read, first into one place, then into the other; 0 at the end, or <see cref="NotNow"/>.</summary>
    /// <exception cref="IOException">The pipe is broken.</exception>
    public static int Read(SafeFileHandle pipe, Span<byte> first, Span<byte> second)
    {
        fixed (byte* one = first, two = second)
        {
            var parts = stackalloc Part[2];
            parts[0] = new() { Start = one, Length = first.Length };
            parts[1] = new() { Start = two, Length = second.Length };
            return Moved(ReadParts(pipe, parts, 2));
        }
    }

    /// <summary>Bytes that were written, or <see cref="NotNow"/>.</summary>
    /// <exception cref="IOException">Nobody reads the pipe any more.</exception>
    public static int Write(SafeFileHandle pipe, ReadOnlySpan<Part> parts)
    {
        fixed (Part* start = parts) return Moved(WriteParts(pipe, start, parts.Length));
    }

    public static void AwaitReadable(SafeFileHandle pipe, int milliseconds) => Await(pipe, Readable, milliseconds);

    /// <summary>
    /// A full pipe is writable again when one page of it is free. Where it is large it is left alone for a millisecond, so that it is
    /// filled in few large steps instead of many small ones; it does not run empty meanwhile.
    /// </summary>
    public static void AwaitWritable(SafeFileHandle pipe, int milliseconds)
    {
        if (Control(pipe, GetSize, 0) >= LargePipe) _ = Poll(null, 0, 1);
        Await(pipe, Writable, milliseconds);
    }

    static void Await(SafeFileHandle pipe, short events, int milliseconds)
    {
        var taken = false;
        try
        {
            pipe.DangerousAddRef(ref taken);
            var wanted = new Waiting { File = (int)pipe.DangerousGetHandle(), Events = events };
            _ = Poll(&wanted, 1, milliseconds);
        }
        finally
        {
            if (taken) pipe.DangerousRelease();
        }
    }

    static int Moved(nint result)
    {
        if (result >= 0) return (int)result;
        var error = Marshal.GetLastPInvokeError();
        return error is TryAgain or Interrupted ? NotNow : throw new IOException(Marshal.GetPInvokeErrorMessage(error));
    }

    /// <summary>A stretch of memory that is held in its place.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Part
    {
        public byte* Start;
        public nint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Waiting
    {
        public int File;
        public short Events;
        public short Happened;
    }

    [LibraryImport("libc", EntryPoint = "readv", SetLastError = true)]
    private static partial nint ReadParts(SafeFileHandle file, Part* parts, int count);

    [LibraryImport("libc", EntryPoint = "writev", SetLastError = true)]
    private static partial nint WriteParts(SafeFileHandle file, Part* parts, int count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(Waiting* files, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, nint argument);
}
