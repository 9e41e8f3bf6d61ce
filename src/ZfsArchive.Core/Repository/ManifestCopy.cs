using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>
/// A manifest copied to this host and proven by its own hash, so that what is read later is what was checked. Small ones stay in
/// memory, large ones in a spool.
/// </summary>
public sealed class ManifestCopy : IDisposable
{
    const int InMemory = 1 << 20;
    const int ReadLength = 4 << 20;
    readonly Stream _content;
    readonly string _what;

    ManifestCopy(Stream content, string what, ManifestHead head, string sha256)
    {
        _content = content;
        _what = what;
        Head = head;
        Sha256 = sha256;
    }

    public ManifestHead Head { get; }

    /// <summary>The manifest's own hash.</summary>
    public string Sha256 { get; }

    /// <summary>The chunks in order. One enumeration at a time.</summary>
    /// <exception cref="ArchiveException">Damage.</exception>
    public IEnumerable<ChunkLine> Chunks() => ManifestReader.Chunks(_content, Head, _what);

    /// <summary>All bytes, to be created elsewhere as they are.</summary>
    public async Task<ObjectBody> BodyAsync(CancellationToken cancel)
    {
        _content.Position = 0;
        if (_content is MemoryStream memory) return ObjectBody.OfBytes(memory.ToArray());
        var sha256 = Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(_content, cancel));
        await _content.FlushAsync(cancel);
        return ObjectBody.OfFile(((FileStream)_content).Name, _content.Length, sha256);
    }

    /// <param name="read">Its first bytes, as far as they were read; they count for nothing before all of it is proven.</param>
    /// <param name="length">Bytes of all of it.</param>
    internal static async Task<ManifestCopy> TakeAsync(ArchiveRepository repository, DatasetFolder folder, ArchiveName name, ReadOnlyMemory<byte> read, long length, CancellationToken cancel)
    {
        var key = new ObjectKey(Layout.Manifest(folder, name));
        Stream content = length <= InMemory ? new MemoryStream() : repository.Folders.NewSpool();
        try
        {
            await content.WriteAsync(read, cancel);
            await CopyAsync(repository.Store, key, read.Length, length, content, cancel);
            var beginning = new byte[long.Min(length, ManifestWriter.LongestHead)];
            content.Position = 0;
            await content.ReadExactlyAsync(beginning, cancel);
            var sha256 = await ManifestReader.CheckAsync(content, folder.Text, name.Text, key.Text, cancel);
            return new(content, key.Text, ManifestReader.Head(beginning, key.Text), sha256);
        }
        catch
        {
            await content.DisposeAsync();
            throw;
        }
    }

    static async Task CopyAsync(IObjectStore store, ObjectKey key, long from, long length, Stream into, CancellationToken cancel)
    {
        if (from >= length) return;
        var buffer = new byte[long.Min(ReadLength, length - from)];
        for (var at = from; at < length;)
        {
            var read = await store.ReadAsync(key, at, buffer.AsMemory(0, (int)long.Min(buffer.Length, length - at)), cancel);
            if (read == 0) throw SealedJson.Damage(key.Text, "it is cut");
            await into.WriteAsync(buffer.AsMemory(0, read), cancel);
            at += read;
        }
    }

    public void Dispose() => _content.Dispose();
}
