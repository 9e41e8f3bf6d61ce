using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Repository;

/// <summary>Reads what <see cref="HeadWriter"/> has written.</summary>
/// <param name="bytes">An end that comes too early is an <see cref="InvalidDataException"/>.</param>
sealed class HeadReader(byte[] bytes, int from, int length)
{
    readonly int _end = from + length;
    int _at = from;
    readonly List<string> _texts = [];
    readonly Dictionary<string, DatasetFolder> _folders = [];
    readonly Dictionary<ManifestDataset, ManifestDataset> _datasets = [];
    readonly Dictionary<string, ImmutableArray<string>> _lists = [];
    readonly List<ArchiveEntry> _entries = [];

    /// <summary>Seven bits in each byte, the lowest first, the eighth saying that there is more.</summary>
    public long Number()
    {
        var value = 0UL;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (_at == _end) throw new InvalidDataException("the end comes too early");
            var next = bytes[_at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return (long)value;
        }
        throw new InvalidDataException("a number does not end");
    }

    ReadOnlySpan<byte> Bytes(int count)
    {
        if (count < 0 || count > _end - _at) throw new InvalidDataException("the end comes too early");
        _at += count;
        return bytes.AsSpan(_at - count, count);
    }

    string String() => Encoding.UTF8.GetString(Bytes((int)Number()));

    bool Boolean() => Bytes(1)[0] != 0;

    public ArchiveEntry Entry()
    {
        var folder = Text()!;
        if (!_folders.TryGetValue(folder, out var known)) known = _folders[folder] = DatasetFolder.TryParse(folder) ?? throw new InvalidDataException(folder);
        var name = new ArchiveName(Text() + String(), Guid()!.Value, Guid(), (int)Number());
        var (sha256, length) = (Once()!, Number());
        var entry = new ArchiveEntry(known, name, Head(), sha256, length);
        _entries.Add(entry);
        return entry;
    }

    ManifestHead Head()
    {
        var format = (int)Number();
        var dataset = Shared(_datasets, new(Text()!, Guid(), Guid(), Text()!));
        var snapshot = new ManifestSnapshot(Once()!, Guid()!.Value, Guid(), Guid()!.Value);
        var kind = Text()!;
        var from = Boolean() ? Base() : null;
        var stream = Stream();
        var encryption = Encryption();
        return new(
            format, dataset, snapshot, kind, from, stream, encryption, null, new(Number() is >= 0 and var target ? (int)target : null, (int)Number(), Text()!), new(Text()!),
            new(Number(), Number(), Number()), new(new(Number() + Offset(out var offset), offset), Text()!, Text()!, Text(), Text()), Once(), new(Number(), Text()!));
    }

    ManifestBase Base()
    {
        var (guid, name) = (Guid()!.Value, Once());
        var number = (int)Number();
        if (number < 0) return new(guid, name, Once()!, Once()!);
        var known = _entries[number];
        return new(guid, name, known.Id, Once() ?? known.Sha256);
    }

    // The time was written as UTC, its offset behind it.
    long Offset(out TimeSpan offset)
    {
        offset = new(Number());
        return offset.Ticks;
    }

    ManifestStream Stream() => new(
        Number(), Once()!, Guid()!.Value, Once(), Boolean(), List(), (uint)Number(), Number() is >= 0 and var opaque ? opaque : null, List(), ImmutableSortedDictionary<string, long>.Empty, new(Text()!, List()), List());

    ManifestEncryption Encryption() => new(
        Boolean(), Text(), Guid()!.Value, Text(), Text(), Guid()!.Value, Guid()!.Value, Guid()!.Value,
        Boolean() ? new(Text()!, Guid(), Boolean()) : null);

    static T Shared<T>(Dictionary<T, T> known, T value) where T : notnull => known.TryGetValue(value, out var first) ? first : known[value] = value;

    ulong? Guid() => Boolean() ? BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8)) : null;

    string? Text()
    {
        var known = (int)Number();
        if (known == 0) return null;
        if (known > 1) return _texts[known - 2];
        _texts.Add(String());
        return _texts[^1];
    }

    string? Once() => Boolean() ? String() : null;

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
}
