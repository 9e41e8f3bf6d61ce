using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>A store that is a repository: its descriptor was read and all that it requires is known.</summary>
public sealed class ArchiveRepository : IAsyncDisposable
{
    const int LargestDocument = 1 << 20;

    ArchiveRepository(IObjectStore store, RepositoryDescriptor descriptor, LocalFolders folders, string? descriptorFault = null)
    {
        DescriptorFault = descriptorFault;
        Store = store;
        Descriptor = descriptor;
        Folders = folders;
    }

    public IObjectStore Store { get; }

    public RepositoryDescriptor Descriptor { get; }

    public LocalFolders Folders { get; }

    /// <summary>What is wrong with the descriptor of a repository opened for reading: archives prove themselves, so they can still be read.</summary>
    public string? DescriptorFault { get; }

    /// <summary>The first 8 digits of the id: part of bookmark and hold names.</summary>
    public string ShortId => Descriptor.Id[..8];

    /// <summary>Makes the place a repository.</summary>
    /// <exception cref="ArchiveException">There is one already.</exception>
    public static async Task<ArchiveRepository> InitAsync(IObjectStore store, LocalFolders folders, TimeProvider clock, CancellationToken cancel)
    {
        if (await store.StatAsync(new(Layout.Descriptor), cancel) is not null)
            throw new ArchiveException(FailureKind.Failed, $"{store.Location} is a repository already");
        var descriptor = new RepositoryDescriptor(ManifestHead.CurrentFormat, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), clock.GetUtcNow());
        var repository = new ArchiveRepository(store, descriptor, folders);
        await repository.CreateDocumentAsync(Layout.Descriptor, descriptor, ManifestJson.Default.RepositoryDescriptor, cancel);
        return repository;
    }

    /// <exception cref="ArchiveException">No repository, a newer format, an unknown feature; to write, a damaged descriptor.</exception>
    public static async Task<ArchiveRepository> OpenAsync(IObjectStore store, LocalFolders folders, RepositoryUse use, CancellationToken cancel)
    {
        RepositoryDescriptor? descriptor;
        string? fault = null;
        try
        {
            descriptor = await ReadDocumentAsync(store, Layout.Descriptor, ManifestJson.Default.RepositoryDescriptor, cancel);
            if (descriptor is not null) RequireId(descriptor);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Absent)
        {
            throw new ArchiveException(FailureKind.NoRepository, e.Message, e);
        }
        catch (ArchiveException e) when (e.Kind is FailureKind.Damage && use is RepositoryUse.Read)
        {
            (descriptor, fault) = (new(ManifestHead.CurrentFormat, new('0', 32), default), e.Message);
        }
        if (descriptor is null)
            throw new ArchiveException(FailureKind.NoRepository, $"{store.Location} is no repository: it has no {Layout.Descriptor} (a disk that is not mounted? a new place: zfsarchive init --repo {store.Location})");
        if (descriptor.Format != ManifestHead.CurrentFormat)
            throw new ArchiveException(FailureKind.Usage, $"{store.Location} has format {descriptor.Format}; this zfsarchive knows format {ManifestHead.CurrentFormat}: use a newer one");

        var repository = new ArchiveRepository(store, descriptor, folders, fault);
        await repository.RequireKnownFeaturesAsync(use, cancel);
        return repository;
    }

    static void RequireId(RepositoryDescriptor descriptor)
    {
        if (descriptor.Id.Length != 32 || descriptor.Id.Any(c => !char.IsAsciiHexDigitLower(c))) throw SealedJson.Damage(Layout.Descriptor, "its id is not 32 hexadecimal digits");
    }

    /// <summary>Heads of all manifests, names of all datasets, and what could not be read of them.</summary>
    public async Task<Catalog> CatalogAsync(CancellationToken cancel)
    {
        var archives = new List<ArchiveEntry>();
        var datasets = new Dictionary<DatasetFolder, (int Number, DatasetRecord Record)>();
        var faults = new List<CatalogFault>();
        var strangers = new List<string>();
        var recordKeys = new HashSet<string>();
        await foreach (var listed in Store.ListAsync(Layout.Manifests, cancel))
        {
            try
            {
                if (Layout.ParseManifest(listed.Key.Text) is { } manifest)
                {
                    archives.Add(await ReadEntryAsync(manifest.Folder, manifest.Name, listed, cancel));
                }
                else if (Layout.ParseDataset(listed.Key.Text) is { } dataset)
                {
                    recordKeys.Add(listed.Key.Text);
                    var record = await ReadDocumentAsync(Store, listed.Key.Text, ManifestJson.Default.DatasetRecord, cancel);
                    if (record is not null && !ManifestReader.IsPlain(record.Name)) throw SealedJson.Damage(listed.Key.Text, "the name in it has control characters");
                    if (record is not null && (!datasets.TryGetValue(dataset.Folder, out var known) || known.Number < dataset.Number))
                        datasets[dataset.Folder] = (dataset.Number, record);
                }
                else
                {
                    strangers.Add(listed.Key.Text);
                }
            }
            catch (UnprovenManifestException e)
            {
                faults.Add(new(listed.Key.Text, e.Message, e.Entry));
            }
            catch (ArchiveException e) when (e is not StoreException && e.Kind is FailureKind.Damage or FailureKind.Usage)
            {
                faults.Add(new(listed.Key.Text, e.Message, null));
            }
        }
        return new(
            new ArchiveGraph(archives.OrderBy(a => a.Head.Snapshot.Createtxg ?? 0).ThenBy(a => a.Id, StringComparer.Ordinal)),
            datasets.ToImmutableDictionary(d => d.Key, d => d.Value), [.. faults], [.. strangers],
            [.. archives.Select(a => a.Folder).Concat(datasets.Keys).Distinct()
                .SelectMany(f => Enumerable.Range(1, datasets.TryGetValue(f, out var newest) ? newest.Number : 1).Select(n => Layout.Dataset(f, n))).Where(k => !recordKeys.Contains(k))]);
    }

    /// <summary>Copies a manifest here and checks its hash; null when it is definitely absent.</summary>
    /// <exception cref="ArchiveException">Damage.</exception>
    public async Task<ManifestCopy?> OpenManifestAsync(DatasetFolder folder, ArchiveName name, CancellationToken cancel)
    {
        var key = new ObjectKey(Layout.Manifest(folder, name));
        if (await Store.StatAsync(key, cancel) is not { } info) return null;
        return await ManifestCopy.TakeAsync(this, folder, name, info.Length, cancel);
    }

    /// <summary>Seals and creates a small JSON object.</summary>
    public Task<CreateOutcome> CreateDocumentAsync<T>(string key, T document, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        var text = SealedJson.Seal(SealedJson.ObjectPrefix(key), JsonSerializer.SerializeToUtf8Bytes(document, type));
        return Store.CreateAsync(new(key), ObjectBody.OfBytes(text), cancel);
    }

    /// <summary>Closes the store.</summary>
    public ValueTask DisposeAsync() => Store.DisposeAsync();

    async Task<ArchiveEntry> ReadEntryAsync(DatasetFolder folder, ArchiveName name, ObjectInfo listed, CancellationToken cancel)
    {
        var beginning = new byte[int.Min(ManifestWriter.LongestHead, (int)long.Min(listed.Length, int.MaxValue))];
        await ReadAllAsync(listed.Key, 0, beginning, cancel);
        var head = ManifestReader.Head(beginning, listed.Key.Text);

        var end = beginning;
        if (listed.Length > beginning.Length)
        {
            end = new byte[int.Min(SealedJson.LongestSeal, beginning.Length)];
            await ReadAllAsync(listed.Key, listed.Length - end.Length, end, cancel);
        }
        var (_, sha256) = SealedJson.FindTail(end) ?? throw SealedJson.Damage(listed.Key.Text, "it does not end in its SHA-256 and signature");
        if (head.Snapshot.Guid != name.ToGuid || head.IsFull != name.FromGuid is null || (name.FromGuid is { } from && from != head.Stream.FromGuid))
            throw SealedJson.Damage(listed.Key.Text, "it describes another stream than its name says");

        var entry = new ArchiveEntry(folder, name, head, sha256, listed.Length);
        // Where all of it was read anyway, nothing of it is believed unproven.
        if (listed.Length == beginning.Length) RequireProven(entry, beginning, listed.Key.Text);
        return entry;
    }

    static void RequireProven(ArchiveEntry entry, byte[] text, string key)
    {
        try
        {
            SealedJson.Check(SealedJson.ManifestPrefix(entry.Folder.Text, entry.Name.Text), text, key);
        }
        catch (ArchiveException e)
        {
            throw new UnprovenManifestException(entry, e);
        }
    }

    async Task RequireKnownFeaturesAsync(RepositoryUse use, CancellationToken cancel)
    {
        await foreach (var listed in Store.ListAsync(Layout.Features, cancel))
        {
            var feature = await ReadDocumentAsync(Store, listed.Key.Text, ManifestJson.Default.FeatureRecord, cancel);
            var forbidden = feature is null ? [] : feature.RequiredTo.Where(to => to == "read" || (to == "write" && use is not RepositoryUse.Read) || (to == "remove" && use is RepositoryUse.Remove)).ToList();
            if (forbidden.Count > 0)
                throw new ArchiveException(FailureKind.Usage, $"{Store.Location} needs the feature '{feature!.Name}' to {string.Join(" and ", forbidden)}; this zfsarchive does not know it: use a newer one");
        }
    }

    async Task ReadAllAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        if (await Store.ReadAsync(key, offset, into, cancel) != into.Length) throw SealedJson.Damage(key.Text, "it is shorter than its listing says");
    }

    /// <summary>A small JSON object whose seal holds; null when it is definitely absent.</summary>
    /// <exception cref="ArchiveException">Damage.</exception>
    internal static async Task<T?> ReadDocumentAsync<T>(IObjectStore store, string key, JsonTypeInfo<T> type, CancellationToken cancel, int largest = LargestDocument) where T : class
    {
        if (await store.StatAsync(new(key), cancel) is not { } info) return null;
        if (info.Length > largest) throw SealedJson.Damage(key, $"it has {info.Length} bytes");
        var text = new byte[info.Length];
        if (await store.ReadAsync(new(key), 0, text, cancel) != text.Length) throw SealedJson.Damage(key, "it is cut");
        SealedJson.Check(SealedJson.ObjectPrefix(key), text, key);
        return ManifestReader.Parse(text, type, key);
    }
}

/// <summary>What somebody opens a repository for.</summary>
public enum RepositoryUse
{
    Read,
    Write,

    /// <summary>To remove or replace, and so to write.</summary>
    Remove,
}
