using System.Text;
using System.Text.Json;
using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Tests.Manifests;

public sealed class ManifestTests
{
    static async Task<(byte[] Bytes, WrittenManifest Written)> WriteAsync(ManifestHead head, IEnumerable<ChunkLine> lines, params ReplacedLine[] replaces)
    {
        var file = new MemoryStream();
        var spool = new MemoryStream([.. lines.SelectMany(ManifestWriter.Line)]);
        var written = await ManifestWriter.WriteAsync(file, SampleManifest.Folder, SampleManifest.Name, head, spool, replaces, default);
        return (file.ToArray(), written);
    }

    static Task<(byte[] Bytes, WrittenManifest Written)> SampleAsync(int chunks) =>
        WriteAsync(SampleManifest.Head(chunks, 1000L * chunks, 900L * chunks), Enumerable.Range(0, chunks).Select(i => SampleManifest.Line(i)));

    static Task<string> CheckAsync(byte[] bytes, string? archive = null) => ManifestReader.CheckAsync(new MemoryStream(bytes), SampleManifest.Folder, archive ?? SampleManifest.Name.Text, "it", default);

    static FailureKind KindOf(Action act) => Assert.ThrowsAny<ArchiveException>(act).Kind;

    static byte[] Edit(byte[] bytes, string from, string to)
    {
        var text = Encoding.UTF8.GetString(bytes);
        Assert.Contains(from, text, StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(text.Replace(from, to, StringComparison.Ordinal));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(1000)]
    public async Task What_was_written_is_read_again(int chunks)
    {
        var (bytes, written) = await SampleAsync(chunks);
        Assert.Equal(bytes.Length, written.Length);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)), written.FileSha256);
        Assert.Equal(written.Sha256, await CheckAsync(bytes));
        using var json = JsonDocument.Parse(bytes);
        Assert.Equal(written.Sha256, json.RootElement.GetProperty("sha256").GetString());
        Assert.Equal(chunks, json.RootElement.GetProperty("chunks").GetArrayLength());
        Assert.Equal("18446744073709551615", json.RootElement.GetProperty("snapshot").GetProperty("guid").GetString());

        var expected = SampleManifest.Head(chunks, 1000L * chunks, 900L * chunks);
        var head = ManifestReader.Head(bytes, "it");
        Assert.Equal(JsonSerializer.Serialize(expected, ManifestJson.Default.ManifestHead), JsonSerializer.Serialize(head, ManifestJson.Default.ManifestHead));
        Assert.Equal(expected.Snapshot, head.Snapshot);
        Assert.Equal(expected.Base, head.Base);
        Assert.Equal(Enumerable.Range(0, chunks).Select(i => SampleManifest.Line(i)), ManifestReader.Chunks(new MemoryStream(bytes), head, "it"));
    }

    [Fact]
    public async Task The_archives_that_a_fold_replaces_stand_behind_the_chunks()
    {
        var (bytes, written) = await WriteAsync(SampleManifest.Head(1, 1000, 900), [SampleManifest.Line(0)], new("a/b", new('1', 64)), new("a/c", new('2', 64)));
        Assert.Equal(written.Sha256, await CheckAsync(bytes));
        using var json = JsonDocument.Parse(bytes);
        Assert.Equal(["a/b", "a/c"], json.RootElement.GetProperty("replaces").EnumerateArray().Select(r => r.GetProperty("archive").GetString()));
        Assert.Single(ManifestReader.Chunks(new MemoryStream(bytes), ManifestReader.Head(bytes, "it"), "it"));
    }

    [Fact]
    public async Task Members_that_are_unknown_are_tolerated_and_an_unknown_format_is_refused()
    {
        var (bytes, _) = await SampleAsync(2);
        var more = Edit(Edit(bytes, "{\n  \"format\": 1,", "{\n  \"future\": {\"x\": [1, {\"y\": null}]},\n  \"format\": 1,"), "\"storedLength\":900,", "\"storedLength\":900,\"crc\":5,");
        var head = ManifestReader.Head(more, "it");
        Assert.Equal(2, ManifestReader.Chunks(new MemoryStream(more), head, "it").Count());

        var failure = Assert.ThrowsAny<ArchiveException>(() => ManifestReader.Head(Edit(bytes, "\"format\": 1,", "\"format\": 2,"), "it"));
        Assert.Equal(FailureKind.Usage, failure.Kind);
        Assert.Contains("format 2", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"kind\": \"incremental\"", "\"kind\": \"differential\""), InlineData("\"kind\": \"incremental\"", "\"kind\": null"), InlineData("\"format\": 1,", "\"format\": 1,\n  \"format\": 1,"),
        InlineData("\"format\": 1,", "\"format\": \"1\","), InlineData("\"totals\": {", "\"total\": {"), InlineData("\"guid\": \"18446744073709551615\"", "\"guid\": \"18446744073709551616\""),
        InlineData("\"guid\": \"18446744073709551615\"", "\"guid\": \"-1\""), InlineData("\"level\": 3", "\"level\": 3.5"), InlineData("\n\"chunks\": [\n", "\n\"chunks\":[\n"), InlineData("\"chunks\": 2", "\"chunks\": -2"),
        InlineData("\"name\": \"tank/home", "\"name\": 5, \"nome\": \"tank/home")]
    public async Task A_head_that_is_none_is_damage(string from, string to)
    {
        var (bytes, _) = await SampleAsync(2);
        Assert.Equal(FailureKind.Damage, KindOf(() => ManifestReader.Head(Edit(bytes, from, to), "it")));
    }

    [Fact]
    public async Task A_head_that_nests_too_deep_is_damage()
    {
        var (bytes, _) = await SampleAsync(1);
        var deep = string.Concat(Enumerable.Repeat("[", 5000)) + string.Concat(Enumerable.Repeat("]", 5000));
        Assert.Equal(FailureKind.Damage, KindOf(() => ManifestReader.Head(Edit(bytes, "\"format\": 1,", $"\"format\": 1, \"deep\": {deep},"), "it")));
    }

    [Theory]
    [InlineData("\"name\":\"000001-", "\"name\":\"000002-"), InlineData("\"name\":\"000001-", "\"name\":\"../001-"), InlineData("\"length\":1000", "\"length\":100663297"), InlineData("\"length\":1000", "\"length\":-1"),
        InlineData("\"storedLength\":900", "\"storedLength\":0"), InlineData("\"storedLength\":900", "\"storedLength\":90000"), InlineData("\"storedLength\":900", "\"storedLength\":9223372036854775807"),
        InlineData("\"storedLength\":900", "\"storedLength\":901"), InlineData("\"length\":1000", "\"length\":1001"), InlineData("\"firstRecord\":[\"WRITE\",", "\"firstRecord\":[5,"),
        InlineData("\"firstRecord\":[\"WRITE\",", "\"firstRecord\":[\"WRITE\",1,"), InlineData("\"chunks\": 2", "\"chunks\": 3"), InlineData("{\"name\":\"000001", "{{\"name\":\"000001"), InlineData("\n{\"name\":\"000001", "\n\n{\"name\":\"000001")]
    public async Task A_chunk_line_that_breaks_a_rule_is_damage(string from, string to)
    {
        var (bytes, _) = await SampleAsync(2);
        var edited = Edit(bytes, from, to);
        Assert.Equal(FailureKind.Damage, KindOf(() => Assert.Equal(-1, ManifestReader.Chunks(new MemoryStream(edited), ManifestReader.Head(edited, "it"), "it").Count())));
    }

    [Fact]
    public async Task Every_changed_byte_and_every_cut_is_seen()
    {
        var (bytes, _) = await SampleAsync(3);
        var random = new Random(11);
        for (var at = 0; at < bytes.Length; at++)
        {
            byte[] changed = [.. bytes];
            changed[at] ^= (byte)(1 << random.Next(8));
            Assert.Equal(FailureKind.Damage, (await Assert.ThrowsAnyAsync<ArchiveException>(() => CheckAsync(changed))).Kind);
            Assert.Equal(FailureKind.Damage, (await Assert.ThrowsAnyAsync<ArchiveException>(() => CheckAsync(bytes[..at]))).Kind);
        }
        await Assert.ThrowsAnyAsync<ArchiveException>(() => CheckAsync(bytes, $"{SampleManifest.Name}.2"));
        Assert.Equal(64, (await CheckAsync(bytes)).Length);
    }

    [Fact]
    public async Task A_head_longer_than_its_room_is_refused()
    {
        var head = SampleManifest.Head(0, 0, 0);
        head = head with { Properties = head.Properties!.Add("org:long", new('x', ManifestWriter.LongestHead)) };
        Assert.Equal(FailureKind.Failed, (await Assert.ThrowsAnyAsync<ArchiveException>(() => WriteAsync(head, []))).Kind);
    }
}
