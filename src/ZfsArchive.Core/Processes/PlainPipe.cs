using System.IO.Pipes;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ZfsArchive.Processes;

/// <summary>A pipe as a file: read and written by system calls alone.</summary>
static partial class PlainPipe
{
    const int SetPipeSize = 1031;
    const int WantedSize = 1024 * 1024;

    /// <summary>
    /// Takes a pipe out of the stream that <see cref="System.Diagnostics.Process"/> gives, which treats it as a socket and calls
    /// a broken pipe "Connection timed out". The old stream is dead after this.
    /// </summary>
    public static FileStream Take(Stream stream, FileAccess access)
    {
        var pipe = ((PipeStream)stream).SafePipeHandle;
        var file = new SafeFileHandle(pipe.DangerousGetHandle(), ownsHandle: true);
        pipe.SetHandleAsInvalid();
        // 1 MiB instead of the usual 64 KiB means fewer switches between the two sides. Only a wish: users without rights
        // have a limit over all their pipes.
        _ = Control(file, SetPipeSize, WantedSize);
        return new(file, access, bufferSize: 0, isAsync: false);
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeHandle descriptor, int command, nint argument);
}
