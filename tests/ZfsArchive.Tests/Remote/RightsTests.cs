using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>Who may only read can do all that only reads, and is told what he lacks for the rest.</summary>
public sealed class RightsTests
{
    const string NoLease = "no lease could be left in";
    static readonly byte[] s_stream = new SyntheticStream { Blocks = 24 }.Bytes();
    static readonly string[] s_backup = ["backup", "--stdin", "--allow-plaintext", "--chunk-size", "1"];

    [S3Fact]
    public async Task With_a_read_only_account_of_s3()
    {
        var place = new S3Place();
        using var owner = await place.NewRepositoryAsync();
        await owner.ExpectAsync(0, s_stream, s_backup);
        using var reader = place.NewHost(place.Service.Endpoint, place.Service.NewReader());
        await ReadsAsync(reader, place);
        Assert.Contains("s3:PutObject", reader.Error.ToString(), StringComparison.Ordinal);
    }

    [SftpFact]
    public async Task With_a_read_only_account_of_sftp()
    {
        // the same folder, and a server that lets nobody write
        using var server = SftpServer.Start();
        var place = new SftpPlace(server);
        using var owner = await place.NewRepositoryAsync();
        await owner.ExpectAsync(0, s_stream, s_backup);
        using var closed = SftpServer.Start("--opt", "ForceCommand internal-sftp -R");
        using var reader = SftpPlace.NewHost($"sftp://{closed.User}@{closed.Host}:{closed.Port}/{place.Folder}", closed.Identity, $"* {SftpPlace.Key(closed.KnownHosts)}\n");
        await ReadsAsync(reader, place);
        Assert.Contains("permission denied", reader.Error.ToString(), StringComparison.Ordinal);
        Assert.Contains("the right to write there", reader.Error.ToString(), StringComparison.Ordinal);
    }

    [SftpFact]
    public async Task A_right_that_is_taken_away_midway_is_told_and_nothing_lies_and_the_next_run_completes()
    {
        // a login without rights of its own can only be made by root
        if (Environment.UserName != "root") return;
        var stream = new SyntheticStream { Blocks = 96 }.Bytes();
        using var server = SftpServer.Start("--chroot");
        var place = new SftpPlace(server);
        using var host = await place.NewRepositoryAsync();
        var archives = Path.Combine(place.Folder, "archives");
        host.Input = new Interrupted(stream, 6 << 20, () =>
        {
            Assert.True(SpinWait.SpinUntil(() => Directory.Exists(archives) && Directory.EnumerateFiles(archives, "*.zst", SearchOption.AllDirectories).Any(), TimeSpan.FromSeconds(30)));
            AllowWriting(archives, false);
        });
        Assert.Equal(1, await host.RunAsync(s_backup));
        var said = host.Error.ToString();
        Assert.Contains($"{host.Environment("ZFSARCHIVE_REPO")}: cannot create archives/", said, StringComparison.Ordinal);
        Assert.Contains("permission denied", said, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(StoredTruth.Streams(await place.ObjectsAsync()));

        AllowWriting(archives, true);
        await host.ExpectAsync(0, stream, s_backup);
        Assert.True(Assert.Single(StoredTruth.Streams(await place.ObjectsAsync())).Value.AsSpan().SequenceEqual(stream));
    }

    static void AllowWriting(string folder, bool allowed)
    {
        const UnixFileMode Look = UnixFileMode.UserRead | UnixFileMode.UserExecute;
        foreach (var below in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories).Prepend(folder)) File.SetUnixFileMode(below, allowed ? Look | UnixFileMode.UserWrite : Look);
    }

    // Ends with a backup that is refused.
    static async Task ReadsAsync(TestHost reader, RemotePlace place)
    {
        var before = (await place.ObjectsAsync()).Keys.Order(StringComparer.Ordinal).ToList();
        await reader.ExpectAsync(0, null, "list");
        Assert.Empty(reader.Error.ToString());
        foreach (var verb in new[] { new[] { "verify" }, ["cat", "tank/made@s1"] })
        {
            await reader.ExpectAsync(0, null, verb);
            Assert.Equal(2, reader.Error.ToString().Split(NoLease).Length);
            Assert.Single(reader.Error.ToString().Trim().Split('\n'));
        }
        Assert.True(reader.Output.ToArray().AsSpan().SequenceEqual(s_stream));
        await reader.ExpectAsync(0, null, "verify", "-q");
        Assert.Empty(reader.Error.ToString());

        await reader.ExpectAsync(1, s_stream, s_backup);
        Assert.Contains(reader.Environment("ZFSARCHIVE_REPO")!, reader.Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(before, (await place.ObjectsAsync()).Keys.Order(StringComparer.Ordinal));
    }
}
