using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace ZfsArchive.Stores;

/// <summary>
/// A directory as a store: a removable disk, an NFS mount. An object is written aside, made durable, renamed without ever
/// overwriting, and its folder made durable.
/// </summary>
public sealed class DirectoryStore : IObjectStore
{
    const string TemporarySuffix = ".part";
    const int CompareBuffer = 1 << 20;
    const long KeptInCache = 128 << 20;
    readonly Queue<(string Path, long Length)> _recent = [];
    readonly string _root;
    long _recentLength;
    readonly TimeProvider _clock;

    /// <param name="root">An existing directory.</param>
    public DirectoryStore(string root, TimeProvider clock)
    {
        _root = Path.GetFullPath(root);
        _clock = clock;
    }

    public string Location => _root;

    public Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel) => Task.FromResult(new StoreCapabilities(CreatesAtomically: true));

    public Task MakePlaceAsync(CancellationToken cancel)
    {
        if (!Directory.Exists(_root)) Directory.CreateDirectory(_root, (UnixFileMode)0b111_000_000);
        return Task.CompletedTask;
    }

    public async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var path = PathOf(key);
        if (File.Exists(path)) return await SettleTakenAsync(key, path, body, cancel);
        EnsureFolder(key, Path.GetDirectoryName(path)!);

        var error = await WriteAsideAsync(key, path, body, temporary => Posix.RenameIfFree(temporary, path), cancel);
        // a sweep may take a temporary file in the moment before it is locked
        if (error == Posix.NoEntry && body.Passed is null) error = await WriteAsideAsync(key, path, body, temporary => Posix.RenameIfFree(temporary, path), cancel);
        if (error == Posix.Exists) return await SettleTakenAsync(key, path, body, cancel);
        if (error != 0) throw Failure(key, "create", error);
        SyncFolder(Path.GetDirectoryName(path)!);
        return CreateOutcome.Created;
    }

    public async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        try
        {
            using var file = OpenExisting(PathOf(key));
            var filled = 0;
            while (filled < into.Length)
            {
                var read = await RandomAccess.ReadAsync(file, into[filled..], offset + filled, cancel);
                if (read == 0) break;
                filled += read;
            }
            return filled;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(key, "read", e);
        }
    }

    public Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel)
    {
        var file = new FileInfo(PathOf(key));
        try
        {
            if (file.Exists) return Task.FromResult<ObjectInfo?>(new(key, file.Length, new(file.LastWriteTimeUtc)));
            RequireRoot();
            return Task.FromResult<ObjectInfo?>(null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(key, "look at", e);
        }
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        RequireRoot();
        foreach (var info in Listed(prefix))
        {
            cancel.ThrowIfCancellationRequested();
            yield return info;
        }
        await Task.CompletedTask;
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel)
    {
        var path = PathOf(key);
        try
        {
            File.Delete(path);
            var folder = Path.GetDirectoryName(path)!;
            // another one may have removed the last of it, and the folder
            SyncFolder(folder, mayBeGone: key.HasFolderOfItsOwn);
            if (key.HasFolderOfItsOwn) RemoveIfEmpty(folder);
        }
        catch (DirectoryNotFoundException)
        {
            RequireRoot();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(key, "remove", e);
        }
        return Task.CompletedTask;
    }

    // One that is not empty refuses, and one that is made again is no loss.
    static void RemoveIfEmpty(string folder)
    {
        try
        {
            if (!Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
        }
        catch (IOException)
        {
            // something came into it, or it is gone
        }
    }

    public async Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var path = PathOf(key);
        EnsureFolder(key, Path.GetDirectoryName(path)!);
        await WriteAsideAsync(key, path, body, temporary =>
        {
            File.Move(temporary, path, overwrite: true);
            return 0;
        }, cancel);
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    public Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => Task.FromResult(_clock.GetUtcNow());

    public Task<int> SweepAsync(string prefix, CancellationToken cancel)
    {
        var folder = Path.Combine(_root, prefix.TrimEnd('/'));
        if (!Directory.Exists(folder)) return Task.FromResult(0);
        var swept = 0;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var path in Directory.EnumerateFiles(folder, $".*{TemporarySuffix}", options))
        {
            cancel.ThrowIfCancellationRequested();
            if (TryDeleteUnused(path)) swept++;
        }
        return Task.FromResult(swept);
    }

    public Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyDictionary<ObjectKey, string>>(new Dictionary<ObjectKey, string>());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

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

    // The temporary file stays open, and so locked, until it has its final name; what did not get there is removed.
    async Task<int> WriteAsideAsync(ObjectKey key, string path, ObjectBody body, Func<string, int> settle, CancellationToken cancel)
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
            if (e is IOException or UnauthorizedAccessException) throw Failure(key, "write", e);
            throw;
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
            EnsureFolder(key, Path.GetDirectoryName(temporary)!);
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
        var buffer = new byte[body.Pace is null ? CompareBuffer : ObjectBody.PacedPiece];
        for (long at = 0; ;)
        {
            var read = await from.ReadAsync(buffer, cancel);
            if (read == 0) return;
            if (body.Pace is { } pace) await pace(read, cancel);
            await RandomAccess.WriteAsync(target, buffer.AsMemory(0, read), at, cancel);
            at += read;
        }
    }

    async Task<CreateOutcome> SettleTakenAsync(ObjectKey key, string path, ObjectBody body, CancellationToken cancel)
    {
        try
        {
            using var held = OpenExisting(path);
            if (RandomAccess.GetLength(held) == body.Length && await HashAsync(held, cancel) == body.Sha256)
            {
                // it may be what a crash left before it was durable
                RandomAccess.FlushToDisk(held);
                SyncFolder(Path.GetDirectoryName(path)!);
                return CreateOutcome.AlreadyThere;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(key, "read", e);
        }
        throw new StoreException(StoreFailure.Conflict, $"{Location}: {key} exists and holds other bytes");
    }

    static async Task<string> HashAsync(SafeFileHandle file, CancellationToken cancel)
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        var buffer = new byte[CompareBuffer];
        for (long at = 0; ;)
        {
            var read = await RandomAccess.ReadAsync(file, buffer, at, cancel);
            if (read == 0) return Convert.ToHexStringLower(hash.GetHashAndReset());
            hash.AppendData(buffer, 0, read);
            at += read;
        }
    }

    List<ObjectInfo> Listed(string prefix)
    {
        var slash = prefix.LastIndexOf('/');
        var folder = slash < 0 ? _root : Path.Combine(_root, prefix[..slash]);
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };
        try
        {
            // Only a folder that is definitely absent has nothing in it; one that may not be read is a failure.
            if (!IsThere(folder)) return [];
            return [.. new DirectoryInfo(folder).EnumerateFiles("*", options)
                .Select(file => (File: file, Key: file.FullName[(_root.Length + (_root.EndsWith('/') ? 0 : 1))..]))
                .Where(f => f.Key.StartsWith(prefix, StringComparison.Ordinal) && ObjectKey.IsValid(f.Key))
                .OrderBy(f => f.Key, StringComparer.Ordinal)
                .Select(f => InfoOf(f.Key, f.File)).OfType<ObjectInfo>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(new(prefix.TrimEnd('/')), "list", e);
        }
    }

    static bool IsThere(string folder)
    {
        try
        {
            return File.GetAttributes(folder).HasFlag(FileAttributes.Directory) ? true : throw new IOException($"{folder} is no folder");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    // one that was removed since the folder was read is the only one that the listing leaves out
    static ObjectInfo? InfoOf(string key, FileInfo file)
    {
        try
        {
            return new(new(key), file.Length, new(file.LastWriteTimeUtc));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    // Every folder that is made here is made durable in the one above it.
    void EnsureFolder(ObjectKey key, string path)
    {
        if (Directory.Exists(path)) return;
        RequireRoot();
        EnsureFolder(key, Path.GetDirectoryName(path)!);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(key, "create a folder for", e);
        }
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    void SyncFolder(string path, bool mayBeGone = false)
    {
        var error = Posix.SyncFolder(path);
        if (error != 0 && !(mayBeGone && error == Posix.NoEntry)) throw new StoreException(StoreFailure.Permanent, $"{Location}: cannot make {Path.GetRelativePath(_root, path)} durable: {Posix.Message(error)}");
    }

    // Without a lock: .NET's own would be refused while the writer still holds his, just after the rename.
    static SafeFileHandle OpenExisting(string path)
    {
        var file = Posix.OpenToRead(path);
        try
        {
            _ = RandomAccess.GetLength(file);
            return file;
        }
        catch (NotSupportedException)
        {
            file.Dispose();
            throw new IOException($"{path} is no regular file");
        }
    }

    string PathOf(ObjectKey key) => Path.Combine(_root, key.Text);

    // A disk that is not plugged in must never look like an empty repository.
    void RequireRoot()
    {
        if (!Directory.Exists(_root)) throw new StoreException(StoreFailure.Absent, $"the directory {_root} does not exist (is the disk mounted?)");
    }

    StoreException Failure(ObjectKey key, string verb, int error) => new(
        error == Posix.NoSpace ? StoreFailure.Full : StoreFailure.Permanent, $"{Location}: cannot {verb} {key}: {Posix.Message(error)}{Hint(Posix.Message(error))}");

    StoreException Failure(ObjectKey key, string verb, Exception e)
    {
        var failure = e switch
        {
            FileNotFoundException or DirectoryNotFoundException => StoreFailure.Absent,
            UnauthorizedAccessException => StoreFailure.Denied,
            // .NET gives the errno of an IOException as its HResult
            IOException when e.HResult == Posix.NoSpace || e.Message.Contains("No space left", StringComparison.Ordinal) => StoreFailure.Full,
            _ => StoreFailure.Permanent,
        };
        return new(failure, failure is StoreFailure.Absent ? $"{Location}: {key} is not there" : $"{Location}: cannot {verb} {key}: {e.Message}{Hint(e.Message)}", e);
    }

    static string Hint(string message) => message.Contains("Read-only file system", StringComparison.Ordinal)
        ? " (a disk with errors is mounted like that; under systemd nothing else can be written than what ReadWritePaths= of the unit names: examples/systemd/disk.conf)" : "";
}
