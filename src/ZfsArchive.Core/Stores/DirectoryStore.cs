using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace ZfsArchive.Stores;

/// <summary>
/// A directory as a store: a removable disk, an NFS mount. An object is written aside, made durable, renamed without ever
/// overwriting, and its folder made durable.
/// </summary>
public sealed class DirectoryStore : IObjectStore
{
    const int CompareBuffer = 1 << 20;
    readonly DirectoryPlace _place;
    readonly DirectoryListing _listing;
    readonly AsideWriter _writer;
    readonly TimeProvider _clock;

    /// <param name="root">An existing directory.</param>
    public DirectoryStore(string root, TimeProvider clock)
    {
        _place = new(Path.GetFullPath(root));
        (_listing, _writer, _clock) = (new(_place), new(_place), clock);
    }

    public string Location => _place.Root;

    public Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel) => Task.FromResult(new StoreCapabilities(CreatesAtomically: true));

    public Task MakePlaceAsync(CancellationToken cancel)
    {
        if (Directory.Exists(Location)) return Task.CompletedTask;
        // on a disk that is not mounted, its folder would be made on another one
        if (!Directory.Exists(Path.GetDirectoryName(Location)))
            throw new StoreException(StoreFailure.Absent, $"{Path.GetDirectoryName(Location)}, in which {Path.GetFileName(Location)} would be made, is not there: mount the disk, or make that folder first (mkdir -p)");
        Directory.CreateDirectory(Location, (UnixFileMode)0b111_000_000);
        return Task.CompletedTask;
    }

    public async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        var path = _place.PathOf(key);
        if (File.Exists(path)) return await SettleTakenAsync(key, path, body, cancel);
        _place.EnsureFolder(key, Path.GetDirectoryName(path)!);

        var error = await _writer.WriteAsync(key, path, body, temporary => Posix.RenameIfFree(temporary, path), cancel);
        // a sweep may take a temporary file in the moment before it is locked
        if (error == Posix.NoEntry && body.Passed is null) error = await _writer.WriteAsync(key, path, body, temporary => Posix.RenameIfFree(temporary, path), cancel);
        if (error == Posix.Exists) return await SettleTakenAsync(key, path, body, cancel);
        if (error != 0) throw _place.Failure(key, "create", error);
        _place.SyncFolder(Path.GetDirectoryName(path)!);
        return CreateOutcome.Created;
    }

    public async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        try
        {
            using var file = OpenExisting(_place.PathOf(key));
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
            throw _place.Failure(key, "read", e);
        }
    }

    public Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel)
    {
        var file = new FileInfo(_place.PathOf(key));
        try
        {
            // not Exists, which says of a file that a failing disk does not show that it is not there
            return Task.FromResult<ObjectInfo?>(new(key, file.Length, new(file.LastWriteTimeUtc)));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            _place.RequireRoot();
            return Task.FromResult<ObjectInfo?>(null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw _place.Failure(key, "look at", e);
        }
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        _place.RequireRoot();
        foreach (var info in _listing.Of(prefix))
        {
            cancel.ThrowIfCancellationRequested();
            yield return info;
        }
        await Task.CompletedTask;
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel)
    {
        var path = _place.PathOf(key);
        try
        {
            File.Delete(path);
            var folder = Path.GetDirectoryName(path)!;
            // another one may have removed the last of it, and the folder
            _place.SyncFolder(folder, mayBeGone: key.HasFolderOfItsOwn);
            if (key.HasFolderOfItsOwn) RemoveIfEmpty(folder);
        }
        catch (DirectoryNotFoundException)
        {
            _place.RequireRoot();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw _place.Failure(key, "remove", e);
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
        var path = _place.PathOf(key);
        _place.EnsureFolder(key, Path.GetDirectoryName(path)!);
        await _writer.WriteAsync(key, path, body, temporary =>
        {
            File.Move(temporary, path, overwrite: true);
            return 0;
        }, cancel);
        _place.SyncFolder(Path.GetDirectoryName(path)!);
    }

    public Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => Task.FromResult(_clock.GetUtcNow());

    public Task<int> SweepAsync(string prefix, CancellationToken cancel) => Task.FromResult(AsideWriter.Sweep(Path.Combine(Location, prefix.TrimEnd('/')), cancel));

    public Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyDictionary<ObjectKey, string>>(new Dictionary<ObjectKey, string>());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    async Task<CreateOutcome> SettleTakenAsync(ObjectKey key, string path, ObjectBody body, CancellationToken cancel)
    {
        try
        {
            using var held = OpenExisting(path);
            if (RandomAccess.GetLength(held) == body.Length && await HashAsync(held, cancel) == body.Sha256)
            {
                // it may be what a crash left before it was durable
                RandomAccess.FlushToDisk(held);
                _place.SyncFolder(Path.GetDirectoryName(path)!);
                return CreateOutcome.AlreadyThere;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw _place.Failure(key, "read", e);
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
}
