using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Model;
using ZfsArchive.Night;

namespace ZfsArchive.Tests.Night;

public sealed class NightResultTests
{
    [Fact]
    public void What_is_sent_stays_small_however_much_is_damaged()
    {
        var night = Damaged(30_000);

        var brief = night.Brief(200);

        Assert.InRange(JsonSerializer.Serialize(brief, CliJson.Default.NightResult).Length, 1, 100_000);
        Assert.True(brief.Cut);
        var verified = brief.Repositories.Single().Verify!;
        Assert.Equal(night.Repositories.Single().Verify!.Lost.Take(200), verified.Lost);
        Assert.Equal(200, verified.Findings.Length);
        Assert.Equal(night.Failures, brief.Failures);
        Assert.Equal((night.Host, night.State, night.Title), (brief.Host, brief.State, brief.Title));
    }

    [Fact]
    public void What_is_short_is_sent_whole()
    {
        var night = Damaged(200);

        var brief = night.Brief(200);

        Assert.False(brief.Cut);
        Assert.Equal(JsonSerializer.Serialize(night, CliJson.Default.NightResult), JsonSerializer.Serialize(brief, CliJson.Default.NightResult));
    }

    static NightResult Damaged(int chunks)
    {
        string[] names = [.. Enumerable.Range(0, chunks).Select(i => $"{i:00000} of what lies in the repository")];
        var verified = new VerifiedNight("stream", false, 1, 1, [.. names], [.. names], 1);
        var repository = new RepositoryNight("disk", "/mnt/disk", NightState.Failed, null, null, verified, [], [new("disk: verify", "DAMAGE", FailureKind.Damage)]);
        return new("nas", "1.0", DateTimeOffset.UnixEpoch, 1, NightState.Partly, false, [], [repository]);
    }
}
