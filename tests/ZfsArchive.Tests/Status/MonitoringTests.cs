using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using ZfsArchive.Cli.Output;
using ZfsArchive.Status;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Status;

/// <summary>What machines read.</summary>
public sealed partial class MonitoringTests
{
    const string Evil = "tank/o'neil=|\\\"new\nline\u0007";

    static StatusReport Hostile() => Reports.Report(StatusBuilder.Of(Reports.Facts([Reports.Archive(1, 3, null, Evil), Reports.Archive(2, 3, null, Evil, 9)]), Reports.Promise(TimeSpan.FromDays(2)), Reports.Now) with { Name = "d|'\\\"\n=" });

    public static TheoryData<string, string> Lines => new()
    {
        { "well", "ZFSARCHIVE OK: 1 dataset, 4.0 MiB stored, the longest ago archived is tank/a: 24 h|'stored'=4194304B;;;0 'verified'=0%;;;0;100 'tank/a age'=86400s;;;0" },
        { "late", "ZFSARCHIVE WARNING: the newest archive of tank/a, zfsarchive_2026-11-20_08.00.00Z, is 24 hours old, and 20 hours are promised: look at the last run|'stored'=4194304B;;;0 'verified'=0%;;;0;100 'tank/a age'=86400s;72000;144000;0" },
        { "away", "ZFSARCHIVE UNKNOWN: nothing is known of it now: no answer|" },
    };

    static StatusReport Named(string which) => which switch
    {
        "well" => Reports.Report(Reports.Facts([Reports.Archive(1, 1)])),
        "late" => Reports.Report(Reports.Facts([Reports.Archive(1, 1)]), Reports.Promise(TimeSpan.FromHours(20))),
        _ => Reports.Report(StatusBuilder.Unreachable("far", "sftp://far/zfs", "no answer", false)),
    };

    [Theory, MemberData(nameof(Lines))]
    public void A_plugin_says_one_line(string which, string line)
    {
        Assert.Equal(line, StatusNagios.Line(Named(which)));
        Assert.Equal(which switch { "well" => 0, "late" => 1, _ => 3 }, StatusNagios.Code(Named(which).Health));
    }

    [Fact]
    public void Hostile_names_stay_in_one_line_with_one_bar()
    {
        foreach (var report in new[] { Hostile(), Reports.Example() })
        {
            var line = StatusNagios.Line(report);
            Assert.Equal(1, line.Count(c => c == '|'));
            Assert.DoesNotContain(line, char.IsControl);
            Assert.Matches(Figures(), line[(line.IndexOf('|', StringComparison.Ordinal) + 1)..]);
        }
        Assert.Equal(2, StatusNagios.Code(Reports.Example().Health));
        Assert.Equal("ZFSARCHIVE UNKNOWN: a/b c", StatusNagios.Failure("a|b\nc"));
    }

    [Fact]
    public async Task Prometheus_takes_the_metrics()
    {
        using var temp = new TempFolder();
        StatusReport[] reports = [Hostile(), Reports.Example(), Named("away"), Reports.Report(StatusBuilder.Unreachable("a", "b", "c", false), StatusBuilder.Of(Reports.Facts([]), Reports.Promise(), Reports.Now))];
        foreach (var report in reports)
        {
            var text = StatusMetrics.Of(report);
            var seen = new HashSet<string>();
            string? family = null;
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            foreach (var line in text.TrimEnd('\n').Split('\n'))
            {
                if (line.StartsWith("# HELP ", StringComparison.Ordinal)) Assert.True(seen.Add("# " + (family = line.Split(' ')[2])), line);
                else if (line.StartsWith("# TYPE ", StringComparison.Ordinal)) Assert.Equal($"# TYPE {family} gauge", line);
                else
                {
                    var sample = Sample().Match(line);
                    Assert.True(sample.Success && sample.Groups[1].Value == family && seen.Add(sample.Groups[1].Value + sample.Groups[2].Value), line);
                    Assert.True(double.TryParse(sample.Groups[3].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out _), line);
                }
            }
            if (!File.Exists("/usr/bin/promtool")) continue;
            await File.WriteAllTextAsync(temp["metrics"], text);
            await Shell.RunAsync(temp.Path, "promtool check metrics < metrics");
        }
        Assert.Contains("zfsarchive_repository_up{repository=\"far\"} 0\n", StatusMetrics.Of(Named("away")), StringComparison.Ordinal);
        Assert.Contains("zfsarchive_dataset_newest_snapshot_timestamp_seconds{repository=\"disk\",dataset=\"tank/a\"} 1795161600\n", StatusMetrics.Of(Named("well")), StringComparison.Ordinal);
        Assert.Contains("dataset=\"tank/o'neil=|\\\\\\\"new\\nline? (", StatusMetrics.Of(Hostile()), StringComparison.Ordinal);
    }

    [Fact]
    public void People_get_a_table_and_the_worst_first()
    {
        var lines = StatusText.Lines(Reports.Example()).ToList();
        Assert.Equal("disk  /mnt/disk", lines[0]);
        Assert.Matches("^  132 archives, 138.* GiB stored; verified last 2026-11-18 08:00Z, 9.* % of it at level stream; archives last removed 2026-11-20 08:00Z; leases: none$", lines[1]);
        Assert.Matches("^  DATASET +NEWEST +AGE +OF +SNAPSHOTS +CHAIN +STORED +GROWTH +VERIFIED", lines[2]);
        Assert.Matches("^  tank/home +@zfsarchive_2026-11-21_02.28.48Z +5.5 h +26 h +48 +31 archives, 53.* GiB to restore +104.0 GiB +.* MiB/day +not all +CRITICAL$", lines[3]);
        Assert.Matches("^  tank/vm/db .* 28.8 h +26 h +84 +4 archives, 16.0 GiB to restore .* WARNING$", lines[4]);
        Assert.Equal(["CRITICAL", "WARNING"], lines[6..8].Select(l => l.Split(' ')[0]));
        Assert.Equal("DAMAGE WAS FOUND", lines[^1]);
        if (Reports.Shown is { } keep) File.WriteAllLines(Path.Combine(keep, "status.txt"), lines);
    }

    [Fact]
    public void Json_is_one_line_with_seconds_and_words()
    {
        var report = Reports.Example();
        var line = JsonSerializer.Serialize(new StatusResult(report.Health, 20, report.At, report.Host, report.Repositories), StatusJson.Default.StatusResult);
        Assert.DoesNotContain('\n', line);
        using var read = JsonDocument.Parse(line);
        var repository = read.RootElement.GetProperty("repositories")[0];
        Assert.Equal(("critical", 26 * 3600.0, "damage"), (read.RootElement.GetProperty("health").GetString()!.ToLowerInvariant(), repository.GetProperty("datasets")[0].GetProperty("maxAge").GetDouble(),
            repository.GetProperty("datasets")[0].GetProperty("remarks")[0].GetProperty("concern").GetString()!.ToLowerInvariant()));
        Assert.Equal("tank/vm/db", repository.GetProperty("datasets")[1].GetProperty("name").GetString());
        Assert.Equal(84, repository.GetProperty("datasets")[1].GetProperty("graph").GetArrayLength());
    }

    [GeneratedRegex("""\A('(?:[^'=|]|'')+'=[0-9.]+(?:B|s|%)?(?:;[0-9.]*){0,4}(?: (?=.)|\z))+\z""")]
    private static partial Regex Figures();

    [GeneratedRegex("""\A([a-zA-Z_:][a-zA-Z0-9_:]*)((?:\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*")*\})?) (\S+)\z""")]
    private static partial Regex Sample();
}
