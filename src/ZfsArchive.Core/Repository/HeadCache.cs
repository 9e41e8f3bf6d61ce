using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ZfsArchive.Manifests;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>
/// Heads of manifests that were read and proven before, kept on this host: manifests never change, so one that a listing shows with the
/// same length and time need not be read again. Losing it costs time. What is to be sure of is read anew: verify and restore do. The counts
/// of records and the properties, which no plan asks for, are left out.
/// </summary>
sealed class HeadCache
{
    const int Version = 3;
    const int HashLength = 32;
    const string Suffix = ".json";
    static readonly byte[] s_magic = Encoding.ASCII.GetBytes("zfsarchive heads\n");

    readonly string _path;
    readonly Dictionary<string, CachedHead>.AlternateLookup<ReadOnlySpan<char>> _known;
    readonly List<CachedHead> _seen = [];
    readonly ConcurrentQueue<CachedHead> _read = new();

    HeadCache(string path, Dictionary<string, CachedHead> known) => (_path, _known) = (path, known.GetAlternateLookup<ReadOnlySpan<char>>());

    /// <summary>What this host keeps of a repository; empty when there is nothing that can be read.</summary>
    public static HeadCache Load(LocalFolders folders, RepositoryDescriptor repository)
    {
        var path = Path.Combine(folders.Cache, $"{repository.Id}.heads");
        try
        {
            var bytes = File.ReadAllBytes(path);
            var content = bytes.AsSpan(0, int.Max(0, bytes.Length - HashLength));
            if (content.StartsWith(s_magic) && SHA256.HashData(content).AsSpan().SequenceEqual(bytes.AsSpan(content.Length)))
                return new(path, Read(bytes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            // There is none, or it is of another program: the manifests are read.
        }
        return new(path, []);
    }

    /// <summary>The archive whose manifest is listed, when it is the one that was read before. Asked by one at a time.</summary>
    public ArchiveEntry? Find(ObjectInfo listed)
    {
        var key = listed.Key.Text.AsSpan();
        if (!key.StartsWith(Layout.Manifests) || !key.EndsWith(Suffix) || !_known.TryGetValue(key[Layout.Manifests.Length..^Suffix.Length], out var known)
            || known.Entry.ManifestLength != listed.Length || known.ModifiedAt != listed.ModifiedAt) return null;
        _seen.Add(known);
        return known.Entry;
    }

    /// <summary>Keeps one that was read and proven.</summary>
    public void Add(ObjectInfo listed, ArchiveEntry entry) => _read.Enqueue(new(listed.ModifiedAt, entry));

    /// <summary>Writes what was seen, when it is not what is there already; that it cannot is no failure. Gives what the next reading of the repository knows.</summary>
    public HeadCache Save()
    {
        if (_read.IsEmpty && _seen.Count == _known.Dictionary.Count) return new(_path, _known.Dictionary);
        var heads = _seen.Concat(_read).ToDictionary(h => h.Entry.Id);
        using var content = new MemoryStream();
        content.Write(s_magic);
        Write(content, heads);
        content.Write(SHA256.HashData(content.GetBuffer().AsSpan(0, (int)content.Length)));
        LocalFolders.TryReplace(_path, content.GetBuffer().AsSpan(0, (int)content.Length));
        return new(_path, heads);
    }

    static void Write(Stream content, Dictionary<string, CachedHead> heads)
    {
        using var writer = new HeadWriter(content);
        writer.Number(Version);
        writer.Number(heads.Count);
        foreach (var head in heads.Values.OrderBy(s => s.Entry.Id, StringComparer.Ordinal))
        {
            writer.Number(head.ModifiedAt.UtcTicks);
            writer.Entry(head.Entry);
        }
    }

    static Dictionary<string, CachedHead> Read(byte[] bytes)
    {
        var reader = new HeadReader(bytes, s_magic.Length, bytes.Length - s_magic.Length - HashLength);
        if (reader.Number() != Version) return [];
        var count = (int)reader.Number();
        var known = new Dictionary<string, CachedHead>(count);
        for (var i = 0; i < count; i++)
        {
            var modified = new DateTimeOffset(reader.Number(), TimeSpan.Zero);
            var entry = reader.Entry();
            known[entry.Id] = new(modified, entry);
        }
        return known;
    }

    readonly record struct CachedHead(DateTimeOffset ModifiedAt, ArchiveEntry Entry);
}
