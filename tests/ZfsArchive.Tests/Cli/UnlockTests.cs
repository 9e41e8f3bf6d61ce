using System.Text.Json;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Cli;

/// <summary>Leases through the real application: who leaves them, who is kept out, and <c>unlock</c>.</summary>
public sealed class UnlockTests
{
    static string[] Leases(TestHost host) => Directory.Exists(Path.Combine(host.Repo, "leases")) ? [.. Directory.GetFiles(Path.Combine(host.Repo, "leases")).Order(StringComparer.Ordinal)] : [];

    // A process that was killed: what it left, and nobody who refreshes it.
    static async Task LeaveAsync(TestHost host, LeaseKind kind, string verb, bool ended = false)
    {
        await using var repository = await ArchiveRepository.OpenAsync(new DirectoryStore(host.Repo, host.Clock), host.Folders, RepositoryUse.Write, default);
        var before = Leases(host);
        var lease = await Lease.TakeAsync(repository, kind, verb, "otherhost", host.Clock, default);
        var mine = Leases(host).Except(before).ToDictionary(p => p, File.ReadAllBytes);
        await lease.DisposeAsync();
        foreach (var (path, bytes) in mine) await File.WriteAllBytesAsync(path, bytes);
        if (ended) await repository.Store.CreateAsync(new($"leases/{Path.GetFileName(mine.Keys.Single())[..16]}-end.json"), ObjectBody.OfBytes("over"u8.ToArray()), default);
    }

    static async Task<TestHost> HostAsync()
    {
        var host = await TestHost.WithRepositoryAsync();
        host.Clock.Now = DateTimeOffset.UtcNow;
        return host;
    }

    static void Age(TestHost host, TimeSpan by)
    {
        foreach (var path in Leases(host)) File.SetLastWriteTimeUtc(path, DateTime.UtcNow - by);
    }

