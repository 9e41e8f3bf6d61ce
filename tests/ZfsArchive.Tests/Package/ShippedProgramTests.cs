using System.Globalization;
using ZfsArchive.Tests.EndToEnd;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Package;

/// <summary>The program as it is shipped, against real servers: whatever the making of one file takes away must not be missed.</summary>
public sealed class ShippedProgramTests
{
    static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    static readonly string[] s_streams = ["chain-full", "chain-incr1", "raw-pass-full", "large-full-w"];

    [PackageFact]
    public async Task Archives_go_to_a_bucket_and_from_there_to_a_server_and_come_back()
    {
        using var temp = new TempFolder();
        using var server = SftpServer.Start();
        var s3 = S3Server.Shared;
        var (bucket, remote) = ($"s3:{s3.Endpoint.ToString().TrimEnd('/')}/{s3.NewBucket("shipped")}/zfs", $"sftp://{server.User}@{server.Host}:{server.Port.ToString(CultureInfo.InvariantCulture)}/{server.Root}/zfs");
        var run = Runner(temp, new() { ["AWS_ACCESS_KEY_ID"] = s3.AccessKey, ["AWS_SECRET_ACCESS_KEY"] = s3.SecretKey, ["AWS_REGION"] = s3.Region, ["ZFSARCHIVE_SSH_CONFIG"] = server.SshConfiguration });

        foreach (var place in new[] { bucket, remote })
        {
            (await run($"\"$0\" init --repo '{place}' && \"$0\" doctor --repo '{place}'")).Must(0);
        }
        foreach (var stream in s_streams) (await run($"\"$0\" backup --stdin --allow-plaintext --repo '{bucket}' < {Golden.Folder}/{stream}.zstream")).Must(0);
        (await run($"\"$0\" copy --from '{bucket}' --to '{remote}'")).Must(0);
        (await run($"\"$0\" verify --level data --remote --repo '{remote}'")).Must(0);
        foreach (var place in new[] { bucket, remote })
        {
            (await run($"\"$0\" verify --json --repo '{place}'")).Must(0);
            (await run($"\"$0\" cat tank/chain@s1 --repo '{place}' | cmp - {Golden.Folder}/chain-incr1.zstream")).Must(0);
        }
    }

    [PackageFact]
    public async Task Who_does_not_answer_is_named_and_nobody_waits()
    {
        using var temp = new TempFolder();
        var run = Runner(temp, new() { ["AWS_ACCESS_KEY_ID"] = "a", ["AWS_SECRET_ACCESS_KEY"] = "b" });
        // several attempts each
        foreach (var place in new[] { "sftp://127.0.0.1:1/zfs", "s3:http://127.0.0.1:1/bucket/zfs" })
            (await run($"timeout -k 1 50 \"$0\" list --repo '{place}' -o store.retry-limit=2")).Must(1, "refused");
        (await run("PATH=/nowhere /usr/bin/timeout -k 1 50 \"$0\" list --repo sftp://127.0.0.1:1/zfs -o store.retry-limit=2")).Must(1, "is the OpenSSH client installed?");
    }

    static Func<string, Task<Ended>> Runner(TempFolder temp, Dictionary<string, string> environment)
    {
        environment["ZFSARCHIVE_STATE"] = temp["state"];
        environment["ZFSARCHIVE_CACHE"] = temp["cache"];
        return script => Child.RunAsync("bash", ["-euo", "pipefail", "-c", script, Shipped.Program], s_limit, environment);
    }
}
