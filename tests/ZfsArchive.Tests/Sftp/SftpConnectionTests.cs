using System.Diagnostics;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Sftp;

/// <summary>Connections that do not come about, and such that end.</summary>
public sealed class SftpConnectionTests : IDisposable
{
    readonly Lazy<SftpServer> _server = new(() => SftpServer.Start());
    readonly TempFolder _temp = new();

    SftpServer Server => _server.Value;

    public void Dispose()
    {
        if (_server.IsValueCreated) Server.Dispose();
        _temp.Dispose();
    }

    async Task<StoreException> FailureAsync(SftpOptions options, StoreAddress.Remote? address = null)
    {
        await using var store = new SftpStore(address ?? Server.Address(), options, TimeProvider.System);
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.StatAsync(new("a"), default));
        Assert.Contains(store.Location, failure.Message, StringComparison.Ordinal);
        return failure;
    }

    // Not with the server's own configuration: it names another file of known hosts.
    SftpOptions With(string knownHosts)
    {
        File.WriteAllText(_temp["known"], knownHosts);
        File.WriteAllText(_temp["config"], "Host *\n  GlobalKnownHostsFile none\n  IdentityAgent none\n");
        return Server.Options with { SshConfiguration = _temp["config"], KnownHosts = _temp["known"] };
    }

    async Task<string> FingerprintAsync() =>
        System.Text.Encoding.UTF8.GetString(await Shell.RunAsync(_temp.Path, $"ssh-keygen -l -f <(cut -d' ' -f2- '{Server.KnownHosts}')")).Split(' ')[1];

    [SftpFact]
    public async Task An_unknown_host_key_is_refused_and_shown()
    {
        var failure = await FailureAsync(With(""));
        Assert.Equal(StoreFailure.Denied, failure.Failure);
        Assert.Contains($"is unknown: it shows ssh-ed25519 {await FingerprintAsync()}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("ssh-keyscan", failure.Message, StringComparison.Ordinal);
        Assert.Empty(File.ReadAllText(_temp["known"]));
    }

    [SftpFact]
    public async Task A_changed_host_key_is_refused_and_shown()
    {
        await Shell.RunAsync(_temp.Path, "ssh-keygen -q -t ed25519 -N '' -f other");
        var other = File.ReadAllText(_temp["other.pub"]).Split(' ');
        var failure = await FailureAsync(With($"[127.0.0.1]:{Server.Port} {other[0]} {other[1]}\n"));
        Assert.Equal(StoreFailure.Denied, failure.Failure);
        Assert.Contains($"has CHANGED: it shows ssh-ed25519 {await FingerprintAsync()}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("ssh-keygen -R", failure.Message, StringComparison.Ordinal);
    }

    [SftpFact]
    public async Task A_key_that_the_server_does_not_know_is_denied()
    {
        await Shell.RunAsync(_temp.Path, "ssh-keygen -q -t ed25519 -N '' -f other");
        File.WriteAllText(_temp["config"], "Host *\n  IdentityAgent none\n  IdentitiesOnly yes\n");
        var failure = await FailureAsync(Server.Options with { SshConfiguration = _temp["config"], Identity = _temp["other"] });
        Assert.Equal(StoreFailure.Denied, failure.Failure);
        Assert.Contains("ssh-copy-id", failure.Message, StringComparison.Ordinal);
    }

    [SftpFact]
    public async Task A_server_that_is_down_is_transient_and_works_when_it_is_back()
    {
        await using var store = new SftpStore(Server.Address(), Server.Options, TimeProvider.System);
        Assert.Null(await store.StatAsync(new("a"), default));
        Server.Stop();
        for (var i = 0; i < 2; i++)
        {
            var failure = await Assert.ThrowsAsync<StoreException>(() => store.StatAsync(new("a"), default));
            Assert.True(failure.Failure is StoreFailure.Transient, failure.Message);
        }
        Server.Restart();
        Assert.Null(await store.StatAsync(new("a"), default));
    }

    [SftpFact]
    public async Task A_host_that_does_not_exist_is_transient() =>
        Assert.Equal(StoreFailure.Transient, (await FailureAsync(Server.Options with { SshConfiguration = "/dev/null" }, new(null, "no-such-host.invalid", null, "x"))).Failure);

    [SftpFact]
    public async Task A_connection_that_dies_in_an_upload_is_transient_leaves_no_object_and_the_next_call_works()
    {
        await using var store = new SftpStore(Server.Address(), Server.Options with { Connections = 1 }, TimeProvider.System);
        var bytes = new byte[5_000_000];
        var (paced, begun) = (0, new TaskCompletionSource());
        var slow = ObjectBody.OfBytes(bytes) with
        {
            Pace = async (_, cancel) =>
            {
                if (Interlocked.Increment(ref paced) == 5) begun.SetResult();
                await Task.Delay(50, cancel);
            },
        };
        var creating = store.CreateAsync(new("a/object"), slow, default);
        await begun.Task;
        foreach (var session in Server.Sessions()) TryKill(session);
        var failure = await Assert.ThrowsAsync<StoreException>(() => creating);
        Assert.True(failure.Failure is StoreFailure.Transient, failure.Message);
        Assert.Null(await store.StatAsync(new("a/object"), default));
        Assert.Equal(CreateOutcome.Created, await store.CreateAsync(new("a/object"), ObjectBody.OfBytes(bytes), default));
        Assert.Equal(["a/object"], TempFolder.Contents(Server.Folder).Keys);
    }

    [SftpFact]
    public async Task A_server_that_stops_answering_is_given_up_in_time()
    {
        await using var store = new SftpStore(Server.Address(), Server.Options with { Connections = 1, StallLimit = TimeSpan.FromSeconds(2) }, TimeProvider.System);
        Assert.Null(await store.StatAsync(new("a"), default));
        var stopped = Server.Sessions();
        foreach (var session in stopped) await Shell.RunAsync(_temp.Path, $"kill -STOP {session}");
        try
        {
            var since = Stopwatch.StartNew();
            foreach (var act in new Func<Task>[] { () => store.CreateAsync(new("b"), ObjectBody.OfBytes(new byte[100]), default) })
            {
                var failure = await Assert.ThrowsAsync<StoreException>(act);
                Assert.Equal(StoreFailure.Transient, failure.Failure);
                Assert.Contains("no answer for 2 s", failure.Message, StringComparison.Ordinal);
            }
            Assert.True(since.Elapsed < TimeSpan.FromSeconds(8), $"{since.Elapsed}");
            Assert.Null(await store.StatAsync(new("b"), default));
        }
        finally
        {
            foreach (var session in stopped) TryKill(session);
        }
    }

    static void TryKill(int process)
    {
        try
        {
            using var killed = Process.GetProcessById(process);
            killed.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // ended with another one
        }
    }
}