    [Fact]
    public async Task While_something_is_removed_nobody_else_reads_or_adds()
    {
        using var host = await HostAsync();
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), "backup", "--stdin");
        Assert.Empty(Leases(host));
        await LeaveAsync(host, LeaseKind.Exclusive, "prune");
        foreach (var arguments in new string[][] { ["backup", "--stdin"], ["verify"], ["cat", "tank/chain@s0"], ["restore", "tank/chain", "--to", "vault/r"] })
        {
            await host.ExpectAsync(11, Golden.Bytes("chain-full"), arguments);
            Assert.Contains("is locked: prune on otherhost (pid ", host.Error.ToString(), StringComparison.Ordinal);
            Assert.Single(Leases(host));
        }
        await host.ExpectAsync(0, null, "list");
        await host.ExpectAsync(0, null, "show", "tank/chain");
        Age(host, TimeSpan.FromMinutes(41));
        await host.ExpectAsync(0, Golden.Bytes("chain-incr1"), "backup", "--stdin");
        await host.ExpectAsync(0, null, "verify");
        Assert.DoesNotContain("leases", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Single(Leases(host));
    }

    [Fact]
    public async Task A_backup_that_fails_or_is_cancelled_closes_its_lease()
    {
        using var host = await HostAsync();
        await host.ExpectAsync(20, Golden.Bytes("chain-full")[..^100], "backup", "--stdin");
        Assert.Empty(Leases(host));
        using var stop = new CancellationTokenSource();
        host.Stop = stop.Token;
        var input = new CancellingStream(stop);
        host.Input = input;
        Assert.Equal(130, await host.RunAsync("backup", "--stdin"));
        Assert.True(input.Asked);
        Assert.Empty(Leases(host));
    }

    [Fact]
    public async Task A_dry_run_leaves_none_and_is_not_kept_out()
    {
        using var host = await HostAsync();
        host.ZfsOf = _ => new FakeZfs();
        await LeaveAsync(host, LeaseKind.Exclusive, "prune");
        await host.ExpectAsync(0, null, "backup", "--dry-run", "tank/chain");
        await host.ExpectAsync(11, null, "backup", "tank/chain");
        Assert.Single(Leases(host));
    }

    [Fact]
    public async Task Where_no_lease_can_be_left_a_reader_goes_on_and_a_backup_does_not()
    {
        using var host = await HostAsync();
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), "backup", "--stdin");
        Directory.Delete(Path.Combine(host.Repo, "leases"));
        // no folder can be made where a file is
        await File.WriteAllTextAsync(Path.Combine(host.Repo, "leases"), "");
        await host.ExpectAsync(0, null, "cat", "tank/chain@s0");
        Assert.Equal(Golden.Bytes("chain-full"), host.Output.ToArray());
        Assert.Contains($"zfsarchive: no lease could be left in {host.Repo} (", host.Error.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(0, null, "verify", "-q");
        Assert.Empty(host.Error.ToString());
        await host.ExpectAsync(1, Golden.Bytes("chain-incr1"), "backup", "--stdin");
        Assert.Contains("leases/", host.Error.ToString(), StringComparison.Ordinal);
        Assert.Single(host.Manifests);
    }

    [Fact]
    public async Task Unlock_removes_what_nobody_is_behind_and_leaves_the_rest()
    {
        using var host = await HostAsync();
        await host.ExpectAsync(0, null, "unlock");
        Assert.Equal("no lease to remove", host.Out.ToString().Trim());
        await LeaveAsync(host, LeaseKind.Shared, "backup");
        Age(host, TimeSpan.FromMinutes(50));
        await LeaveAsync(host, LeaseKind.Shared, "verify");
        await LeaveAsync(host, LeaseKind.Shared, "restore", ended: true);
        await File.WriteAllTextAsync(Path.Combine(host.Repo, "leases", "note"), "mine");
        var before = Leases(host);

        await host.ExpectAsync(0, null, "unlock", "--dry-run");
        Assert.Contains("would remove: backup on otherhost", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Equal(before, Leases(host));

        await host.ExpectAsync(0, null, "unlock");
        var said = host.Out.ToString();
        Assert.Matches(@"removed: backup on otherhost \(pid \d+\) since .*Z, seen (49|50|51) minutes ago, stale", said);
        Assert.Contains(", ended", said, StringComparison.Ordinal);
        Assert.Contains("left: verify on otherhost", said, StringComparison.Ordinal);
        Assert.Equal(2, Leases(host).Length);

        await host.ExpectAsync(0, null, "unlock", "--json");
        var result = JsonDocument.Parse(host.Out.ToString()).RootElement;
        Assert.Empty(result.GetProperty("removed").EnumerateArray());
        Assert.Equal("verify", Assert.Single(result.GetProperty("left").EnumerateArray()).GetProperty("verb").GetString());

        await host.ExpectAsync(0, null, "unlock", "--all");
        said = host.Out.ToString();
        Assert.True(said.IndexOf("--all: 1 lease that is alive", StringComparison.Ordinal) < said.IndexOf("removed: verify", StringComparison.Ordinal), said);
        Assert.Equal("note", Path.GetFileName(Assert.Single(Leases(host))));
    }

    [Fact]
    public async Task A_store_that_does_not_let_anything_be_removed_is_named_with_the_object()
    {
        var store = new InterceptedStore(new MemoryStore(), (what, _) => what == "delete" ? throw new StoreException(StoreFailure.Denied, "AccessDenied") : Task.CompletedTask);
        using var temp = new TempFolder();
        await using var repository = await ArchiveRepository.InitAsync(store, new(temp["state"], temp["cache"]), TimeProvider.System, default);
        await (await Lease.TakeAsync(repository, LeaseKind.Shared, "backup", "here", TimeProvider.System, default)).DisposeAsync();
        var series = Assert.Single(await LeaseSeries.ListAsync(repository, withEnded: true, default));
        var failure = await Assert.ThrowsAsync<ArchiveException>(() => series.RemoveAsync(store, default));
        Assert.Equal(FailureKind.Failed, failure.Kind);
        Assert.StartsWith($"memory: leases/{series.Id}-1.json cannot be removed", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Interrupts the program when it begins to read.</summary>
    sealed class CancellingStream(CancellationTokenSource stop) : MemoryStream
    {
        public bool Asked { get; private set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Asked = true;
            stop.Cancel();
            throw new OperationCanceledException(stop.Token);
        }
    }
}
