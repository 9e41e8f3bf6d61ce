using System.Security.Cryptography;
using System.Text;
using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Tests.Manifests;

public sealed class SealedJsonTests
{
    static readonly byte[] s_prefix = SealedJson.ObjectPrefix("features/some.json");
    static readonly byte[] s_json = "{\n  \"name\": \"some\",\n  \"text\": \"\\n\\\"sha256\\\": \\\"\"\n}"u8.ToArray();

    [Fact]
    public void A_seal_is_what_the_format_says()
    {
        var text = SealedJson.Seal(s_prefix, s_json);
        byte[] covered = [.. "zfsarchive object 1\nfeatures/some.json\n"u8, .. s_json[..^2], .. ",\n"u8];
        var hash = Convert.ToHexStringLower(SHA256.HashData(covered));
        Assert.Equal([.. s_json[..^2], .. Encoding.ASCII.GetBytes($",\n\"sha256\": \"{hash}\",\n\"signature\": null\n}}\n")], text);
        Assert.Equal(hash, SealedJson.Check(s_prefix, text, "it"));
    }

    [Fact]
    public void Every_changed_bit_is_seen()
    {
        var text = SealedJson.Seal(s_prefix, s_json);
        for (var at = 0; at < text.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                byte[] changed = [.. text];
                changed[at] ^= (byte)(1 << bit);
                var failure = Assert.ThrowsAny<ArchiveException>(() => SealedJson.Check(s_prefix, changed, "features/some.json"));
                Assert.Equal(FailureKind.Damage, failure.Kind);
                Assert.Contains("features/some.json", failure.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Every_cut_and_every_tail_is_seen()
    {
        var text = SealedJson.Seal(s_prefix, s_json);
        for (var length = 0; length < text.Length; length++) Assert.ThrowsAny<ArchiveException>(() => SealedJson.Check(s_prefix, text.AsSpan(0, length), "it"));
        foreach (var tail in new[] { "\n", " ", "}", "\0", "x" }) Assert.ThrowsAny<ArchiveException>(() => SealedJson.Check(s_prefix, [.. text, .. Encoding.ASCII.GetBytes(tail)], "it"));
        Assert.ThrowsAny<ArchiveException>(() => SealedJson.Check(s_prefix, [.. text, .. text], "it"));
    }

    [Fact]
    public void An_object_cannot_pass_for_another_one()
    {
        var text = SealedJson.Seal(s_prefix, s_json);
        Assert.ThrowsAny<ArchiveException>(() => SealedJson.Check(SealedJson.ObjectPrefix("features/other.json"), text, "it"));
        Assert.ThrowsAny<ArchiveException>(() => SealedJson.Check(SealedJson.ManifestPrefix("features", "some.json"), text, "it"));
    }

    [Theory]
    [InlineData("null", true), InlineData("\"QUJD\"", true), InlineData("\"\"", false), InlineData("\"<\"", false), InlineData("true", false), InlineData("NULL", false)]
    public void A_tail_has_a_signature_or_null(string signature, bool good)
    {
        var tail = $"{{\n\"a\": 1,\n\"sha256\": \"{new string('a', 64)}\",\n\"signature\": {signature}\n}}\n";
        Assert.Equal(good, SealedJson.FindTail(Encoding.ASCII.GetBytes(tail)) is not null);
    }

    [Theory]
    [InlineData("\"sha256\":\"{0}\",\n\"signature\": null\n}\n"), InlineData("\"sha256\": \"{0}\", \"signature\": null\n}\n"), InlineData("\"sha256\": \"{0}\",\r\n\"signature\": null\r\n}\r\n"),
        InlineData("\"sha256\": \"{0}\",\n\"signature\": null\n}"), InlineData("\"sha256\": \"{0}\"\n}\n"), InlineData("\"sha256\": \"{0}\",\n\"signature\": null,\n\"x\": 1\n}\n"), InlineData(" \"sha256\": \"{0}\",\n\"signature\": null\n}\n")]
    public void Any_other_tail_is_none(string tail) =>
        Assert.Null(SealedJson.FindTail(Encoding.ASCII.GetBytes("{\n\"a\": 1,\n" + tail.Replace("{0}", new('a', 64), StringComparison.Ordinal))));

    [Fact]
    public void A_hash_in_capitals_is_none() =>
        Assert.Null(SealedJson.FindTail(Encoding.ASCII.GetBytes($"{{\n\"sha256\": \"{new string('A', 64)}\",\n\"signature\": null\n}}\n")));
}
