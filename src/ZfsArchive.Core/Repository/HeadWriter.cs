using System.Collections.Immutable;
using System.Text;
using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Repository;

// Heads in a form that is quick to read, a hundred thousand at a time: texts, lists and maps that were there before are a number.

/// <summary>Writes entries.</summary>
sealed class HeadWriter(Stream stream) : IDisposable
{
    readonly BinaryWriter _out = new(stream, Encoding.UTF8, leaveOpen: true);
    readonly Dictionary<string, int> _texts = [];
    readonly Dictionary<string, (int Number, string Sha256)> _entries = [];

    public void Number(long value) => _out.Write7BitEncodedInt64(value);

    public void Entry(ArchiveEntry entry)
    {
        Text(entry.Folder.Text);
        Name(entry.Name);
        Once(entry.Sha256);
        Number(entry.ManifestLength);
        Head(entry.Head);
        _entries.TryAdd(entry.Id, (_entries.Count, entry.Sha256));
    }

    void Head(ManifestHead head)
    {
        Number(head.Format);
        Text(head.Dataset.Name);
        Guid(head.Dataset.Guid);
        Guid(head.Dataset.PoolGuid);
        Text(head.Dataset.Type);
        Once(head.Snapshot.Name);
        Guid(head.Snapshot.Guid);
        Guid(head.Snapshot.Createtxg);
        Guid(head.Snapshot.Creation);
        Text(head.Kind);
        _out.Write(head.Base is not null);
        if (head.Base is { } from)
        {
            Guid(from.Guid);
            Once(from.Name);
            // mostly one that was written before
            var isKnown = _entries.TryGetValue(from.Archive, out var known);
            Number(isKnown ? known.Number : -1);
            if (!isKnown) Once(from.Archive);
            // and mostly the same
            Once(isKnown && known.Sha256 == from.ManifestSha256 ? null : from.ManifestSha256);
        }
        Stream(head.Stream);
        Encryption(head.Encryption);
        Number(head.Chunking.Target ?? -1);
        Number(head.Chunking.Level);
        Text(head.Chunking.Zstd);
        Text(head.Origin.Repository);
        Number(head.Totals.Chunks);
        Number(head.Totals.StoredLength);
        Number(head.Totals.CompressedChunks);
        Number(head.Created.At.UtcTicks);
        Number(head.Created.At.Offset.Ticks);
        Text(head.Created.Version);
        Text(head.Created.Host);
        Text(head.Created.OpenZfsUserland);
        Text(head.Created.OpenZfsModule);
        Once(head.Package);
        Number(head.Replaced.Count);
        Text(head.Replaced.Sha256);
    }

    void Stream(ManifestStream stream)
    {
        Number(stream.Length);
        Once(stream.ToName);
        Guid(stream.FromGuid);
        Once(stream.EndChecksum);
        _out.Write(stream.BigEndian);
        List(stream.Features);
        Number(stream.Flags);
        Number(stream.OpaqueFrom ?? -1);
        List(stream.Conditions);
        Text(stream.Requires.OpenZfs);
        List(stream.Requires.PoolFeatures);
        List(stream.SendFlags);
    }

    void Encryption(ManifestEncryption encryption)
    {
        _out.Write(encryption.Raw);
        Text(encryption.Suite);
        Guid(encryption.KeyGuid);
        Text(encryption.KeyFormat);
        Text(encryption.WrappingId);
        Guid(encryption.Pbkdf2Salt);
        Guid(encryption.ToIvsetGuid);
        Guid(encryption.FromIvsetGuid);
        _out.Write(encryption.EncryptionRoot is not null);
        if (encryption.EncryptionRoot is not { } root) return;
        Text(root.Name);
        Guid(root.Guid);
        _out.Write(root.IsRoot);
    }

    void Guid(ulong? value)
    {
        _out.Write(value is not null);
        if (value is { } guid) _out.Write(guid);
    }

    // One that many share: a number once it was written.
    void Text(string? text)
    {
        if (text is null)
        {
            Number(0);
        }
        else if (_texts.TryGetValue(text, out var known))
        {
            Number(known);
        }
        else
        {
            _texts.Add(text, _texts.Count + 2);
            Number(1);
            _out.Write(text);
        }
    }

    // One of its own.
    void Once(string? text)
    {
        _out.Write(text is not null);
        if (text is not null) _out.Write(text);
    }

    void List(ImmutableArray<string> list)
    {
        Number(list.IsDefault ? -1 : list.Length);
        if (!list.IsDefault)
            foreach (var text in list) Text(text);
    }

    void Name(ArchiveName name)
    {
        Text(name.CreationText[..8]);
        _out.Write(name.CreationText[8..]);
        Guid(name.ToGuid);
        Guid(name.FromGuid);
        Number(name.Ordinal);
    }

    public void Dispose() => _out.Dispose();
}
