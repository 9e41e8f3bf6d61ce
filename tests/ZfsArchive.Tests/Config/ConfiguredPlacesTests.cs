using ZfsArchive.Cli.Commands;
using ZfsArchive.Config;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Config;

/// <summary>Repositories by name through the real application, and who wins: flag, environment, file.</summary>
public sealed class ConfiguredPlacesTests
{
    // Nothing but the configuration says where the repository is.
    static TestHost Host(string configuration)
    {
        var host = new TestHost();
        host.Unset("ZFSARCHIVE_REPO");
        File.WriteAllText(host.DefaultConfiguration, configuration.Replace("$REPO", host.Repo, StringComparison.Ordinal).Replace("$OTHER", host.Beside("other"), StringComparison.Ordinal));
        return host;
    }

    const string One = "repositories:\n  disk: {url: $REPO}\n";
    const string Two = "repositories:\n  disk: {url: $REPO}\n  other: {url: $OTHER}\n";
    const string Broken = "repositories:\n  disk: {url: $REPO, grace: soon}\n";

    [Fact]
    public async Task The_only_repository_needs_no_name()
    {
        using var host = Host(One);
        await host.ExpectAsync(0, null, "init");
        Assert.Contains($"{host.Repo} is a repository now", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(0, null, "list");
        await host.ExpectAsync(0, null, "list", "--repo", "disk");
    }

    [Fact]
    public async Task Of_several_one_is_named_by_flag_or_environment()
    {
        using var host = Host(Two);
        await host.ExpectAsync(2, null, "init");
        Assert.Equal("zfsarchive: which repository? --repo (or ZFSARCHIVE_REPO) takes a name: disk, other", host.Error.ToString().Trim());
        host.Set("ZFSARCHIVE_REPO", "other");
        await host.ExpectAsync(0, null, "init");
        Assert.True(File.Exists(Path.Combine(host.Beside("other"), "zfsarchive.json")));
        await host.ExpectAsync(0, null, "init", "--repo", "disk");
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), "backup", "--stdin");
        await host.ExpectAsync(0, null, "copy", "--from", "other", "--to", "disk");
        Assert.Single(host.Manifests);
    }

    [Fact]
    public async Task A_name_that_nobody_knows_is_told_with_the_nearest()
    {
        using var host = Host(Two);
        await host.ExpectAsync(2, null, "list", "--repo", "dsik");
        Assert.Contains($"there is no repository 'dsik' in {host.DefaultConfiguration}: did you mean disk?", host.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_configuration_everything_is_a_place()
    {
        using var host = new TestHost();
        host.Unset("ZFSARCHIVE_REPO");
        await host.ExpectAsync(2, null, "list");
        Assert.Equal("zfsarchive: no repository named: use --repo or ZFSARCHIVE_REPO", host.Error.ToString().Trim());
        await host.ExpectAsync(10, null, "list", "--repo", "disk");
        await host.ExpectAsync(2, null, "config", "show");
        Assert.Contains($"{host.DefaultConfiguration} is not there (--config or ZFSARCHIVE_CONFIG names another file)", host.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_file_is_named_by_flag_then_environment_then_where_it_usually_is()
    {
        using var host = Host(Broken);
        File.WriteAllText(host.Beside("two.yaml"), $"repositories:\n  two: {{url: {host.Beside("two")}}}\n");
        File.WriteAllText(host.Beside("three.yaml"), $"repositories:\n  three: {{url: {host.Beside("three")}}}\n");
        host.Set("ZFSARCHIVE_CONFIG", host.Beside("two.yaml"));
        await host.ExpectAsync(0, null, "init", "--repo", "two");
        await host.ExpectAsync(0, null, "init", "--config", host.Beside("three.yaml"));
        Assert.Contains(host.Beside("three"), host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(2, null, "init", "--config", host.Beside("none.yaml"));
        Assert.Contains("none.yaml: is not there", host.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_file_stops_only_who_needs_it()
    {
        using var host = Host(Broken);
        await host.ExpectAsync(0, null, "init", "--repo", host.Repo);
        Assert.Contains("zfsarchive: warning: the configuration is not used here, and is broken: ", host.Error.ToString(), StringComparison.Ordinal);
        Assert.Contains("config.yaml:2: grace takes a duration", host.Error.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(2, null, "list");
        await host.ExpectAsync(2, null, "list", "--repo", "disk");
        Assert.Contains("config.yaml:2: grace takes", host.Error.ToString(), StringComparison.Ordinal);
        host.Set("ZFSARCHIVE_REPO", $"file://{host.Repo}");
        await host.ExpectAsync(0, null, "list");
        File.SetUnixFileMode(host.DefaultConfiguration, (UnixFileMode)0b110_110_110);
        await host.ExpectAsync(2, null, "list", "--repo", "disk");
        Assert.Contains("everybody may write to it", host.Error.ToString(), StringComparison.Ordinal);
    }

    // As with a secret: who owns it says what root runs.
    [Fact]
    public async Task A_configuration_of_another_user_is_refused()
    {
        // only root can give a file away
        if (!Environment.IsPrivilegedProcess) return;
        using var host = Host("repositories: {disk: {url: $REPO}}");
        using (var chown = System.Diagnostics.Process.Start("chown", ["12345", host.DefaultConfiguration])) chown.WaitForExit();
        await host.ExpectAsync(2, null, "list", "--repo", "disk");
        Assert.Contains("it belongs to user 12345", host.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flag_wins_over_the_environment_and_that_over_the_file()
    {
        using var host = new TestHost();
        var rule = ConfigurationReader.Read("repositories: {a: {url: 's3://bucket/a', options: {s3.region: file, s3.endpoint: 'https://file'}, bandwidth: {upload: 1M}}}", "a").Repositories[0];
        StoreSettings Settings(params string[] flags) => new(host, flags, rule);
        Assert.Equal(("file", "https://file/", 1L << 20), (Settings().S3.Region, Settings().S3.Endpoint?.ToString(), Settings().UploadLimit));
        host.Set("AWS_REGION", "elsewhere");
        host.Set("ZFSARCHIVE_STORE_UPLOAD_LIMIT", "2M");
        Assert.Equal(("elsewhere", "https://file/", 2L << 20), (Settings().S3.Region, Settings().S3.Endpoint?.ToString(), Settings().UploadLimit));
        host.Set("ZFSARCHIVE_S3_REGION", "ours");
        Assert.Equal("ours", Settings().S3.Region);
        Assert.Equal(("flag", 3L << 20), (Settings("s3.region=flag").S3.Region, Settings("store.upload-limit=3M").UploadLimit));
    }

    [Fact]
    public void Keys_come_from_the_file_unless_the_environment_has_some()
    {
        using var host = new TestHost();
        File.WriteAllText(host.Beside("key"), "hunter2\n");
        File.SetUnixFileMode(host.Beside("key"), UnixFileMode.UserRead);
        host.Set("THE_SECRET", "s3cret");
        var rule = ConfigurationReader.Read($"repositories: {{a: {{url: 's3://bucket/a', access_key: {{file: {host.Beside("key")}}}, secret_key: {{env: THE_SECRET}}}}}}", "a").Repositories[0];
        Assert.Equal(("hunter2", "s3cret", null), new StoreSettings(host, [], rule).S3.Keys);
        Assert.Null(new StoreSettings(host, ["s3.profile=mine"], rule).S3.Keys);
        host.Set("AWS_PROFILE", "theirs");
        Assert.Equal((null, "theirs"), (new StoreSettings(host, [], rule).S3.Keys, new StoreSettings(host, [], rule).S3.Profile));
        host.Set("AWS_ACCESS_KEY_ID", "access");
        host.Set("AWS_SECRET_ACCESS_KEY", "secret");
        Assert.Equal(("access", "secret", null), new StoreSettings(host, [], rule).S3.Keys);
        host.Set("ZFSARCHIVE_S3_PROFILE", "ours");
        Assert.Equal((null, "ours"), (new StoreSettings(host, [], rule).S3.Keys, new StoreSettings(host, [], rule).S3.Profile));
    }
}
