using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Tests.EndToEnd;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Status;

/// <summary>A test that needs a browser; skipped, and said so, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class BrowserTheoryAttribute : TheoryAttribute
{
    public const string Program = "/usr/bin/chromium";

    public BrowserTheoryAttribute() => Skip = File.Exists(Program) ? null : "there is no browser: apt-get install chromium";
}

/// <summary>The page as a real browser shows it.</summary>
public sealed class BrowserTests
{
    static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    [BrowserTheory]
    [InlineData(false, StatusPageStyle.FullLight, StatusPageStyle.IncrementalLight, StatusPageStyle.DamagedLight)]
    [InlineData(true, StatusPageStyle.FullDark, StatusPageStyle.IncrementalDark, StatusPageStyle.DamagedDark)]
    public async Task The_chain_can_be_seen_and_nothing_is_fetched(bool dark, string full, string incremental, string damaged)
    {
        using var temp = new TempFolder();
        await File.WriteAllTextAsync(temp["page.html"], StatusPage.Of(Reports.Example(), "1.2.3"));
        var (picture, requests, callers) = await ShowAsync(temp, dark);
        Assert.Equal((1100, 2000), (picture.Width, picture.Height));
        // Three fulls of 15 pixels, the keys of the legend, and the lines of the sizes; a hundred circles; one mark and its key.
        Assert.InRange(picture.Count(full), 500, 12_000);
        Assert.InRange(picture.Count(incremental), 3000, 60_000);
        Assert.InRange(picture.Count(damaged), 80, 3000);
        Assert.InRange(picture.Count(dark ? StatusPageStyle.FullLight : StatusPageStyle.FullDark), 0, 20);
        Assert.Empty(requests);
        Assert.Empty(callers);
        if (Reports.Shown is { } keep) File.Copy(temp["picture.png"], Path.Combine(keep, dark ? "status-dark.png" : "status-light.png"), overwrite: true);
    }

    [BrowserTheory]
    [InlineData("", true)]
    [InlineData("<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"/>", false)]
    public async Task A_page_that_fetches_would_be_noticed_and_a_policy_as_ours_stops_it(string policy, bool fetches)
    {
        using var temp = new TempFolder();
        await File.WriteAllTextAsync(temp["page.html"], $"<!DOCTYPE html><html><head>{policy}<link rel='stylesheet' href='http://198.51.100.7/a.css'/></head><body><img src='http://198.51.100.7/a.png'/></body></html>");
        var (_, requests, callers) = await ShowAsync(temp, dark: false);
        Assert.Equal(fetches ? ["http://198.51.100.7/a.css", "http://198.51.100.7/a.png"] : [], requests.Order(StringComparer.Ordinal));
        Assert.Equal(fetches ? ["198.51.100.7"] : [], callers);
    }

    /// <summary>A picture of the page, what it asked for besides itself, and the hosts that were asked for at the only way out, but for those that the browser calls of its own accord.</summary>
    static async Task<(Picture Picture, IReadOnlyList<string> Requests, IReadOnlyList<string> Callers)> ShowAsync(TempFolder temp, bool dark)
    {
        using var wayOut = new TcpListener(IPAddress.Loopback, 0);
        wayOut.Start();
        var hosts = new List<string>();
        var listening = ListenAsync(wayOut, hosts);
        var ended = await Child.RunAsync(BrowserTheoryAttribute.Program,
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", $"--user-data-dir={temp["profile"]}", "--no-first-run", "--incognito", "--disable-extensions", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--force-color-profile=srgb", "--window-size=1100,2000",
            $"--blink-settings=preferredColorScheme={(dark ? 0 : 1)}", $"--proxy-server=127.0.0.1:{((IPEndPoint)wayOut.LocalEndpoint).Port}", "--proxy-bypass-list=<-loopback>",
            $"--log-net-log={temp["net.json"]}", $"--screenshot={temp["picture.png"]}", $"file://{temp["page.html"]}",
        ], s_limit, new Dictionary<string, string> { ["HOME"] = temp.Path });
        ended.Must(0);
        wayOut.Stop();
        await listening;
        var requests = Requests(temp["net.json"]);
        var own = requests.Where(r => r.OfBrowser && r.Url.Contains("://", StringComparison.Ordinal)).Select(r => new Uri(r.Url).Host).ToHashSet();
        return (Picture.Read(temp["picture.png"]), [.. requests.Where(r => !r.OfBrowser).Select(r => r.Url).Where(u => !u.StartsWith("data:", StringComparison.Ordinal)).Distinct()], [.. hosts.Distinct().Where(h => !own.Contains(h))]);
    }

    // Takes what a browser says to its proxy, CONNECT host:port or GET http://host/, and answers nothing.
    static async Task ListenAsync(TcpListener wayOut, List<string> hosts)
    {
        try
        {
            while (true)
            {
                using var caller = await wayOut.AcceptTcpClientAsync();
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
                using var reader = new StreamReader(caller.GetStream());
                if (await reader.ReadLineAsync(limit.Token) is { } line && line.Split(' ') is [_, var target, ..]) hosts.Add(target.Contains("://", StringComparison.Ordinal) ? new Uri(target).Host : target.Split(':')[0]);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // stopped
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            hosts.Add("somebody who said nothing");
        }
    }

    // The network's log says of each request who began it: a page, or the browser itself, which has no origin.
    static List<(string Url, bool OfBrowser)> Requests(string log)
    {
        using var read = JsonDocument.Parse(File.ReadAllText(log));
        return [.. read.RootElement.GetProperty("events").EnumerateArray().Where(e => e.TryGetProperty("params", out var p) && p.ValueKind is JsonValueKind.Object && p.TryGetProperty("url", out _) && p.TryGetProperty("initiator", out _))
            .Select(e => e.GetProperty("params")).Select(p => (p.GetProperty("url").GetString()!, p.GetProperty("initiator").GetString() == "not an origin"))];
    }
}
