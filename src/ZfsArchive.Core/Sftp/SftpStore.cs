using System.Runtime.CompilerServices;
using ZfsArchive.Processes;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>
/// A folder on another machine, over the system's OpenSSH client. An object is written aside, made durable, and renamed by a rename
/// that does not overwrite. Failures are said as they are and not tried again here.
/// </summary>
public sealed class SftpStore : IObjectStore
{
    /// <summary>Bytes from which on an object is worth a channel of its own.</summary>
    const int Large = 256 << 10;

    readonly RemotePaths _paths;
    readonly RemoteFolders _folders;
    readonly RemoteHashes _hashes;
    readonly RemoteWalk _walk;
    readonly ChannelPool _pool;
    readonly FreeSpace _space;
    readonly TemporaryFiles _temporaries = new();
    readonly TimeProvider _clock;

    /// <param name="address">Host and folder.</param>
    public SftpStore(StoreAddress.Remote address, SftpOptions options, TimeProvider clock)
    {
        Location = $"sftp://{(address.User is { } user ? $"{user}@" : "")}{address.Host}{(address.Port is { } port ? $":{port}" : "")}/{address.Path}";
        var command = new SshCommand(address, options);
        _clock = clock;
        _paths = new(address);
        _folders = new(_paths);
        _walk = new(_paths, _folders);
        _space = new(_paths.Root, clock);
        _hashes = new(command, _paths, options, clock);
        _pool = new(new(command, options, clock), options.Connections, clock);
    }

    public string Location { get; }

    public async Task<StoreCapabilities> CapabilitiesAsync(CancellationToken cancel)
    {
        // first whether there is a connection at all: what is wrong with it has to be said
        return new(CreatesAtomically: await ActAsync("reach", "the server", false, session => Task.FromResult(session.Traits.LinksHard), cancel), await _hashes.IsAvailableAsync(cancel) ? Sha256Source.Computed : Sha256Source.None);
    }

    public Task MakePlaceAsync(CancellationToken cancel) => ActAsync("make", _paths.Root, false, async session =>
    {
        await _folders.MakeRootAsync(session, cancel);
        return 0;
    }, cancel);

