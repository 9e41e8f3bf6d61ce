using System.Text.Json;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Night;

/// <summary>The night as cron sees it: a configuration, a source, repositories that are there or not.</summary>
sealed class NightWorld : IDisposable
{
    public NightWorld()
    {
        Host.Unset("ZFSARCHIVE_REPO");
        Host.ZfsOf = _ => Zfs;
    }

    public TestHost Host { get; } = new();

    public FakeZfs Zfs { get; } = new();

    /// <summary>Where a second repository may be.</summary>
    public string Second => Host.Beside("second");

    /// <param name="text">With REPO and SECOND for the places of repositories.</param>
    /// <param name="places">Which of them are made.</param>
    public async Task ConfigureAsync(string text, params string[] places)
    {
        File.WriteAllText(Host.Beside("config.yaml"), text.Replace("REPO", Host.Repo, StringComparison.Ordinal).Replace("SECOND", Second, StringComparison.Ordinal));
        File.SetUnixFileMode(Host.Beside("config.yaml"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Host.Set("ZFSARCHIVE_CONFIG", Host.Beside("config.yaml"));
        foreach (var place in places) await Host.ExpectAsync(0, null, "init", "--repo", place);
        Host.Clock.Now = new(2027, 11, 20, 2, 0, 0, TimeSpan.Zero);
    }

    /// <summary>Runs it, and reads its last line.</summary>
    public async Task<JsonElement> NightAsync(int code, params string[] arguments)
    {
        await Host.ExpectAsync(code, null, ["run", "--json", .. arguments]);
        return JsonDocument.Parse(Host.Out.ToString().TrimEnd().Split('\n')[^1]).RootElement;
    }

    public void Dispose() => Host.Dispose();
}
