using System.Security.Cryptography;
using System.Text.Json;
using ZfsArchive.Model;

namespace ZfsArchive.Manifests;

/// <summary>Reads manifests: the head from the first bytes, or the whole, checked against its own hash, line by line.</summary>
public static class ManifestReader
{
    /// <summary>The head in the first bytes of a manifest, unproven.</summary>
    /// <exception cref="ArchiveException">Damage, or a format that this program does not know (usage).</exception>
    public static ManifestHead Head(ReadOnlySpan<byte> beginning, string what)
    {
        var end = beginning[..int.Min(beginning.Length, ManifestWriter.LongestHead)].IndexOf(ManifestWriter.s_headEnd);
        if (end < 0) throw SealedJson.Damage(what, "it has no head");
        byte[] json = [.. beginning[..end], .. "\n}"u8];
        var head = Parse(json, ManifestJson.Default.ManifestHead, what);
        if (head.Format != ManifestHead.CurrentFormat)
            throw new ArchiveException(FailureKind.Usage, $"{what} has format {head.Format}; this zfsarchive knows format {ManifestHead.CurrentFormat}: use a newer one");
        if (head.Package is { } package && Layout.ParseArchived(package) is not { } _) throw SealedJson.Damage(what, "the name of its package is none that we write");
        if (head.Totals.Chunks < 0 || head.Totals.StoredLength < 0 || head.Stream.Length < 0) throw SealedJson.Damage(what, "a length in it is negative");
        return head.Kind is ManifestHead.Full or ManifestHead.Incremental ? head : throw SealedJson.Damage(what, $"its kind is '{head.Kind}'");
    }

    /// <summary>The manifest's own SHA-256 after reading all of <paramref name="manifest"/>; its position is moved.</summary>
    /// <exception cref="ArchiveException">Damage: the content is not what the hash says.</exception>
    public static async Task<string> CheckAsync(Stream manifest, string folder, string archive, string what, CancellationToken cancel)
    {
        var length = manifest.Length;
        var tailAt = long.Max(0, length - SealedJson.LongestSeal - 64);
        var tail = new byte[length - tailAt];
        manifest.Position = tailAt;
        await manifest.ReadExactlyAsync(tail, cancel);
        var (start, sha256) = SealedJson.FindTail(tail) ?? throw SealedJson.Damage(what, "it does not end in its SHA-256 and signature");

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(SealedJson.ManifestPrefix(folder, archive));
        manifest.Position = 0;
        var buffer = new byte[128 << 10];
        for (var left = tailAt + start; left > 0;)
        {
            var read = await manifest.ReadAsync(buffer.AsMemory(0, (int)long.Min(buffer.Length, left)), cancel);
            if (read == 0) throw SealedJson.Damage(what, "it is cut");
            hash.AppendData(buffer, 0, read);
            left -= read;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset()) == sha256 ? sha256 : throw SealedJson.Damage(what, "its content is not what its SHA-256 says");
    }

    /// <summary>
    /// The chunks of a manifest that <see cref="CheckAsync"/> found right, in order, each held against its neighbours and, at the
    /// end, against the head's totals.
    /// </summary>
    /// <exception cref="ArchiveException">Damage: a line breaks the grammar, or the sums are not the head's.</exception>
    public static IEnumerable<ChunkLine> Chunks(Stream manifest, ManifestHead head, string what)
    {
        manifest.Position = 0;
        using var reader = new StreamReader(manifest, leaveOpen: true, bufferSize: 128 << 10);
        while (reader.ReadLine() is { } line && line != "\"chunks\": [") { }

        long index = 0, stored = 0, length = 0;
        while (reader.ReadLine() is { } line && line != "],")
        {
            var chunk = ParseChunk(line.TrimEnd(','), what);
            if (ChunkName.TryParse(chunk.Name) is not { } name || name.Index != index) throw SealedJson.Damage(what, $"chunk {index} is called '{chunk.Name}'");
            index++;
            stored += chunk.StoredLength;
            length += chunk.Length;
            yield return chunk;
        }
        if (index != head.Totals.Chunks || stored != head.Totals.StoredLength || length != head.Stream.Length)
            throw SealedJson.Damage(what, $"its {index} chunks hold {length} bytes in {stored}; its head says {head.Totals.Chunks}, {head.Stream.Length}, {head.Totals.StoredLength}");
    }

    static ChunkLine ParseChunk(string line, string what)
    {
        // 32 bytes of frame and 3 for each block of 128 KiB are the most that a stored frame adds
        var chunk = Parse(System.Text.Encoding.UTF8.GetBytes(line), ManifestLineJson.Default.ChunkLine, what);
        return chunk.Length is >= 0 and <= LongestChunk && chunk.StoredLength > 0 && chunk.StoredLength <= chunk.Length + chunk.Length / 1024 + 64
            ? chunk
            : throw SealedJson.Damage(what, $"chunk {chunk.Name} has {chunk.Length} bytes in {chunk.StoredLength}");
    }

    /// <summary>No chunk holds more bytes of a stream; nothing larger is allocated.</summary>
    public const long LongestChunk = 96 << 20;

    internal static T Parse<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw SealedJson.Damage(what, "it is null");
        }
        catch (JsonException e)
        {
            throw SealedJson.Damage(what, e.Message);
        }
        catch (InvalidOperationException e)
        {
            throw SealedJson.Damage(what, e.Message);
        }
    }
}
