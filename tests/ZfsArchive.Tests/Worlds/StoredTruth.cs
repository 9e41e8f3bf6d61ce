using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ZfsArchive.Chunks;
using ZfsArchive.SendStream;

namespace ZfsArchive.Tests.Worlds;

/// <summary>What a repository holds, read by FORMAT.md alone and not by the code that is tested.</summary>
static class StoredTruth
{
    public const string NoArchive = "dataset-";

    /// <summary>The stream of every manifest, by the manifest's key. Fails when a manifest claims what is not so.</summary>
    public static Dictionary<string, byte[]> Streams(IReadOnlyDictionary<string, byte[]> objects)
    {
        var streams = new Dictionary<string, byte[]>();
        foreach (var (key, text) in objects)
        {
            var parts = key.Split('/');
            if (parts[0] != "manifests") continue;
            Assert.Equal(3, parts.Length);
            var archive = parts[2][..^".json".Length];
            RequireSeal(text, parts[2].StartsWith(NoArchive, StringComparison.Ordinal) ? $"zfsarchive object 1\n{key}\n" : $"zfsarchive manifest 1\n{parts[1]}/{archive}\n", key);
            if (!parts[2].StartsWith(NoArchive, StringComparison.Ordinal)) streams[key] = Stream(objects, $"archives/{parts[1]}/{archive}/", text, key);
        }
        return streams;
    }

    public static Dictionary<string, byte[]> Streams(MemoryStore store) => Streams(store.Keys.ToDictionary(k => k, k => store[k]!));

    public static Dictionary<string, byte[]> Streams(string folder) => Streams(
        // what a run that was killed had begun is no object
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(f => !Path.GetFileName(f).StartsWith('.')).ToDictionary(f => Path.GetRelativePath(folder, f), File.ReadAllBytes));

    /// <summary>Cuts a stream or package into its substreams.</summary>
    public static List<(BeginRecord Begin, byte[] Bytes)> Substreams(byte[] input)
    {
        var walker = new StreamWalker();
        for (var at = 0; at < input.Length;) at += walker.Feed(input.AsSpan(at));
        return [.. walker.Ended.Select(s => (s.Begin!, input.AsSpan((int)s.Start, (int)s.Length).ToArray()))];
    }

    static byte[] Stream(IReadOnlyDictionary<string, byte[]> objects, string folder, byte[] manifest, string key)
    {
        using var json = JsonDocument.Parse(manifest);
        var stream = new MemoryStream();
        using var zstd = new ZstdDecompressor();
        foreach (var line in json.RootElement.GetProperty("chunks").EnumerateArray())
        {
            var name = line.GetProperty("name").GetString()!;
            Assert.True(objects.TryGetValue(folder + name, out var stored), $"{key} lies: {name} is missing");
            Assert.True(name.EndsWith($"-{Convert.ToHexStringLower(SHA256.HashData(stored))}.zst", StringComparison.Ordinal), $"{key} lies: {name} holds other bytes");
            Assert.Equal(line.GetProperty("storedLength").GetInt64(), stored.Length);
            var chunk = new byte[line.GetProperty("length").GetInt64()];
            Assert.Null(zstd.Decompress(stored, chunk));
            stream.Write(chunk);
        }
        Assert.Equal(json.RootElement.GetProperty("stream").GetProperty("length").GetInt64(), stream.Length);
        return stream.ToArray();
    }

    static void RequireSeal(byte[] text, string prefix, string key)
    {
        var at = text.AsSpan().LastIndexOf("\"sha256\": \""u8);
        Assert.True(at > 0, $"{key} has no seal");
        var hash = Convert.ToHexStringLower(SHA256.HashData([.. Encoding.ASCII.GetBytes(prefix), .. text.AsSpan(0, at)]));
        Assert.Equal($"\"sha256\": \"{hash}\",\n\"signature\": null\n}}\n", Encoding.ASCII.GetString(text.AsSpan(at)));
    }
}
