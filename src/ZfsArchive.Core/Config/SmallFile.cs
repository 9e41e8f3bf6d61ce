using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Config;

/// <summary>A file that an administrator wrote: its bytes, and who may do what with it, of one and the same open file.</summary>
sealed record SmallFile(byte[] Bytes, uint Owner, UnixFileMode Mode)
{
    /// <param name="most">One byte more is read of a larger file, so that it is seen.</param>
    /// <exception cref="ArchiveException">Usage: it is not there, is no file, or cannot be read.</exception>
    public static SmallFile Read(string path, int most)
    {
        try
        {
            if (Directory.Exists(path)) throw new ArchiveException(FailureKind.Usage, $"{path} is a folder, and a file is wanted");
            using var file = Posix.OpenToRead(path);
            var length = RandomAccess.GetLength(file);
            var bytes = new byte[(int)long.Min(length, most + 1L)];
            var read = 0;
            while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), read) is > 0 and var count) read += count;
            return new(bytes[..read], Posix.OwnerOf(file), File.GetUnixFileMode(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ArchiveException(FailureKind.Usage, e is FileNotFoundException ? $"{path} is not there" : $"{path} cannot be read: {e.Message}", e);
        }
    }
}
