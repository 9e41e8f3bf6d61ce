using System.Security.Cryptography;
using System.Text.Json;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Verify;

/// <summary>What <c>records/verify-TIME-ID.json</c> says: all that is known of when what was verified. Each record takes the place of those before it.</summary>
public sealed record VerifyRecord(DateTimeOffset At, string Host, IReadOnlyList<VerifiedArchive> Archives);

/// <param name="Archive"><c>folder/archive</c>.</param>
/// <param name="ManifestSha256">Of the manifest that was verified: another one under this name was not.</param>
/// <param name="Ranges">Of its chunks, in order and apart.</param>
/// <param name="Damaged">What was found, until it is looked at again and found well.</param>
public sealed record VerifiedArchive(string Archive, string ManifestSha256, IReadOnlyList<VerifiedRange> Ranges, IReadOnlyList<DamagedObject> Damaged);

/// <summary>Chunks from an index to before another.</summary>
/// <param name="At">When they were last looked at.</param>
public sealed record VerifiedRange(long From, long To, VerifyLevel Level, DateTimeOffset At);

/// <param name="Level">At which it was found.</param>
public sealed record DamagedObject(string Object, string Reason, VerifyLevel Level, DateTimeOffset At);

/// <summary>Finds the newest record and writes the next.</summary>
public static class VerifyRecords
{
    const int LargestRecord = 256 << 20;
    const int KeptRecords = 5;

    /// <summary>The newest that can be read, of those in the repository and the one that this host keeps for itself.</summary>
    public static async Task<VerifyHistory> LoadAsync(ArchiveRepository repository, CancellationToken cancel)
    {
        VerifyRecord? stored = null;
        var keys = await KeysAsync(repository.Store, cancel);
        foreach (var key in keys.AsEnumerable().Reverse())
            if ((stored = await TryReadAsync(repository, key, cancel)) is not null) break;
        var local = TryReadLocal(repository);
        return new(stored is null || (local is not null && local.At > stored.At) ? local : stored, keys.LastOrDefault());
    }

    /// <summary>The same, or what another host has written since it was loaded.</summary>
    public static async Task<VerifyHistory> NewestAsync(ArchiveRepository repository, VerifyHistory loaded, CancellationToken cancel) =>
        (await KeysAsync(repository.Store, cancel)).LastOrDefault() == loaded.Newest ? loaded : await LoadAsync(repository, cancel);

    /// <summary>Writes it into the repository, or where that may not be, beside what this host remembers.</summary>
    /// <param name="mayWrite">A lease is held.</param>
    public static async Task SaveAsync(ArchiveRepository repository, VerifyHistory history, Catalog catalog, string host, bool mayWrite, CancellationToken cancel)
    {
        var record = history.ToRecord(catalog, host);
        if (!mayWrite)
        {
            SaveLocal(repository, record);
            return;
        }
        var keys = await KeysAsync(repository.Store, cancel);
        var key = Layout.VerifyRecord(After(keys, record.At), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
        try
        {
            await repository.CreateDocumentAsync(key, VerifyDocument.Of(record), VerifyJson.Default.VerifyDocument, cancel);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Denied or StoreFailure.Full)
        {
            SaveLocal(repository, record);
            return;
        }
        // Each holds all that was in those before it; where nothing may be removed they stay.
        foreach (var old in keys.SkipLast(KeptRecords - 1))
        {
            try
            {
                await repository.Store.DeleteAsync(old, cancel);
            }
            catch (StoreException e) when (e.Failure is StoreFailure.Denied)
            {
                break;
            }
        }
    }

    // The newest is found by its name: of two in one second, or after a clock has gone back, the later one has to have the later name.
    static DateTimeOffset After(List<ObjectKey> keys, DateTimeOffset now) =>
        keys.Count > 0 && Layout.VerifyRecordTime(keys[^1].Text) is { } newest && newest >= now.AddSeconds(-1) ? newest.AddSeconds(1) : now;

    static async Task<List<ObjectKey>> KeysAsync(IObjectStore store, CancellationToken cancel)
    {
        var keys = new List<ObjectKey>();
        await foreach (var info in store.ListAsync(Layout.Records, cancel))
            if (Layout.IsVerifyRecord(info.Key.Text)) keys.Add(info.Key);
        return keys;
    }

    static async Task<VerifyRecord?> TryReadAsync(ArchiveRepository repository, ObjectKey key, CancellationToken cancel)
    {
        try
        {
            return (await ArchiveRepository.ReadDocumentAsync(repository.Store, key.Text, VerifyJson.Default.VerifyDocument, cancel, LargestRecord))?.ToRecord();
        }
        catch (Exception e) when (e is FormatException or ArchiveException { Kind: FailureKind.Damage or FailureKind.Usage })
        {
            return null;
        }
    }

    static string LocalPath(ArchiveRepository repository) => Path.Combine(repository.Folders.State, $"{repository.Descriptor.Id}.verified.json");

    static VerifyRecord? TryReadLocal(ArchiveRepository repository)
    {
        try
        {
            using var file = File.OpenRead(LocalPath(repository));
            return JsonSerializer.Deserialize(file, VerifyJson.Default.VerifyDocument)?.ToRecord();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            return null;
        }
    }

    // A watcher without a place of its own begins anew each time; what it finds it still tells.
    static void SaveLocal(ArchiveRepository repository, VerifyRecord record) =>
        LocalFolders.TryReplace(LocalPath(repository), JsonSerializer.SerializeToUtf8Bytes(VerifyDocument.Of(record), VerifyJson.Default.VerifyDocument));
}
