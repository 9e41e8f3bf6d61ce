using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using ZfsArchive.Model;

namespace ZfsArchive.Manifests;

/// <summary>
/// The end that every JSON object of a repository has: a line with the SHA-256 of a prefix and of all bytes before that line,
/// a line with the signature (or null), a closing brace. The prefix names the object, so it cannot pass for another one.
/// </summary>
public static partial class SealedJson
{
    /// <summary>No seal is longer, signature included; the end of an object is sought in its last bytes.</summary>
    public const int LongestSeal = 1024;

    /// <summary>What the seal of a manifest covers first.</summary>
    public static byte[] ManifestPrefix(string folder, string archive) => Encoding.ASCII.GetBytes($"zfsarchive manifest 1\n{folder}/{archive}\n");

    /// <summary>What the seal of any other object covers first.</summary>
    public static byte[] ObjectPrefix(string key) => Encoding.ASCII.GetBytes($"zfsarchive object 1\n{key}\n");

    /// <summary>The closing lines for a SHA-256 (hex).</summary>
    public static string Tail(string sha256) => $"\"sha256\": \"{sha256}\",\n\"signature\": null\n}}\n";

    /// <summary>Seals an object whose JSON text (indented, ending in <c>\n}</c>) lacks the two members.</summary>
    public static byte[] Seal(byte[] prefix, ReadOnlySpan<byte> json)
    {
        byte[] body = [.. json[..^2], .. ",\n"u8];
        return [.. body, .. Encoding.ASCII.GetBytes(Tail(Hash(prefix, body)))];
    }

    /// <summary>The seal's SHA-256, checked against the bytes.</summary>
    /// <exception cref="ArchiveException">Damage: the end is not a seal, or the hash is another.</exception>
    public static string Check(byte[] prefix, ReadOnlySpan<byte> text, string what)
    {
        var (start, sha256) = FindTail(text) ?? throw Damage(what, "it does not end in its SHA-256 and signature");
        return Hash(prefix, text[..start]) == sha256 ? sha256 : throw Damage(what, "its content is not what its SHA-256 says");
    }

    /// <summary>Where the closing lines begin in the last bytes of an object, and the SHA-256 they carry; null when there are none.</summary>
    public static (int Start, string Sha256)? FindTail(ReadOnlySpan<byte> end)
    {
        var start = end.LastIndexOf("\n\"sha256\": \""u8) + 1;
        if (start <= 0 || end.Length - start > LongestSeal) return null;
        var match = TailGrammar().Match(Encoding.Latin1.GetString(end[start..]));
        return match.Success ? (start, match.Groups[1].Value) : null;
    }

    public static DamageException Damage(string what, string why) => new(what, why);

    static string Hash(byte[] prefix, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(prefix);
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    [GeneratedRegex("\\A\"sha256\": \"([0-9a-f]{64})\",\\n\"signature\": (?:null|\"[A-Za-z0-9+/=]{1,512}\")\\n\\}\\n\\z")]
    private static partial Regex TailGrammar();
}

/// <summary>Something that lies in a repository is not what it must be.</summary>
/// <param name="what">The object.</param>
/// <param name="why">A sentence without the object.</param>
public sealed class DamageException(string what, string why) : ArchiveException(FailureKind.Damage, $"{what} is damaged: {why}")
{
    public string Why { get; } = why;
}
