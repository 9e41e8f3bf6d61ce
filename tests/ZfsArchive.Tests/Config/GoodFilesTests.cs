using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using ZfsArchive.Config;
using ZfsArchive.Retention;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Config;

/// <summary>What good files mean, to the last default.</summary>
public sealed class GoodFilesTests
{
    static readonly ImmutableSortedDictionary<string, string> s_none = ImmutableSortedDictionary<string, string>.Empty;

    static readonly VerifyRule s_verify = new(TimeSpan.FromDays(30), "stream", null, null);

    static readonly HookRule s_hooks = new([], [], TimeSpan.FromMinutes(10));

    public static TheoryData<string> Files => [GoodFiles.Small, GoodFiles.Full, File.ReadAllText(Path.Combine(Golden.Root, "tools", "package", "examples", "config.yaml"))];

    static void AssertSame(Configuration expected, Configuration found) => Assert.Equal(ModelText.Of(expected), ModelText.Of(found));

    [Fact]
    public void A_small_file_is_filled_in() => AssertSame(
        new("small.yaml",
            [new("disk", "/mnt/backup/zfs", s_none, null, new RetentionPolicy(), Optional: false, Prune: false, 0.5, TimeSpan.FromDays(7), s_verify)],
            [
                new("home", "local", ["tank/home"], ByProperty: false, Recursive: false, [], ["disk"], null, null, [], [], SnapshotChoice.All,
                    new(AllowPlaintext: false, AllowFull: false, Adopt: false, FirstNewest: false, 3, null), new(ChainKind.Linear, null, null), null, null, s_hooks),
            ],
            []),
        ConfigurationReader.Read(GoodFiles.Small, "small.yaml"));

    [Fact]
    public void A_full_file_means_what_it_says()
    {
        var found = ConfigurationReader.Read(GoodFiles.Full, "full.yaml");
        ImmutableArray<RepositoryRule> repositories =
        [
            new("offsite", "s3://my-bucket/zfs",
                s_none.Add("s3.endpoint", "https://s3.example.net").Add("s3.path-style", "true").Add("store.upload-limit", "10M").Add("store.download-limit", "50M"),
                new(new(SecretKind.File, "/etc/zfsarchive/s3.key"), new(SecretKind.Credential, "s3-secret")),
                new(3, 24, 30, 8, 12, 5, TimeSpan.FromDays(7)), Optional: false, Prune: true, 0.25, TimeSpan.FromDays(14), new(TimeSpan.FromDays(365), "data", 100L << 30, TimeSpan.FromHours(2))),
            new("disk", "/mnt/backup/zfs", s_none, null, new(Daily: 14), Optional: true, Prune: false, 0.5, TimeSpan.FromDays(3), s_verify with { Cycle = null }),
            new("box", "sftp://u1@box.example.net:23/zfs", s_none.Add("sftp.identity", "/root/.ssh/box"), null, new(Daily: 14), Optional: false, Prune: false, 0.5, TimeSpan.FromDays(3), s_verify with { Level = "objects" }),
        ];
        ImmutableArray<JobRule> jobs =
        [
            new("home", "ssh://backup@nas:22 sudo -n", ["tank/home", "tank/vm/*"], ByProperty: false, Recursive: true, ["*/cache"], ["offsite", "disk"], "nightly_", 3, ["nightly_*"], ["*_frequently"],
                SnapshotChoice.Wanted, new(AllowPlaintext: true, AllowFull: true, Adopt: true, FirstNewest: true, 19, 8), new(ChainKind.Tiered, TimeSpan.FromDays(180), 200), new(Daily: 7), TimeSpan.FromHours(36),
                new([["/usr/local/bin/stop-db", "now"]], [["/usr/local/bin/start-db"]], TimeSpan.FromMinutes(10))),
            new("all-else", "sudo -n", [], ByProperty: true, Recursive: true, [], ["offsite", "disk", "box"], "zfsarchive_", 2, [], [], SnapshotChoice.All,
                new(AllowPlaintext: false, AllowFull: false, Adopt: false, FirstNewest: false, 9, null), new(ChainKind.Linear, null, null), new(), null, s_hooks),
        ];
        ImmutableArray<NotifyRule> notify =
        [
            new NotifyRule.Ping(new("https://hc.example.net/uuid", null), NotifyWhen.Failure, TimeSpan.FromSeconds(5)),
            new NotifyRule.Webhook(new(null, new(SecretKind.File, "/etc/zfsarchive/hook.url")), """{"text": "{{title}}\n{{summary}}"}""",
                ImmutableSortedDictionary<string, TextOrSecret>.Empty.Add("Authorization", new(null, new(SecretKind.Environment, "HOOK_TOKEN"))).Add("X-Kind", new("zfs", null)), NotifyWhen.Failure, TimeSpan.FromSeconds(10)),
            new NotifyRule.Mail("root", "nas@example.net", "/usr/lib/sendmail", NotifyWhen.Always, TimeSpan.FromMinutes(1)),
            new NotifyRule.Program(["/usr/local/bin/tell", "me and you"], NotifyWhen.Failure, TimeSpan.FromMinutes(1)),
        ];
        AssertSame(new("full.yaml", repositories, jobs, notify), found);
    }

