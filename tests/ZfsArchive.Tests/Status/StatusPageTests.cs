using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using ZfsArchive.Cli.Output;
using ZfsArchive.Manifests;
using ZfsArchive.Status;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Status;

public sealed class StatusPageTests
{
    static XDocument Load(string page) => XDocument.Load(XmlReader.Create(new StringReader(page), new() { DtdProcessing = DtdProcessing.Ignore }));

    static string Page(StatusReport report) => StatusPage.Of(report, "1.2.3");

    static IEnumerable<XElement> OfClass(XDocument page, string name) => page.Descendants().Where(e => ((string?)e.Attribute("class") ?? "").Split(' ').Contains(name));

    [Fact]
    public void It_is_whole_and_says_at_a_glance_how_things_are()
    {
        var text = Page(Reports.Example());
        if (Reports.Shown is { } keep) File.WriteAllText(Path.Combine(keep, "status.html"), text);
        var page = Load(text);
        Assert.Equal("Damage was found", page.Descendants("h1").Single().Value);
        Assert.Equal(2, OfClass(page, "chain").Count());
        var well = Load(Page(Reports.Report(Reports.Facts([Reports.Archive(1, 1)]))));
        Assert.Equal("All is well", well.Descendants("h1").Single().Value);
        Assert.Contains("nothing of it was ever verified: run verify", well.Descendants("td").Select(d => d.Value));
        Assert.Equal("Not everything could be looked at", Load(Page(Reports.Report(StatusBuilder.Unreachable("a", "b", "c", false)))).Descendants("h1").Single().Value);
        var chain = OfClass(page, "chain").First();
        Assert.Equal((2, 1), (chain.Elements("g").Count(g => (string?)g.Attribute("class") == "full"), chain.Elements("g").Count(g => (string?)g.Attribute("class") == "bad")));
        Assert.Equal(28, chain.Elements("circle").Count(c => (string?)c.Attribute("class") == "gap"));
        // every arc of the tree is drawn
        Assert.Equal(83, OfClass(page, "chain").Last().Elements("path").Where(p => ((string)p.Attribute("class")!).StartsWith("arc", StringComparison.Ordinal)).Sum(p => ((string)p.Attribute("d")!).Count(c => c == 'M')));
    }