    public Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) =>
        ActAsync("create", key.Text, body.Length >= Large, session => new Creation(session, _pool, _paths, _folders, _space, _temporaries, _hashes, _clock).CreateAsync(key, body, cancel), cancel);

    public Task ReplaceAsync(ObjectKey key, ObjectBody body, CancellationToken cancel) =>
        ActAsync("replace", key.Text, body.Length >= Large, async session =>
        {
            await new Creation(session, _pool, _paths, _folders, _space, _temporaries, _hashes, _clock).ReplaceAsync(key, body, cancel);
            return 0;
        }, cancel);

    public void Prepare() => _pool.Prepare();

    public async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        if (into.Length < ChannelPool.WorthMore || _pool.Width == 1) return await ReadOneAsync(key, offset, into, cancel);
        // by several channels at once: what is large is waited for by few
        var part = (into.Length + _pool.Width - 1) / _pool.Width;
        var parts = Enumerable.Range(0, (into.Length + part - 1) / part).Select(i => into.Slice(i * part, int.Min(part, into.Length - (i * part)))).ToList();
        var read = await Task.WhenAll(parts.Select((p, i) => ReadOneAsync(key, offset + ((long)i * part), p, cancel)));
        var whole = parts.TakeWhile((p, i) => read[i] == p.Length).Count();
        return read.Take(whole + 1).Sum();
    }

    Task<int> ReadOneAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel) =>
        ActAsync("read", key.Text, into.Length >= Large, async session =>
        {
            await using var file = await OpenedFile.OpenAsync(session, _paths.Of(key), _folders, cancel);
            return into.Length == 0 ? 0 : await Download.FillAsync(session, file.Handle, offset, file.Length, into, cancel);
        }, cancel);

    public Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel) => ActAsync("look at", key.Text, false, async session =>
    {
        var root = _folders.RequireRootAsync(session, cancel);
        var found = await session.LookAsync(_paths.Of(key), cancel);
        if (found is null) await root;
        if (found is not { IsFolder: false } file) return null;
        return file.Mode is null || file.IsFile ? new ObjectInfo(key, file.Length ?? 0, file.Time) : throw new SftpFault(StoreFailure.Permanent, "it is no regular file");
    }, cancel);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var lease = await ActAsync("list", $"'{prefix}'", () => _pool.TakeAsync(false, cancel));
        await using var files = _walk.FilesAsync(lease.Session, prefix, cancel).GetAsyncEnumerator(cancel);
        while (await ActAsync("list", $"'{prefix}'", () => files.MoveNextAsync().AsTask())) yield return files.Current;
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => ActAsync("remove", key.Text, false, async session =>
    {
        try
        {
            SftpSession.RequireOk(await session.Remove(_paths.Of(key)).Answer.WaitAsync(cancel));
            if (key.HasFolderOfItsOwn && RemotePaths.FolderOf(_paths.Of(key)) is { } folder) await session.TryRemoveFolderAsync(folder, cancel);
        }
        catch (SftpFault e) when (e.Failure is StoreFailure.Absent)
        {
            await _folders.RequireRootAsync(session, cancel);
        }
        return 0;
    }, cancel);

    /// <summary>What the far side dates a new file with; where none may be made, this machine's time.</summary>
    public Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => ActAsync("ask the time of", "the server", false, session => TimeAsync(session, cancel), cancel);

    public Task<int> SweepAsync(string prefix, CancellationToken cancel) => ActAsync("sweep", $"'{prefix}'", false, async session =>
    {
        DateTimeOffset? old = null;
        return await _walk.SweepAsync(session, prefix, async file =>
        {
            if (_temporaries.IsLive(file.Path)) return false;
            if (ProcessMark.HasEnded(Path.GetFileName(file.Path))) return true;
            old ??= (await TimeAsync(session, cancel)).AddHours(-1);
            return file.ModifiedAt < old;
        }, cancel);
    }, cancel);

    public Task<IReadOnlyDictionary<ObjectKey, string>> Sha256Async(IReadOnlyList<ObjectKey> keys, CancellationToken cancel) =>
        ActAsync("hash", keys.Count == 1 ? keys[0].Text : $"{keys.Count} objects", false, session => _hashes.OfAsync(session, keys, cancel), cancel);

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    async Task<DateTimeOffset> TimeAsync(SftpSession session, CancellationToken cancel)
    {
        try
        {
            return (await new Upload(session, _paths.In("time"), _temporaries, _clock).TryOutAsync(cancel)).Time;
        }
        catch (SftpFault e) when (e.Failure is StoreFailure.Denied or StoreFailure.Permanent or StoreFailure.Full)
        {
            return _clock.GetUtcNow();
        }
        catch (SftpFault e) when (e.Failure is StoreFailure.Absent)
        {
            await _folders.RequireRootAsync(session, cancel);
            throw;
        }
    }

    Task<T> ActAsync<T>(string verb, string what, bool isTransfer, Func<SftpSession, Task<T>> act, CancellationToken cancel) => ActAsync(verb, what, async () =>
    {
        cancel.ThrowIfCancellationRequested();
        using var lease = await _pool.TakeAsync(isTransfer, cancel);
        _temporaries.RemoveLeft(lease.Session);
        return await act(lease.Session);
    });

    async Task<T> ActAsync<T>(string verb, string what, Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (SftpFault e)
        {
            throw new StoreException(e.Failure, e.Failure switch
            {
                StoreFailure.Absent when e.Status is not null => $"{Location}: {what} is not there",
                StoreFailure.Conflict => $"{Location}: {what} exists and holds other bytes",
                StoreFailure.Denied when e.Status is not null => $"{Location}: cannot {verb} {what}: {e.Message}: give the user of this login the right to {RightTo(verb)} there",
                _ => $"{Location}: cannot {verb} {what}: {e.Message}",
            }, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(StoreFailure.Permanent, $"{Location}: cannot {verb} {what}: {e.Message}", e);
        }
    }

    static string RightTo(string verb) => verb is "create" or "replace" or "remove" or "make" or "sweep" ? "write" : "read";
}
