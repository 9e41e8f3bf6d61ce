using System.Diagnostics;
using System.Net;
using ZfsArchive.Servers;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Sftp;

/// <summary>Over a long way one large object goes by several channels at once.</summary>
public sealed class FarAwayTests : IDisposable
{
    readonly TempFolder _temp = new();
    SftpServer? _server;
    FaultProxy? _proxy;

    public void Dispose()
    {
        _proxy?.Dispose();
        _server?.Dispose();
        _temp.Dispose();
    }

    static byte[] Random(int length)
    {
        var bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    SftpStore Open(int connections, params string[] serverOptions)
    {
        _server = SftpServer.Start(serverOptions);
        _proxy = new(new IPEndPoint(IPAddress.Loopback, _server.Port)) { Delay = TimeSpan.FromMilliseconds(30) };
        // the host key is known by the server's own port
        File.WriteAllText(_temp["config"], $"{File.ReadAllText(_server.SshConfiguration)}  HostKeyAlias [127.0.0.1]:{_server.Port}\n");
        return new(_server.Address() with { Port = _proxy.Port }, _server.Options with { SshConfiguration = _temp["config"], Connections = connections }, TimeProvider.System);
    }

    byte[] OnServer(string key) => File.ReadAllBytes(Path.Combine(_server!.Folder, key));

    static async Task<byte[]> ReadAsync(SftpStore store, string key, int room)
    {
        var into = new byte[room];
        return into[..await store.ReadAsync(new(key), 0, into, default)];
    }

    [SftpFact]
    public async Task A_large_object_goes_and_comes_by_several_channels_of_few_connections()
    {
        await using var store = Open(connections: 2);
        store.Prepare();
        var bytes = Random(40_000_001);
        Assert.Equal(CreateOutcome.Created, await store.CreateAsync(new("a/object"), ObjectBody.OfBytes(bytes), default));
        Assert.Equal(bytes, OnServer("a/object"));
        Assert.Equal(bytes, await ReadAsync(store, "a/object", bytes.Length + 1));
        Assert.Equal(bytes[..20_000_000], await ReadAsync(store, "a/object", 20_000_000));
        Assert.Equal(2, _proxy!.Connections);
        Assert.True(_server!.Sessions().Count > 4, $"{_server.Sessions().Count} processes of the server");
        Assert.Equal(["a/object"], TempFolder.Contents(_server.Folder).Keys);
    }

    [SftpFact]
    public async Task All_channels_are_made_ahead_when_much_is_going_to_be_moved()
    {
        await using var store = Open(connections: 2);
        store.Prepare();
        for (var waits = 0; _server!.Sessions().Count < 8 && waits < 100; waits++) await Task.Delay(100);
        Assert.True(_server.Sessions().Count >= 8, $"{_server.Sessions().Count} processes of the server");
        Assert.Equal(2, _proxy!.Connections);
    }

    [SftpFact]
    public async Task What_does_not_depend_on_an_answer_does_not_wait_for_it()
    {
        await using var store = Open(connections: 1);
        await store.TimeAsync(default);
        _proxy!.Delay = TimeSpan.FromMilliseconds(200);
        Assert.Equal(1, await RoundTripsAsync(_ => store.TimeAsync(default)));
        Assert.Equal(1, await RoundTripsAsync(async _ => Assert.Empty(await store.ListAsync("nothing/here/", default).ToListAsync())));
        // the file in a folder that is made with it, its bytes, its name
        Assert.Equal(3, await RoundTripsAsync(n => store.CreateAsync(new($"a{n}/b/object"), ObjectBody.OfBytes(Random(1000)), default)));
        Assert.Equal(3, await RoundTripsAsync(n => store.CreateAsync(new($"a{n}/b/other"), ObjectBody.OfBytes(Random(1000)), default)));
        Assert.All(TempFolder.Contents(_server!.Folder).Keys, key => Assert.DoesNotContain(".part", key, StringComparison.Ordinal));
    }

    // Of the quickest of some: a busy machine adds to the others.
    async Task<int> RoundTripsAsync(Func<int, Task> act)
    {
        var least = TimeSpan.MaxValue;
        for (var n = 0; n < 4; n++)
        {
            var since = Stopwatch.StartNew();
            await act(n);
            if (since.Elapsed < least) least = since.Elapsed;
        }
        return (int)(least / _proxy!.Delay);
    }

    [SftpFact]
    public async Task A_folder_that_went_away_is_made_again()
    {
        await using var store = Open(connections: 1);
        await store.CreateAsync(new("a/b/one"), ObjectBody.OfBytes(Random(1000)), default);
        Directory.Delete(Path.Combine(_server!.Folder, "a"), recursive: true);
        Assert.Equal(CreateOutcome.Created, await store.CreateAsync(new("a/b/two"), ObjectBody.OfBytes(Random(1000)), default));
        Assert.Equal(["a/b/two"], TempFolder.Contents(_server.Folder).Keys);
    }

    [SftpFact]
    public async Task A_server_that_allows_one_channel_a_connection_serves_by_those()
    {
        await using var store = Open(2, "--opt", "MaxSessions 1");
        var bytes = Random(20_000_000);
        Assert.Equal(CreateOutcome.Created, await store.CreateAsync(new("object"), ObjectBody.OfBytes(bytes), default));
        Assert.Equal(bytes, await ReadAsync(store, "object", bytes.Length + 1));
        Assert.Equal(bytes, OnServer("object"));
        Assert.InRange(_proxy!.Connections, 1, 2);
    }

    [SftpFact]
    public async Task A_channel_that_dies_in_the_middle_costs_one_more_try_and_leaves_nothing_half()
    {
        await using var store = Open(connections: 1);
        var repetitions = 0;
        var retrying = new RetryingStore(store, RetryPolicy.Standard, TimeProvider.System, () => 0.5, (_, _) => repetitions++);
        var bytes = Random(30_000_000);
        // so that all channels are there when it begins
        await retrying.CreateAsync(new("first"), ObjectBody.OfBytes(bytes), default);
        _proxy!.BytesPerSecond = 10_000_000;
        var creating = retrying.CreateAsync(new("second"), ObjectBody.OfBytes(bytes), default);
        await Task.Delay(1000);
        foreach (var channel in _server!.Sessions().Order().TakeLast(3)) Kill(channel);
        await Task.Delay(200);
        _proxy.BytesPerSecond = 0;
        Assert.Equal(CreateOutcome.Created, await creating);
        Assert.InRange(repetitions, 1, 3);
        Assert.Equal(bytes, OnServer("second"));
        // what the dead channel left is taken away beside the next act
        Assert.NotNull(await retrying.StatAsync(new("second"), default));
        Assert.Equal(0, await retrying.SweepAsync("", default));
        Assert.Equal(["first", "second"], TempFolder.Contents(_server.Folder).Keys.Order());
    }

    [SftpFact]
    public async Task An_upload_that_is_cancelled_lets_go_of_its_memory_and_leaves_no_object()
    {
        await using var store = Open(connections: 1);
        var bytes = Random(30_000_000);
        await store.CreateAsync(new("first"), ObjectBody.OfBytes(bytes), default);
        _proxy!.BytesPerSecond = 10_000_000;
        using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        var body = ObjectBody.OfBytes(bytes);
        var since = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.CreateAsync(new("second"), body, cancel.Token));
        Array.Clear(bytes);
        Assert.True(since.Elapsed < TimeSpan.FromSeconds(8), $"{since.Elapsed}");
        _proxy.BytesPerSecond = 0;
        Assert.Null(await store.StatAsync(new("second"), default));
        Assert.Equal(Random(30_000_000), OnServer("first"));
    }

    static void Kill(int process)
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
