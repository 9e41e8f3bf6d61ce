using System.Text.Json;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Backup;

/// <summary>Several archives of one edge that begin with the same chunks.</summary>
public sealed class FollowTests
{
    [Theory, InlineData(0), InlineData(20), InlineData(100), InlineData(127)]
    public async Task Each_of_several_streams_with_the_same_beginning_is_found_again(int changedBlock)
    {
        using var host = await TestHost.WithRepositoryAsync();
        var first = new SyntheticStream { Blocks = 128 };
        SyntheticStream[] streams = [first, first with { ChangedBlock = changedBlock }, first with { Blocks = 120 }];
        string[] arguments = ["backup", "--stdin", "--allow-plaintext", "--chunk-size", "1", "--json"];
        foreach (var stream in streams) await host.ExpectAsync(0, stream.Bytes(), arguments);
        var before = TempFolder.Contents(host.Repo);
        foreach (var stream in streams.Reverse())
        {
            await host.ExpectAsync(0, stream.Bytes(), arguments);
            var result = Assert.Single(JsonDocument.Parse(host.Out.ToString()).RootElement.GetProperty("archives").EnumerateArray());
            Assert.Equal("already archived", result.GetProperty("state").GetString());
            Assert.Equal(0, result.GetProperty("sentLength").GetInt64());
        }
        Assert.Equal(before, TempFolder.Contents(host.Repo));
    }
}
