using Microsoft.Win32.SafeHandles;

namespace ZfsArchive.Stores;

/// <summary>Writes objects aside in a directory, and sweeps what a crash has left of that.</summary>
sealed class AsideWriter(DirectoryPlace place)
{
    const string TemporarySuffix = ".part";
    const int CopyBuffer = 1 << 20;
    const long KeptInCache = 128 << 20;
    readonly Queue<(string Path, long Length)> _recent = [];
    long _recentLength;

    /// <summary>Writes a file beside its place, makes it durable and has it settled. It stays open, and so locked, until it has its final name; what did not get there is removed.</summary>
    /// <param name="settle">Gives the temporary file its name; an errno when it cannot.</param>
    /// <returns>The errno of that, or 0.</returns>
    public async Task<int> WriteAsync(ObjectKey key, string path, ObjectBody body, Func<string, int> settle, CancellationToken cancel)
    {
        var temporary = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetRandomFileName()}{TemporarySuffix}");
        try
        {
            using var file = OpenNew(key, temporary);
            if (body.Pieces is { } pieces && body.Pace is null) await RandomAccess.WriteAsync(file, pieces, 0, cancel);
            else await CopyAsync(body, file, cancel);
            body.Passed?.Invoke();
            RandomAccess.FlushToDisk(file);
            var error = settle(temporary);
            if (error != 0) File.Delete(temporary);
            else LeaveCacheInTime(path, body.Length);
            return error;
        }
        catch (Exception e)
        {
            File.Delete(temporary);
            if (e is IOException or UnauthorizedAccessException) throw place.Failure(key, "write", e);
            throw;
        }
    }

    /// <summary>Removes temporary files that nobody is writing any more; how many there were.</summary>
    public static int Sweep(string folder, CancellationToken cancel)
    {
        if (!Directory.Exists(folder)) return 0;
        var swept = 0;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var path in Directory.EnumerateFiles(folder, $".*{TemporarySuffix}", options))
        {
            cancel.ThrowIfCancellationRequested();
            if (TryDeleteUnused(path)) swept++;
        }
        return swept;
    }

    // A writer holds an advisory lock on its temporary file for as long as it lives: what can be locked is nobody's.
    static bool TryDeleteUnused(string path)
    {
        try
        {
            using var locked = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            File.Delete(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    SafeFileHandle OpenNew(ObjectKey key, string temporary)
    {
        try
        {
            return File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        }
        catch (DirectoryNotFoundException) when (key.HasFolderOfItsOwn)
        {
            // it went with the last object in it, just now
            place.EnsureFolder(key, Path.GetDirectoryName(temporary)!);
            return File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        }
    }

    // What was archived is not read again soon, but for the newest: the pages of the rest serve the next chunks, and what others have
    // cached stays.
    void LeaveCacheInTime(string path, long length)
    {
        lock (_recent)
        {
            _recent.Enqueue((path, length));
            _recentLength += length;
            while (_recentLength > KeptInCache)
            {
                var (oldest, oldLength) = _recent.Dequeue();
                _recentLength -= oldLength;
                Posix.LeaveCache(oldest);
            }
        }
    }

    static async Task CopyAsync(ObjectBody body, SafeFileHandle target, CancellationToken cancel)
    {
        await using var from = body.OpenRead();
        var buffer = new byte[body.Pace is null ? CopyBuffer : ObjectBody.PacedPiece];
        for (long at = 0; ;)
        {
            var read = await from.ReadAsync(buffer, cancel);
            if (read == 0) return;
            if (body.Pace is { } pace) await pace(read, cancel);
            await RandomAccess.WriteAsync(target, buffer.AsMemory(0, read), at, cancel);
            at += read;
        }
    }
}
