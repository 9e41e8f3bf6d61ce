using System.Text.Json;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Night;

/// <summary>What a night that does not end well leaves at the source, and what it says.</summary>
public sealed class NightTroubleTests : IDisposable
{
    readonly TestHost _host = new();
    readonly FakeZfs _zfs = new();

    public NightTroubleTests()
    {
        _host.Unset("ZFSARCHIVE_REPO");
        _host.ZfsOf = _ => _zfs;
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_release_that_fails_as_well_does_not_hide_why_the_send_failed()
    {
        await ConfigureAsync("repositories: {disk: {url: REPO}}\njobs: {chain: {datasets: [tank/chain]}}", _host.Repo);
        (_zfs.SendEnd, _zfs.ReleaseEnd) = (_ => new ZfsException("zfs send died"), new ZfsException("zfs release died"));
        var night = await NightAsync(1);
        Assert.Contains("zfs send died", night.GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        _zfs.SendEnd = _ => null;
        night = await NightAsync(1);
        Assert.Contains("zfs release died", night.GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    // As after a restore: the snapshots are known, the dataset is another, and it has no bookmarks.
    [Fact]
    public async Task What_the_next_archive_is_based_on_stays_also_when_this_one_was_refused()
    {
        const string job = """
            repositories: {disk: {url: REPO}}
            jobs: {chain: {datasets: [tank/chain], snapshot: {keep: 1}ADOPT}}
            """;
        _zfs.SnapshotName = n => $"zfsarchive_2027-11-1{n}_02.00.00Z";
        _zfs.SnapshotCount = 3;
        await ConfigureAsync(job.Replace("ADOPT", "", StringComparison.Ordinal), _host.Repo);
        await NightAsync(0);
        Assert.Equal([0, 1], _zfs.Destroyed.Order());

        (_zfs.DatasetGuid, _zfs.SnapshotCount) = (0xbeef, 4);
        _zfs.Bookmarks.Clear();
        var night = await NightAsync(2);
        Assert.Contains("adopt: true", night.GetProperty("failures")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal([0, 1], _zfs.Destroyed.Order());

        await ConfigureAsync(job.Replace("ADOPT", ", send: {adopt: true}", StringComparison.Ordinal));
        night = await NightAsync(0);
        Assert.Equal("incremental", Assert.Single(night.GetProperty("jobs")[0].GetProperty("archives").EnumerateArray()).GetProperty("kind").GetString());
        Assert.Equal([0, 1, 2], _zfs.Destroyed.Order());
    }

    async Task ConfigureAsync(string text, params string[] places)
    {
        File.WriteAllText(_host.Beside("config.yaml"), text.Replace("REPO", _host.Repo, StringComparison.Ordinal));
        File.SetUnixFileMode(_host.Beside("config.yaml"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _host.Set("ZFSARCHIVE_CONFIG", _host.Beside("config.yaml"));
        foreach (var place in places) await _host.ExpectAsync(0, null, "init", "--repo", place);
        _host.Clock.Now = new(2027, 11, 20, 2, 0, 0, TimeSpan.Zero);
    }

    async Task<JsonElement> NightAsync(int code, params string[] arguments)
    {
        await _host.ExpectAsync(code, null, ["run", "--json", .. arguments]);
        return JsonDocument.Parse(_host.Out.ToString().TrimEnd().Split('\n')[^1]).RootElement;
    }
}
