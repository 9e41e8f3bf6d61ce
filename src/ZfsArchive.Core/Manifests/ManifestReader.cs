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
        foreach (var number in new[] { head.Totals.Chunks, head.Totals.StoredLength, head.Stream.Length })
            if (number is < 0 or > LargestLength) throw SealedJson.Damage(what, $"a length in it is {number}");
        foreach (var name in new[] { head.Dataset.Name, head.Snapshot.Name, head.Stream.ToName, head.Base?.Name, head.Created.Host, head.Encryption.EncryptionRoot?.Name })
            if (name is not null && !IsPlain(name)) throw SealedJson.Damage(what, "a name in it has control characters");
        return head.Kind is ManifestHead.Full or ManifestHead.Incremental ? head : throw SealedJson.Damage(what, $"its kind is '{head.Kind}'");
    }

    // Thousands of archives of this length still add up in 64 bits.
    const long LargestLength = 1L << 50;

    /// <summary>A name without characters that command a terminal or turn the direction of text.</summary>
    public static bool IsPlain(string name) => !name.Any(c => char.IsControl(c) || c is (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069'));

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
        GoToChunks(manifest);
        long index = 0, stored = 0, length = 0;
        foreach (var line in Lines(manifest, what))
        {
            if (line.Span.SequenceEqual("],"u8)) break;
            var chunk = ParseChunk(line.Span.EndsWith(","u8) ? line[..^1] : line, what);
            if (ChunkName.TryParse(chunk.Name) is not { } name || name.Index != index) throw SealedJson.Damage(what, $"chunk {index} is called '{chunk.Name}'");
            index++;
            stored += chunk.StoredLength;
            length += chunk.Length;
            yield return chunk;
        }
        if (index != head.Totals.Chunks || stored != head.Totals.StoredLength || length != head.Stream.Length)
            throw SealedJson.Damage(what, $"its {index} chunks hold {length} bytes in {stored}; its head says {head.Totals.Chunks}, {head.Stream.Length}, {head.Totals.StoredLength}");
    }

    static void GoToChunks(Stream manifest)
    {
        manifest.Position = 0;
        var beginning = new byte[long.Min(manifest.Length, ManifestWriter.LongestHead)];
        manifest.ReadExactly(beginning);
        manifest.Position = beginning.AsSpan().IndexOf(ManifestWriter.s_headEnd) + ManifestWriter.s_headEnd.Length;
    }

    // A line that we write has some 250 bytes: what has no end within a few KiB is none, and is not held.
    static IEnumerable<ReadOnlyMemory<byte>> Lines(Stream manifest, string what)
    {
        var buffer = new byte[64 << 10];
        var filled = 0;
        while (true)
        {
            var read = manifest.Read(buffer, filled, buffer.Length - filled);
            filled += read;
            var start = 0;
            for (int end; (end = buffer.AsSpan(start, filled - start).IndexOf((byte)'\n')) >= 0; start += end + 1)
                yield return end <= LongestLine ? buffer.AsMemory(start, end) : throw SealedJson.Damage(what, $"it has a line of {end} bytes");
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
            if (filled > LongestLine) throw SealedJson.Damage(what, $"it has a line of more than {LongestLine} bytes");
            if (read == 0) yield break;
        }
    }

    const int LongestLine = 4096;

    static ChunkLine ParseChunk(ReadOnlyMemory<byte> line, string what)
    {
        // 32 bytes of frame and 3 for each block of 128 KiB are the most that a stored frame adds
        var chunk = Parse(line.Span, ManifestLineJson.Default.ChunkLine, what);
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
