using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Repository;

// Heads in a form that is quick to read, a hundred thousand at a time: texts, lists and maps that were there before are a number.

/// <summary>Writes entries.</summary>
sealed class HeadWriter(Stream stream) : IDisposable
{
    readonly BinaryWriter _out = new(stream, System.Text.Encoding.UTF8, leaveOpen: true);
    readonly Dictionary<string, int> _texts = [];
    readonly Dictionary<string, int> _entries = [];

    public void Number(long value) => _out.Write7BitEncodedInt64(value);

    public void Entry(ArchiveEntry entry)
    {
        Text(entry.Folder.Text);
        Name(entry.Name);
        Once(entry.Sha256);
        Number(entry.ManifestLength);
        Head(entry.Head);
        _entries.TryAdd(entry.Id, _entries.Count);
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
            Number(isKnown ? known : -1);
            if (!isKnown) Once(from.Archive);
            Once(from.ManifestSha256);
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

/// <summary>Reads what <see cref="HeadWriter"/> has written.</summary>
sealed class HeadReader(Stream stream) : IDisposable
{
    readonly BinaryReader _in = new(stream);
    readonly List<string> _texts = [];
    readonly Dictionary<string, DatasetFolder> _folders = [];
    readonly Dictionary<ManifestDataset, ManifestDataset> _datasets = [];
    readonly Dictionary<string, ImmutableArray<string>> _lists = [];
    readonly List<string> _ids = [];

    public long Number() => _in.Read7BitEncodedInt64();

    public ArchiveEntry Entry()
    {
        var folder = Text()!;
        if (!_folders.TryGetValue(folder, out var known)) known = _folders[folder] = DatasetFolder.TryParse(folder) ?? throw new InvalidDataException(folder);
        var name = new ArchiveName(Text() + _in.ReadString(), Guid()!.Value, Guid(), (int)Number());
        var (sha256, length) = (Once()!, Number());
        var entry = new ArchiveEntry(known, name, Head(), sha256, length);
        _ids.Add(entry.Id);
        return entry;
    }

    ManifestHead Head()
    {
        var format = (int)Number();
        var dataset = Shared(_datasets, new(Text()!, Guid(), Guid(), Text()!));
        var snapshot = new ManifestSnapshot(Once()!, Guid()!.Value, Guid(), Guid()!.Value);
        var kind = Text()!;
        var from = _in.ReadBoolean() ? new ManifestBase(Guid()!.Value, Once(), Number() is >= 0 and var known ? _ids[(int)known] : Once()!, Once()!) : null;
        var stream = Stream();
        var encryption = Encryption();
        return new(
            format, dataset, snapshot, kind, from, stream, encryption, null, new(Number() is >= 0 and var target ? (int)target : null, (int)Number(), Text()!), new(Text()!),
            new(Number(), Number(), Number()), new(new(Number() + Offset(out var offset), offset), Text()!, Text()!, Text(), Text()), Once(), new(Number(), Text()!));
    }

    // The time was written as UTC, its offset behind it.
    long Offset(out TimeSpan offset)
    {
        offset = new(Number());
        return offset.Ticks;
    }

    ManifestStream Stream() => new(
        Number(), Once()!, Guid()!.Value, Once(), _in.ReadBoolean(), List(), (uint)Number(), Number() is >= 0 and var opaque ? opaque : null, List(), ImmutableSortedDictionary<string, long>.Empty, new(Text()!, List()), List());

    ManifestEncryption Encryption() => new(
        _in.ReadBoolean(), Text(), Guid()!.Value, Text(), Text(), Guid()!.Value, Guid()!.Value, Guid()!.Value,
        _in.ReadBoolean() ? new(Text()!, Guid(), _in.ReadBoolean()) : null);

    static T Shared<T>(Dictionary<T, T> known, T value) where T : notnull => known.TryGetValue(value, out var first) ? first : known[value] = value;

    ulong? Guid() => _in.ReadBoolean() ? _in.ReadUInt64() : null;

    string? Text()
    {
        var known = (int)Number();
        if (known == 0) return null;
        if (known > 1) return _texts[known - 2];
        _texts.Add(_in.ReadString());
        return _texts[^1];
    }

    string? Once() => _in.ReadBoolean() ? _in.ReadString() : null;

    // There are few different ones.
    ImmutableArray<string> List()
    {
        var count = (int)Number();
        if (count < 0) return default;
        if (count == 0) return [];
        var texts = new string[count];
        for (var i = 0; i < count; i++) texts[i] = Text()!;
        var all = string.Join('\0', texts);
        return _lists.TryGetValue(all, out var known) ? known : _lists[all] = [.. texts];
    }

    public void Dispose() => _in.Dispose();
}
