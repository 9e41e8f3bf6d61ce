using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ZfsArchive.Model;

namespace ZfsArchive.Manifests;

/// <summary>A manifest that was written, ready to be committed.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="FileSha256">SHA-256 of the whole file.</param>
/// <param name="Sha256">The manifest's own hash, which descendants name.</param>
public sealed record WrittenManifest(long Length, string FileSha256, string Sha256);

/// <summary>
/// Puts a manifest together: head, chunk lines, replaced lines, seal. The lines pass through and are not held, so its length is
/// without a limit.
/// </summary>
public static class ManifestWriter
{
    /// <summary>The head has to end within this, so that a reader finds it with one read.</summary>
    public const int LongestHead = 64 << 10;

    internal static readonly byte[] s_headEnd = Encoding.ASCII.GetBytes(",\n\"chunks\": [\n");
    internal static readonly byte[] s_chunksEnd = Encoding.ASCII.GetBytes("],\n\"replaces\": [\n");

    /// <param name="chunkLines">The chunk lines as <see cref="Line"/> gives them, each ending in a newline, without commas.</param>
    /// <exception cref="ArchiveException">The head is longer than <see cref="LongestHead"/>.</exception>
    public static async Task<WrittenManifest> WriteAsync(
        Stream file, string folder, ArchiveName name, ManifestHead head, Stream chunkLines, IReadOnlyList<ReplacedLine> replaces, CancellationToken cancel)
    {
        long length = 0;
        using var seal = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        seal.AppendData(SealedJson.ManifestPrefix(folder, name.Text));

        await PutAsync(HeadText(head));
        var first = true;
        await foreach (var line in LinesAsync(chunkLines, cancel))
        {
            if (!first) await PutAsync(",\n"u8.ToArray());
            await PutAsync(line);
            first = false;
        }
        if (!first) await PutAsync("\n"u8.ToArray());
        await PutAsync(s_chunksEnd);
        if (replaces.Count > 0)
            await PutAsync(Encoding.UTF8.GetBytes(string.Join(",\n", replaces.Select(r => JsonSerializer.Serialize(r, ManifestLineJson.Default.ReplacedLine))) + "\n"));
        await PutAsync("],\n"u8.ToArray());

        var sha256 = Convert.ToHexStringLower(seal.GetHashAndReset());
        await PutAsync(Encoding.ASCII.GetBytes(SealedJson.Tail(sha256)));
        return new(length, Convert.ToHexStringLower(whole.GetHashAndReset()), sha256);

        async ValueTask PutAsync(ReadOnlyMemory<byte> bytes)
        {
            seal.AppendData(bytes.Span);
            whole.AppendData(bytes.Span);
            length += bytes.Length;
            await file.WriteAsync(bytes, cancel);
        }
    }

    /// <summary>A chunk's line as it stands in a spool: JSON and a newline.</summary>
    public static byte[] Line(ChunkLine chunk) => [.. JsonSerializer.SerializeToUtf8Bytes(chunk, ManifestLineJson.Default.ChunkLine), (byte)'\n'];

    static byte[] HeadText(ManifestHead head)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(head, ManifestJson.Default.ManifestHead);
        byte[] text = [.. json.AsSpan()[..^2], .. s_headEnd];
        return text.Length <= LongestHead
            ? text
            : throw new ArchiveException(FailureKind.Failed, $"the head of the manifest of {head.Stream.ToName} has {text.Length} bytes, more than {LongestHead}: its properties are too many");
    }

    static async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(Stream lines, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var buffer = new byte[64 << 10];
        var filled = 0;
        while (true)
        {
            var read = await lines.ReadAsync(buffer.AsMemory(filled), cancel);
            filled += read;
            var start = 0;
            for (int end; (end = buffer.AsSpan(start, filled - start).IndexOf((byte)'\n')) >= 0; start += end + 1)
                yield return buffer.AsMemory(start, end);
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
            if (read == 0 && filled == 0) yield break;
            if (read == 0) throw new InvalidDataException("the spool of chunk lines ends inside a line");
        }
    }
}
