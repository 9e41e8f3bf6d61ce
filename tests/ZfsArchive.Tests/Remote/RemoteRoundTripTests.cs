using System.Text.Json;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>What goes over the network comes back over it, and also to a person who fetches the objects with other programs.</summary>
public sealed class RemoteRoundTripTests
{
    static readonly string[] s_levels = ["chain", "objects", "data", "stream"];

    [S3Fact]
    public Task Chains_and_packages_come_back_from_s3() => GoAndComeBackAsync(new S3Place());

    [SftpFact]
    public Task Chains_and_packages_come_back_from_sftp() => GoAndComeBackAsync(new SftpPlace());

    [S3Fact]
    public Task A_person_gets_the_stream_out_of_what_lies_in_s3() => EscapeAsync(new S3Place());

    [SftpFact]
    public Task A_person_gets_the_stream_out_of_what_lies_on_sftp() => EscapeAsync(new SftpPlace());

    static async Task GoAndComeBackAsync(RemotePlace place)
    {
        using var host = await place.NewRepositoryAsync();
        string[] names = ["chain-full", "chain-I-package"];
        foreach (var name in names) await host.ExpectAsync(0, Golden.Bytes(name), "backup", "--stdin");
        await host.ExpectAsync(0, Golden.Bytes("plain-full"), "backup", "--stdin", "--allow-plaintext", "--json");
        var parts = names.Append("plain-full").SelectMany(n => StoredTruth.Substreams(Golden.Bytes(n))).Select(p => p.Bytes).ToList();

        await host.ExpectAsync(0, null, "list", "--json");
        using var listed = JsonDocument.Parse(host.Out.ToString());
        var archives = listed.RootElement.GetProperty("archives").EnumerateArray().ToList();
        Assert.Equal(place.Location, listed.RootElement.GetProperty("repository").GetString());
        Assert.All(archives, a => Assert.True(a.GetProperty("restorable").GetBoolean()));
        foreach (var archive in archives.Take(1).Concat(archives.TakeLast(2)))
        {
            await host.ExpectAsync(0, null, "cat", $"{archive.GetProperty("dataset").GetString()}@{archive.GetProperty("snapshot").GetString()}", "--archive", archive.GetProperty("archive").GetString()!);
            Assert.Contains(parts, p => p.AsSpan().SequenceEqual(host.Output.ToArray()));
        }
        foreach (var level in s_levels) await host.ExpectAsync(0, null, "verify", "--level", level);
        Assert.Equal(
            parts.Select(Convert.ToHexString).Distinct().Order(),
            StoredTruth.Streams(await place.ObjectsAsync()).Values.Select(Convert.ToHexString).Distinct().Order());
        Assert.DoesNotContain(await place.ObjectsAsync(), o => o.Key.StartsWith("leases/", StringComparison.Ordinal));

        // what is there is found there, and sent no second time
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), "backup", "--stdin", "--json");
        Assert.Contains("\"sentLength\":0", host.Out.ToString(), StringComparison.Ordinal);
    }

    static async Task EscapeAsync(RemotePlace place)
    {
        using var host = await place.NewRepositoryAsync();
        var stream = new SyntheticStream { Blocks = 40 }.Bytes();
        await host.ExpectAsync(0, stream, "backup", "--stdin", "--allow-plaintext", "--chunk-size", "1");
        foreach (var (key, bytes) in await place.ObjectsAsync())
        {
            var file = Path.Combine(host.Beside("fetched"), key);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, bytes);
        }
        var output = await Shell.RunAsync(host.Beside("fetched"), """
            M=$(ls manifests/*/[0-9]*.json)
            a=${M#manifests/}
            cd "archives/${a%.json}"
            jq -r '.chunks[].name | "\(.[-68:-4])  \(.)"' "../../../$M" | sha256sum --quiet -c >&2
            jq -r '.chunks[].name' "../../../$M" | while read -r n; do zstd -dcq "$n"; done
            """);
        Assert.True(stream.AsSpan().SequenceEqual(output));
    }
}
