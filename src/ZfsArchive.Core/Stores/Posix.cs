using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ZfsArchive.Stores;

/// <summary>What .NET does not offer: renaming without overwriting, and making a folder's entries durable.</summary>
static partial class Posix
{
    const string LibC = "libc";
    const int AtCurrentFolder = -100;
    const uint NoReplace = 1;
    const int DontNeed = 4;     // POSIX_FADV_DONTNEED
    const int EmptyPath = 0x1000, WantOwner = 8, OwnerOffset = 20;     // AT_EMPTY_PATH, STATX_UID, stx_uid
    const int CloseOnExec = 0x80000, NoWaiting = 0x800, ReadOnlyFolder = 0x10000 | CloseOnExec;     // O_CLOEXEC, O_NONBLOCK (a pipe in a repository must not hang us), O_DIRECTORY

    const int WriteOnlyAppendCreate = 0x441, OwnerOnly = 0x180;     // O_WRONLY, O_APPEND, O_CREAT; rw-------

    public const int NoEntry = 2, Denied = 13, Exists = 17, NoFolder = 20, CrossDevice = 18, Invalid = 22, NoSpace = 28, NotSupported = 38, NotSupportedOperation = 95;

    /// <summary>Gives the file its final name if that is free; 0, or the errno (EEXIST when it is taken).</summary>
    public static int RenameIfFree(string from, string to)
    {
        if (RenameAt2(AtCurrentFolder, from, AtCurrentFolder, to, NoReplace) == 0) return 0;
        var error = Marshal.GetLastPInvokeError();
        if (error is not (Invalid or NotSupported or NotSupportedOperation)) return error;

        // some file systems do not know the flag: a hard link never overwrites either
        if (Link(from, to) != 0) return Marshal.GetLastPInvokeError();
        _ = Unlink(from);
        return 0;
    }

    /// <summary>Opens a file without locking it.</summary>
    /// <exception cref="IOException">With the errno's text; <see cref="FileNotFoundException"/> when it is not there.</exception>
    public static SafeFileHandle OpenToRead(string path)
    {
        var file = Open(path, CloseOnExec | NoWaiting);
        return file >= 0 ? new(file, ownsHandle: true) : throw (Marshal.GetLastPInvokeError() switch
        {
            NoEntry or NoFolder => new FileNotFoundException($"{path} is not there"),
            Denied => new UnauthorizedAccessException(Message(Denied)),
            var error => new IOException(Message(error), error),
        });
    }

    /// <summary>Opens a file, made for its owner alone if it is not there, so that each write goes to its end, whoever else writes.</summary>
    /// <exception cref="IOException">With the errno's text.</exception>
    public static SafeFileHandle OpenToAppend(string path)
    {
        var file = Create(path, CloseOnExec | WriteOnlyAppendCreate, OwnerOnly);
        return file >= 0 ? new(file, ownsHandle: true) : throw new IOException(Message(Marshal.GetLastPInvokeError()));
    }

    /// <summary>The number of the user that owns an open file.</summary>
    /// <exception cref="IOException">With the errno's text.</exception>
    public static uint OwnerOf(SafeFileHandle file)
    {
        Span<byte> status = stackalloc byte[256];
        if (StatX(file, "", EmptyPath, WantOwner, ref MemoryMarshal.GetReference(status)) != 0) throw new IOException(Message(Marshal.GetLastPInvokeError()));
        return MemoryMarshal.Read<uint>(status[OwnerOffset..]);
    }

    /// <summary>The number of the user with whose rights this process acts.</summary>
    [LibraryImport(LibC, EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    /// <summary>Tells the kernel that the durable pages of this file are not needed in memory (advice: a failure changes nothing).</summary>
    public static void LeaveCache(string path)
    {
        var file = Open(path, CloseOnExec | NoWaiting);
        if (file < 0) return;
        _ = Advise(file, 0, 0, DontNeed);
        _ = Close(file);
    }

    /// <summary>Makes what was created, renamed or removed in the folder durable; 0 or the errno.</summary>
    public static int SyncFolder(string path)
    {
        var folder = Open(path, ReadOnlyFolder);
        if (folder < 0) return Marshal.GetLastPInvokeError();
        var error = Sync(folder) == 0 ? 0 : Marshal.GetLastPInvokeError();
        _ = Close(folder);
        // a file system that cannot do it (EINVAL) keeps its entries in another way
        return error == Invalid ? 0 : error;
    }

    public static string Message(int error) => Marshal.GetPInvokeErrorMessage(error);

    [LibraryImport(LibC, EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameAt2(int fromFolder, string from, int toFolder, string to, uint flags);

    [LibraryImport(LibC, EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string from, string to);

    [LibraryImport(LibC, EntryPoint = "unlink", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Unlink(string path);

    [LibraryImport(LibC, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport(LibC, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Create(string path, int flags, int mode);

    [LibraryImport(LibC, EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int StatX(SafeFileHandle file, string path, int flags, uint wanted, ref byte status);

    [LibraryImport(LibC, EntryPoint = "posix_fadvise")]
    private static partial int Advise(int file, long offset, long length, int advice);

    [LibraryImport(LibC, EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int file);

    [LibraryImport(LibC, EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);
}
