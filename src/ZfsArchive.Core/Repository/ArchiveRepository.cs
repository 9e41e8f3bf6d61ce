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

    /// <summary>Bytes that are asked for before it is known how many there are: most objects are read with one question.</summary>
    const int LikelyDocument = 8 << 10, LikelyManifest = 256 << 10;

    HeadCache? _heads;

    ArchiveRepository(IObjectStore store, RepositoryDescriptor descriptor, LocalFolders folders, string? descriptorFault = null)
    {
        DescriptorFault = descriptorFault;
        Store = store;
        Descriptor = descriptor;
        Folders = folders;
        Seen = new(folders, descriptor);
    }

    public IObjectStore Store { get; }

    public RepositoryDescriptor Descriptor { get; }

    public LocalFolders Folders { get; }

    /// <summary>What this host has seen here.</summary>
    public KnownHeads Seen { get; }

    /// <summary>What is wrong with the descriptor of a repository opened for reading: archives prove themselves, so they can still be read.</summary>
    public string? DescriptorFault { get; }

    /// <summary>The first 8 digits of the id: part of bookmark and hold names.</summary>
    public string ShortId => Descriptor.Id[..8];

    /// <summary>Makes the place a repository.</summary>
    /// <exception cref="ArchiveException">There is one already.</exception>
    public static async Task<ArchiveRepository> InitAsync(IObjectStore store, LocalFolders folders, TimeProvider clock, CancellationToken cancel)
    {
        if (await store.StatAsync(new(Layout.Descriptor), cancel) is not null) throw IsOneAlready(store);
        var descriptor = new RepositoryDescriptor(ManifestHead.CurrentFormat, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), clock.GetUtcNow());
        var repository = new ArchiveRepository(store, descriptor, folders);
        try
        {
            await repository.CreateDocumentAsync(Layout.Descriptor, descriptor, ManifestJson.Default.RepositoryDescriptor, cancel);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Conflict)
        {
            throw IsOneAlready(store);
        }
        return repository;
    }

    static ArchiveException IsOneAlready(IObjectStore store) => new(FailureKind.Failed, $"{store.Location} is a repository already");

    /// <exception cref="ArchiveException">No repository, a newer format, an unknown feature; to write, a damaged descriptor.</exception>
    public static async Task<ArchiveRepository> OpenAsync(IObjectStore store, LocalFolders folders, RepositoryUse use, CancellationToken cancel)
    {
        // beside the descriptor: a store may be far away
        var features = FeaturesAsync(store, cancel);
        try
        {
            var (descriptor, fault) = await DescriptorAsync(store, use, cancel);
            RequireKnown(await features, store, use);
            return new(store, descriptor, folders, fault);
        }
        finally
        {
            Task settled = features;
            await settled.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    static async Task<(RepositoryDescriptor Descriptor, string? Fault)> DescriptorAsync(IObjectStore store, RepositoryUse use, CancellationToken cancel)
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
        return (descriptor, fault);
    }

    static void RequireId(RepositoryDescriptor descriptor)
    {
        if (descriptor.Id.Length != 32 || descriptor.Id.Any(c => !char.IsAsciiHexDigitLower(c))) throw SealedJson.Damage(Layout.Descriptor, "its id is not 32 hexadecimal digits");
    }

    /// <summary>Heads of all manifests, names of all datasets, and what could not be read of them.</summary>
    public Task<Catalog> CatalogAsync(CancellationToken cancel) => new CatalogReader(Store).ReadAsync(cancel);

    /// <summary>The same, without reading again what this host has read and proven before: for plans and tables, not for proofs.</summary>
    public async Task<Catalog> KnownCatalogAsync(CancellationToken cancel)
    {
        // beside the listing: with many archives both take their time
        var loading = _heads is { } known ? Task.FromResult(known) : Task.Run(() => HeadCache.Load(Folders, Descriptor), CancellationToken.None);
        var catalog = await new CatalogReader(Store, loading).ReadAsync(cancel);
        _heads = (await loading).Save();
        return catalog;
    }

    /// <summary>Looks again whether all is known that is required for a use: for who has had it open for long, or for another one.</summary>
    /// <exception cref="ArchiveException">It is not.</exception>
    public async Task RequireAsync(RepositoryUse use, CancellationToken cancel) => RequireKnown(await FeaturesAsync(Store, cancel), Store, use);

    /// <summary>Copies a manifest here and checks its hash; null when it is definitely absent.</summary>
    /// <exception cref="ArchiveException">Damage.</exception>
    public async Task<ManifestCopy?> OpenManifestAsync(DatasetFolder folder, ArchiveName name, CancellationToken cancel)
    {
        var key = new ObjectKey(Layout.Manifest(folder, name));
        return await ReadBeginningAsync(Store, key, LikelyManifest, cancel) is var (beginning, length)
            ? await ManifestCopy.TakeAsync(this, folder, name, beginning, length, cancel)
            : null;
    }

    /// <summary>Seals and creates a small JSON object.</summary>
    public Task<CreateOutcome> CreateDocumentAsync<T>(string key, T document, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        var text = SealedJson.Seal(SealedJson.ObjectPrefix(key), JsonSerializer.SerializeToUtf8Bytes(document, type));
        return Store.CreateAsync(new(key), ObjectBody.OfBytes(text), cancel);
    }

    /// <summary>Closes the store.</summary>
    public ValueTask DisposeAsync() => Store.DisposeAsync();

    static async Task<List<FeatureRecord>> FeaturesAsync(IObjectStore store, CancellationToken cancel)
    {
        var features = new List<FeatureRecord>();
        await foreach (var listed in store.ListAsync(Layout.Features, cancel))
            if (await ReadDocumentAsync(store, listed.Key.Text, ManifestJson.Default.FeatureRecord, cancel) is { } feature) features.Add(feature);
        return features;
    }

    static void RequireKnown(List<FeatureRecord> features, IObjectStore store, RepositoryUse use)
    {
        foreach (var feature in features)
        {
            var forbidden = feature.RequiredTo.Where(to => to == "read" || (to == "write" && use is not RepositoryUse.Read) || (to == "remove" && use is RepositoryUse.Remove)).ToList();
            if (forbidden.Count > 0)
                throw new ArchiveException(FailureKind.Usage, $"{store.Location} needs the feature '{feature.Name}' to {string.Join(" and ", forbidden)}; this zfsarchive does not know it: use a newer one");
        }
    }

    /// <summary>The first bytes of an object, and how many it has in all; null when it is definitely absent.</summary>
    static async Task<(byte[] Beginning, long Length)?> ReadBeginningAsync(IObjectStore store, ObjectKey key, int likely, CancellationToken cancel)
    {
        var beginning = new byte[likely];
        var read = 0;
        try
        {
            read = await store.ReadAsync(key, 0, beginning, cancel);
            if (read < likely) return (beginning[..read], read);
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Absent)
        {
            // the object, or the whole place: the next question tells
        }
        return await store.StatAsync(key, cancel) is { } info ? (beginning[..read], info.Length) : null;
    }

    /// <summary>A small JSON object whose seal holds; null when it is definitely absent.</summary>
    /// <exception cref="ArchiveException">Damage.</exception>
    internal static async Task<T?> ReadDocumentAsync<T>(IObjectStore store, string key, JsonTypeInfo<T> type, CancellationToken cancel, int largest = LargestDocument) where T : class
    {
        if (await ReadBeginningAsync(store, new(key), LikelyDocument, cancel) is not var (text, length)) return null;
        if (length > largest) throw SealedJson.Damage(key, $"it has {length} bytes");
        if (text.Length < length)
        {
            text = new byte[length];
            if (await store.ReadAsync(new(key), 0, text, cancel) != text.Length) throw SealedJson.Damage(key, "it is cut");
        }
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
