using System.Text.Json;
using ZfsArchive.Config;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Config;

/// <summary><c>config check</c> and <c>config show</c> through the real application.</summary>
public sealed class ConfigCommandTests
{
    static TestHost Host(string configuration)
    {
        var host = new TestHost();
        File.WriteAllText(host.DefaultConfiguration, configuration.Replace("$", host.Beside("") + "/", StringComparison.Ordinal));
        return host;
    }

    [Fact]
    public async Task A_good_file_is_counted()
    {
        using var host = Host(GoodFiles.Small);
        await host.ExpectAsync(0, null, "config", "check");
        Assert.Equal($"{host.DefaultConfiguration} is good: 1 repository, 1 job", host.Out.ToString().Trim());
        await host.ExpectAsync(0, null, "config", "check", "--json");
        var result = JsonDocument.Parse(host.Out.ToString()).RootElement;
        Assert.Equal((true, 1, 0), (result.GetProperty("good").GetBoolean(), result.GetProperty("jobs").GetInt32(), result.GetProperty("faults").GetArrayLength()));
    }

    [Fact]
    public async Task A_broken_file_is_told_fault_by_fault()
    {
        using var host = Host("repositories:\n  a: {url: b}\n  c: {grace: d}\n");
        await host.ExpectAsync(2, null, "config", "check");
        Assert.Empty(host.Out.ToString());
        Assert.Equal([2, 3, 3], host.Error.ToString().Trim().Split('\n').Select(l => int.Parse(l[(host.DefaultConfiguration.Length + 1)..].Split(':')[0])));
        await host.ExpectAsync(2, null, "config", "check", "--json");
        var fault = JsonDocument.Parse(host.Out.ToString()).RootElement.GetProperty("faults")[0];
        Assert.Equal((2, 12), (fault.GetProperty("line").GetInt32(), fault.GetProperty("column").GetInt32()));
        await host.ExpectAsync(2, null, "config", "show", "--json");
        Assert.Contains("exitCode", host.Out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_file_names_is_looked_for()
    {
        using var host = Host("""
            repositories:
              bucket:
                url: s3://bucket/zfs
                access_key: {file: $open}
                secret_key: {file: $none}
                options: {s3.ca: $ca.pem}
                retention: {daily: 3}
              idle: {url: /mnt/idle, prune: true}
            jobs:
              home: {datasets: tank, repositories: bucket, hooks: {before: $plain, after: $program}}
            notify:
              - command: [$missing, a]
              - mail: {to: root, sendmail: $sendmail}
              - ping: {env: NOT_SET}
            """);
        File.WriteAllText(host.Beside("open"), "hunter2");
        File.SetUnixFileMode(host.Beside("open"), (UnixFileMode)0b110_100_100);
        File.WriteAllText(host.Beside("plain"), "");
        File.WriteAllText(host.Beside("program"), "");
        File.SetUnixFileMode(host.Beside("program"), (UnixFileMode)0b111_101_101);
        await host.ExpectAsync(2, null, "config", "check");
        string[] expected =
        [
            $"repository 'bucket': {host.Beside("open")} has the mode 644: a secret is for its owner only: chmod 600 {host.Beside("open")}",
            $"repository 'bucket': {host.Beside("none")} is not there",
            $"job 'home': {host.Beside("plain")} cannot be executed: chmod +x",
            $"notify: {host.Beside("missing")} is not there",
            $"notify: {host.Beside("sendmail")} is not there: install a mail program (apt install msmtp-mta), or use ping: in place of mail:",
            $"repository 'bucket': s3.ca: {host.Beside("ca.pem")} is not there",
        ];
        Assert.Equal(expected.Select(e => $"{host.DefaultConfiguration}: {e}"), host.Error.ToString().Trim().Split('\n'));
        string[] notes =
        [
            "note: repository 'bucket' has a retention, and prune is false: nothing is removed there",
            "note: repository 'idle' has prune: true, and no retention: nothing is removed there",
            "note: no job archives to repository 'idle'",
        ];
        Assert.Equal(notes, host.Out.ToString().Trim().Split('\n'));
    }

    [Fact]
    public async Task What_is_shown_is_the_same_configuration()
    {
        using var host = Host(GoodFiles.Full);
        var read = ConfigurationFile.Load(host.DefaultConfiguration);
        foreach (var arguments in new string[][] { ["config", "show"], ["config", "show", "--effective"] })
        {
            await host.ExpectAsync(0, null, arguments);
            Assert.Equal(ModelText.Of(read), ModelText.Of(ConfigurationReader.Read(host.Out.ToString(), host.DefaultConfiguration)));
            await host.ExpectAsync(0, null, [.. arguments, "--json"]);
            var shown = JsonDocument.Parse(host.Out.ToString()).RootElement;
            Assert.Equal(host.DefaultConfiguration, shown.GetProperty("file").GetString());
            Assert.Equal(ModelText.Of(read), ModelText.Of(ConfigurationReader.Read(shown.GetProperty("configuration").GetRawText(), host.DefaultConfiguration)));
        }
    }

    [Fact]
    public async Task What_is_said_elsewhere_is_marked()
    {
        using var host = Host(GoodFiles.Full);
        host.Set("AWS_REGION", "eu-1");
        host.Set("AWS_PROFILE", "mine");
        host.Set("ZFSARCHIVE_SFTP_CONNECTIONS", "hunter2");
        await host.ExpectAsync(0, null, "config", "show", "--effective", "-o", "store.upload-limit=3M");
        var said = host.Out.ToString();
        foreach (var line in new[] { "s3.region: eu-1 # by AWS_REGION", "store.upload-limit: 3M # by -o", "s3.endpoint: https://s3.example.net\n", "(not a number from 1 to 32)' # by ZFSARCHIVE_SFTP_CONNECTIONS" }) Assert.Contains(line, said, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", said, StringComparison.Ordinal);
        Assert.Equal(3, said.Split("store.upload-limit: 3M # by -o").Length - 1);
    }
}