    [Fact]
    public void Nothing_in_it_leads_elsewhere()
    {
        var text = Page(Reports.Example());
        var page = Load(text);
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName is "script" or "iframe" or "img" or "object" or "embed" or "form" or "base" or "use" or "image" or "foreignObject");
        Assert.DoesNotContain(page.Descendants().Attributes(), a => a.Name.LocalName is "src" or "srcset" or "action" or "style" && a.Value.Contains("url", StringComparison.Ordinal));
        Assert.DoesNotContain(page.Descendants().Attributes(), a => a.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        var ids = page.Descendants().Attributes("id").Select(a => a.Value).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.All(page.Descendants().Attributes("href"), a => Assert.True(a.Value == "data:," || ids.Contains(a.Value.TrimStart('#')), a.Value));
        Assert.DoesNotContain("url(", text, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", text, StringComparison.Ordinal);
        Assert.Empty(Regex.Matches(text.Replace("http-equiv", "", StringComparison.Ordinal), "https?:|http"));
        Assert.StartsWith("default-src 'none'; style-src 'unsafe-inline'; img-src data:", (string)page.Descendants("meta").Single(m => m.Attribute("http-equiv") is not null).Attribute("content")!, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_text_whatever_is_in_them()
    {
        const string Evil = "tank/\"><script>alert(1)</script><img src=x onerror='a()'>&amp;\u0000\u0007\u202Egnp\uD800";
        var archives = new[] { Reports.Archive(1, 3, null, Evil, name: Evil), Reports.Archive(2, 1, null, "tank/a", 7) };
        var history = new VerifyHistory(null).Verified(archives[0], 1, damage: "</svg><script>b()</script>");
        var status = StatusBuilder.Of(Reports.Facts(archives, history), Reports.Promise(TimeSpan.FromHours(1)) with { Name = Evil }, Reports.Now) with { Location = Evil, Leases = [new(Evil, true)] };
        var text = StatusPage.Of(new(Reports.Now, Evil, [status, StatusBuilder.Unreachable(Evil + "2", Evil, Evil, false)]), Evil);
        var page = Load(text);
        Assert.Empty(page.Descendants("script"));
        Assert.Empty(page.Descendants("img"));
        Assert.Equal(Evil[..^1].Replace("\u0000\u0007\u202E", "���", StringComparison.Ordinal) + "�", page.Descendants("h3").First(h => h.Value.Contains("script", StringComparison.Ordinal)).Value);
        Assert.DoesNotContain("<script", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10_000, 1)]
    [InlineData(10_000, 3)]
    [InlineData(10_000, 40)]
    [InlineData(10_000, 100)]
    [InlineData(10_000, 500)]
    public void Ten_thousand_archives_are_a_small_page_made_soon(int archives, int datasets)
    {
        var report = Reports.Large(archives, datasets);
        var watch = Stopwatch.StartNew();
        var text = Page(report);
        watch.Stop();
        var bytes = Encoding.UTF8.GetByteCount(text);
        if (Reports.Shown is { } keep)
        {
            File.WriteAllText(Path.Combine(keep, $"status-{archives}-in-{datasets}.html"), text);
            File.AppendAllText(Path.Combine(keep, "status-figures.txt"), $"{archives} archives in {datasets} datasets: {bytes} bytes in {watch.ElapsedMilliseconds} ms\n");
        }
        Assert.True(bytes < 1_000_000, $"{bytes} bytes");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{watch.Elapsed}");
        var ids = Load(text).Descendants().Attributes("id").Select(a => $"#{a.Value}").ToHashSet();
        Assert.All(Load(text).Descendants("a"), a => Assert.Contains((string)a.Attribute("href")!, ids));
        Assert.All(OfClass(Load(text), "chain"), c => Assert.InRange(c.Elements("g").Count(), 2, 310));
    }

    [Fact]
    public void Damage_and_fulls_are_seen_also_among_thousands()
    {
        var all = Reports.Large(5000, 1);
        var dataset = all.Repositories[0].Datasets[0];
        var hurt = dataset with { Graph = dataset.Graph.SetItem(2222, dataset.Graph[2222] with { Damage = "gone" }) };
        var page = Load(Page(all with { Repositories = [all.Repositories[0] with { Datasets = [hurt] }] }));
        Assert.Single(OfClass(page, "chain").Elements("g"), g => (string?)g.Attribute("class") == "bad");
        Assert.Equal(10, OfClass(page, "chain").Elements("g").Count(g => (string?)g.Attribute("class") == "full"));
    }

    [Fact]
    public void Times_that_cannot_be_do_no_harm()
    {
        ArchiveEntry Of(ulong guid, ulong creation) => Reports.Archive(guid, 1) is var e ? new(e.Folder, e.Name, e.Head with { Snapshot = e.Head.Snapshot with { Creation = creation } }, e.Sha256, 1) : null!;
        Assert.NotEmpty(OfClass(Load(Page(Reports.Report(Reports.Facts([Of(1, 0), Of(2, ulong.MaxValue), Of(3, 253402300799), Of(4, 1)])))), "chain"));
        Assert.NotEmpty(OfClass(Load(Page(Reports.Report(Reports.Facts([Of(1, 0)])))), "chain"));
        Load(Page(Reports.Report(Reports.Facts([]))));
        foreach (var days in new[] { 0.001, 0.1, 1, 3, 20, 90, 400, 3000, 40000, 700_000 })
            Assert.InRange(new TimeAxis(Reports.Now.AddDays(-days), Reports.Now).Ticks().Length, 1, 10);
    }
}
