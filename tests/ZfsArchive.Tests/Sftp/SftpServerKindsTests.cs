using System.Diagnostics;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Sftp;

/// <summary>Servers that allow less than usual.</summary>
public sealed class SftpServerKindsTests
{
    static readonly byte[] s_bytes = Enumerable.Range(0, 6_000_000).Select(i => (byte)(i * 31 >> 3)).ToArray();

    static int Channels(SftpServer server) => server.Sessions().Count(p => File.ReadAllText($"/proc/{p}/cmdline").Contains("sftp-server", StringComparison.Ordinal));

    static async Task EightAtOnceAsync(SftpStore store, string folder = "c")
    {
        var body = ObjectBody.OfBytes(s_bytes);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => store.CreateAsync(new($"{folder}/{i}"), body, default)));
        var into = new byte[s_bytes.Length];
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(s_bytes.Length, await store.ReadAsync(new($"{folder}/{i}"), 0, into, default));
            Assert.True(s_bytes.AsSpan().SequenceEqual(into));
        }
    }

    [SftpFact]
    public async Task A_server_without_commands_has_no_hashes_and_works()
    {
        using var server = SftpServer.Start("--sftp-only");
        await using var store = new SftpStore(server.Address(), server.Options, TimeProvider.System);
        var since = Stopwatch.StartNew();
        Assert.Equal(new StoreCapabilities(true), await store.CapabilitiesAsync(default));
        Assert.True(since.Elapsed < TimeSpan.FromSeconds(8), $"{since.Elapsed}");
        await EightAtOnceAsync(store);
        Assert.Empty(await store.Sha256Async([new("c/0")], default));
    }

    [SftpFact]
    public async Task A_server_of_one_session_per_connection_works()
    {
        using var server = SftpServer.Start("--opt", "MaxSessions 1");
        await using var store = new SftpStore(server.Address(), server.Options with { Connections = 2 }, TimeProvider.System);
        await EightAtOnceAsync(store);
    }

    [SftpFact]
    public async Task Two_channels_share_a_connection()
    {
        using var server = SftpServer.Start("--external");
        await using (var store = new SftpStore(server.Address(), server.Options with { Connections = 2 }, TimeProvider.System))
        {
            // they come one at a time, while there is more to do than the open ones can carry
            for (var rounds = 0; Channels(server) < 4 && rounds < 20; rounds++) await EightAtOnceAsync(store, $"round{rounds}");
            // a machine that is busy may take the way for a long one, and make more
            Assert.InRange(Channels(server), 4, 8);
        }
        for (var waits = 0; server.Sessions().Count > 0 && waits < 50; waits++) await Task.Delay(100);
        Assert.Empty(server.Sessions());
    }

    [SftpFact]
    public async Task A_full_disk_is_said_to_be_full_and_keeps_no_half_object()
    {
        if (!Environment.IsPrivilegedProcess) return;   // only root can mount
        using var server = SftpServer.Start();
        var disk = Path.Combine(server.Folder, "disk");
        Directory.CreateDirectory(disk);
        try
        {
            await Shell.RunAsync(server.Folder, "mount -t tmpfs -o size=8m none disk");
        }
        catch (Xunit.Sdk.TrueException)
        {
            return;     // not in this container
        }
        try
        {
            await using var store = new SftpStore(server.Address("disk"), server.Options, TimeProvider.System);
            foreach (var wanted in new[] { 100_000_000L, 0 })
            {
                // the second time the room is taken away after it was looked at
                var eater = Path.Combine(disk, "eater");
                var isFirst = true;
                var body = wanted > 0 ? ObjectBody.OfBytes(new byte[wanted]) : ObjectBody.OfBytes(s_bytes) with
                {
                    Pace = async (_, cancel) =>
                    {
                        if (isFirst) await File.WriteAllBytesAsync(eater, new byte[6_000_000], cancel);
                        isFirst = false;
                    },
                };
                var failure = await Assert.ThrowsAsync<StoreException>(() => store.CreateAsync(new("a/object"), body, default));
                Assert.True(failure.Failure is StoreFailure.Full, failure.Message);
                File.Delete(eater);
                Assert.Empty(TempFolder.Contents(disk));
            }
            Assert.Equal(CreateOutcome.Created, await store.CreateAsync(new("a/object"), ObjectBody.OfBytes(s_bytes), default));
        }
        finally
        {
            await Shell.RunAsync(server.Folder, "umount disk");
        }
    }
}