    [Theory, MemberData(nameof(Files))]
    public void What_is_shown_reads_as_the_same(string text)
    {
        var read = ConfigurationReader.Read(text, "config.yaml");
        foreach (var everything in new[] { false, true })
        {
            var shown = ConfigurationYaml.Write(new ConfigurationOutline(everything).Of(read), _ => null);
            AssertSame(read, ConfigurationReader.Read(shown, "config.yaml"));
            // JSON is YAML too
            AssertSame(read, ConfigurationReader.Read(new ConfigurationOutline(everything).Of(read).ToJsonString(), "config.yaml"));
            Assert.Equal(shown, ConfigurationYaml.Write(new ConfigurationOutline(everything).Of(ConfigurationReader.Read(shown, "again.yaml")), _ => null));
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("~")]
    [InlineData("true")]
    [InlineData("-")]
    [InlineData("- a: b # c")]
    [InlineData("it's \"so\"")]
    [InlineData("*{[&!%@`|>,]}")]
    [InlineData(" blanks ")]
    [InlineData("two\nlines\tand a tab")]
    [InlineData("größe: 1:2")]
    [InlineData("")]
    public void Any_text_is_shown_so_that_it_reads_as_the_same(string text)
    {
        var before = ConfigurationReader.Read(new JsonObject
        {
            ["repositories"] = new JsonObject { ["a"] = new JsonObject { ["url"] = "/a" } },
            ["notify"] = new JsonObject { ["command"] = new JsonArray("/bin/tell", text, "end") },
        }.ToJsonString(), "a.yaml");
        Assert.Equal(text, Assert.IsType<NotifyRule.Program>(before.Notify.Single()).Command[1]);
        AssertSame(before, ConfigurationReader.Read(ConfigurationYaml.Write(new ConfigurationOutline(everything: true).Of(before), _ => "by nobody"), "a.yaml"));
    }

    [Fact]
    public void The_example_has_few_lines_and_is_good()
    {
        var path = Path.Combine(Golden.Root, "tools", "package", "examples", "config.yaml");
        Assert.InRange(File.ReadLines(path).Count(l => l.TrimStart() is { Length: > 0 } line && line[0] != '#'), 10, 24);
        Assert.Equal(["disk", "offsite"], ConfigurationFile.Load(path).Repositories.Select(r => r.Name));
    }

    [Fact]
    public void A_byte_order_mark_and_carriage_returns_are_taken()
    {
        var windows = GoodFiles.Full.Replace("\n", "\r\n", StringComparison.Ordinal);
        AssertSame(ConfigurationReader.Read(GoodFiles.Full, "a"), ConfigurationReader.Read([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(windows)], "a"));
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("10m", 600)]
    [InlineData("36h", 129600)]
    [InlineData("30 d", 2592000)]
    [InlineData("4w", 2419200)]
    [InlineData("1y", 31536000)]
    public void Durations(string text, long seconds) =>
        Assert.Equal(seconds, ConfigurationReader.Read($"repositories: {{a: {{url: /a, grace: {text}}}}}", "a").Repositories[0].Grace.TotalSeconds);

    [Theory]
    [InlineData("1", 1)]
    [InlineData("10K", 10L << 10)]
    [InlineData("7m", 7L << 20)]
    [InlineData("100G", 100L << 30)]
    [InlineData("2 T", 2L << 40)]
    public void Sizes(string text, long bytes) =>
        Assert.Equal(bytes, ConfigurationReader.Read($"repositories: {{a: {{url: /a, verify: {{max_bytes: {text}}}}}}}", "a").Repositories[0].Verify.MaxBytes);

    [Fact]
    public void A_key_that_everything_behind_is_commented_out_says_nothing()
    {
        var found = ConfigurationReader.Read("repositories:\n  a:\n    url: /a\n    options:\n      # s3.region: x\n    retention:\njobs:\nnotify:\ndefaults:\n", "a");
        Assert.True(found.Jobs.IsEmpty && found.Notify.IsEmpty && found.Repositories[0].Retention.IsEmpty);
    }
}
