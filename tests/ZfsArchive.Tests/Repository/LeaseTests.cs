using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Repository;

/// <summary>Who may work in a repository at once, and for how long a lease counts.</summary>
public sealed class LeaseTests
{
    static async Task<string> LockedAsync(Task<Lease> taking)
    {
        var failure = await Assert.ThrowsAsync<ArchiveException>(() => taking);
        Assert.Equal(FailureKind.Locked, failure.Kind);
        return failure.Message;
    }

    [Theory]
    [InlineData("leases/0123456789abcdef-1.json", 1)]
    [InlineData("leases/0123456789abcdef-999999999.json", 999999999)]
    [InlineData("leases/0123456789abcdef-end.json", null)]
    public void A_name_of_a_series_is_read_and_written_alike(string key, int? number)
    {
        Assert.Equal(("0123456789abcdef", number), Layout.ParseLease(key));
        Assert.Equal(key, number is { } n ? Layout.Lease("0123456789abcdef", n) : Layout.LeaseEnd("0123456789abcdef"));
    }

    [Theory]
    [InlineData("leases/0123456789abcdef-0.json")]
    [InlineData("leases/0123456789abcdef-01.json")]
    [InlineData("leases/0123456789abcdef-1000000000.json")]
    [InlineData("leases/0123456789ABCDEF-1.json")]
    [InlineData("leases/0123456789abcde-1.json")]
    [InlineData("leases/0123456789abcdef-1.json\n")]
    [InlineData("leases/0123456789abcdef-end2.json")]
    [InlineData("leases/sub/0123456789abcdef-1.json")]
    [InlineData("removed/0123456789abcdef-1.json")]
    [InlineData("leases/0123456789abcdef-1")]
    public void Any_other_name_is_nobodys(string key) => Assert.Null(Layout.ParseLease(key));

    [Fact]
    public async Task A_closed_lease_leaves_nothing()
    {
        using var world = await LeaseWorld.NewAsync();
        var lease = await world.TakeAsync(LeaseKind.Exclusive);
        Assert.Single(world.Leases);
        Assert.True(await lease.RequireHeldAsync(default));
        await lease.DisposeAsync();
        await lease.DisposeAsync();
        Assert.Empty(world.Leases);
    }

    [Fact]
    public async Task Those_who_share_do_not_disturb_each_other()
    {
        using var world = await LeaseWorld.NewAsync();
        await using var first = await world.TakeAsync(LeaseKind.Shared);
        await using var second = await world.TakeAsync(LeaseKind.Shared);
        Assert.Equal(2, world.Leases.Count());
    }

    [Theory]
    [InlineData(LeaseKind.Shared, LeaseKind.Exclusive)]
    [InlineData(LeaseKind.Exclusive, LeaseKind.Shared)]
    [InlineData(LeaseKind.Exclusive, LeaseKind.Exclusive)]
    public async Task Who_comes_second_is_told_who_is_there_and_withdraws(LeaseKind first, LeaseKind second)
    {
        using var world = await LeaseWorld.NewAsync();
        var held = await world.TakeAsync(first);
        world.Store.Time += TimeSpan.FromMinutes(3);
        var words = await LockedAsync(world.TakeAsync(second));
        var verb = first is LeaseKind.Shared ? "backup" : "prune";
        Assert.StartsWith($"memory is locked: {verb} on here (pid {Environment.ProcessId}) since 2026-11-01 03:00:00Z, seen 3 minutes ago; wait for it", words, StringComparison.Ordinal);
        Assert.Contains("zfsarchive unlock --repo memory", words, StringComparison.Ordinal);
        Assert.Single(world.Leases);
        Assert.True(await held.RequireHeldAsync(default));
        await held.DisposeAsync();
        await using var now = await world.TakeAsync(second);
    }

    [Fact]
    public async Task Both_kinds_are_never_held_at_once()
    {
        using var world = await LeaseWorld.NewAsync();
        int shared = 0, exclusive = 0, taken = 0, wrong = 0;
        await Task.WhenAll(Enumerable.Range(0, 24).Select(n => Task.Run(async () =>
        {
            var random = new Random(n);
            var store = new InterceptedStore(world.Store, async (_, _) =>
            {
                for (var i = random.Next(4); i > 0; i--) await Task.Yield();
            });
            for (var round = 0; round < 60; round++)
            {
                var kind = random.Next(6) == 0 ? LeaseKind.Exclusive : LeaseKind.Shared;
                try
                {
                    await using var lease = await world.TakeAsync(kind, store);
                    if (kind is LeaseKind.Exclusive)
                    {
                        if (Interlocked.Increment(ref exclusive) != 1 || Volatile.Read(ref shared) != 0) Interlocked.Increment(ref wrong);
                    }
                    else
                    {
                        Interlocked.Increment(ref shared);
                        if (Volatile.Read(ref exclusive) != 0) Interlocked.Increment(ref wrong);
                    }
                    Interlocked.Increment(ref taken);
                    for (var i = random.Next(8); i > 0; i--) await Task.Yield();
                    if (kind is LeaseKind.Exclusive) Interlocked.Decrement(ref exclusive);
                    else Interlocked.Decrement(ref shared);
                }
                catch (ArchiveException e) when (e.Kind is FailureKind.Locked)
                {
                    // withdrawn
                }
            }
        })));
        Assert.Equal(0, wrong);
        Assert.True(taken > 24, $"{taken} taken");
        Assert.Empty(world.Leases);
        await using var last = await world.TakeAsync(LeaseKind.Exclusive);
    }

    [Theory, InlineData(LeaseKind.Shared), InlineData(LeaseKind.Exclusive)]
    public async Task A_dead_holders_lease_counts_until_its_time_and_the_tolerance_are_over(LeaseKind kind)
    {
        using var world = await LeaseWorld.NewAsync();
        await world.KillAsync(await world.TakeAsync(kind));
        world.Store.Time += TimeSpan.FromMinutes(40);
        await LockedAsync(world.TakeAsync(LeaseKind.Exclusive));
        if (kind is LeaseKind.Shared) await (await world.TakeAsync(LeaseKind.Shared)).DisposeAsync();
        world.Store.Time += TimeSpan.FromSeconds(1);
        await using var now = await world.TakeAsync(LeaseKind.Exclusive);
    }

    [Fact]
    public async Task A_lease_from_the_future_counts()
    {
        using var world = await LeaseWorld.NewAsync();
        await world.KillAsync(await world.TakeAsync(LeaseKind.Exclusive));
        world.Store.Time -= TimeSpan.FromDays(300);
        Assert.Contains("seen 0 minutes ago", await LockedAsync(world.TakeAsync(LeaseKind.Shared)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ended_lease_never_counts()
    {
        using var world = await LeaseWorld.NewAsync();
        var keeps = new InterceptedStore(world.Store, (what, key) => what == "delete" ? throw new StoreException(StoreFailure.Denied, $"{key}: no") : Task.CompletedTask);
        await (await world.TakeAsync(LeaseKind.Exclusive, keeps)).DisposeAsync();
        Assert.Equal(2, world.Leases.Count());
        await using var other = await world.TakeAsync(LeaseKind.Exclusive);
    }

    [Theory, InlineData(0), InlineData(100), InlineData(-1)]
    public async Task One_that_cannot_be_read_keeps_out_who_removes_and_no_other(int length)
    {
        using var world = await LeaseWorld.NewAsync();
        await world.KillAsync(await world.TakeAsync(LeaseKind.Exclusive));
        var key = world.Leases.Single();
        world.Store[key] = length < 0 ? [.. world.Store[key]!, (byte)' '] : world.Store[key]![..length];
        await using var shared = await world.TakeAsync(LeaseKind.Shared);
        await shared.DisposeAsync();
        Assert.Contains($"a lease that cannot be read ({key})", await LockedAsync(world.TakeAsync(LeaseKind.Exclusive)), StringComparison.Ordinal);
        world.Store.Time += TimeSpan.FromHours(25);
        await using var alone = await world.TakeAsync(LeaseKind.Exclusive);
    }

    [Theory, InlineData("other", 1800), InlineData(LeaseRecord.Exclusive, 0), InlineData(LeaseRecord.Exclusive, long.MaxValue), InlineData("exclusive\u001b", 1800)]
    public async Task One_that_says_what_cannot_be_cannot_be_read(string kind, long seconds)
    {
        using var world = await LeaseWorld.NewAsync();
        var record = new LeaseRecord("0123456789abcdef", kind, "prune", "there", 1, default, seconds);
        await (await world.OpenAsync()).CreateDocumentAsync(Layout.Lease(record.Id, 1), record, ManifestJson.Default.LeaseRecord, default);
        Assert.Contains("cannot be read", await LockedAsync(world.TakeAsync(LeaseKind.Exclusive)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_has_no_name_of_a_lease_is_left_alone()
    {
        using var world = await LeaseWorld.NewAsync();
        world.Store["leases/note.txt"] = [1];
        await (await world.TakeAsync(LeaseKind.Exclusive)).DisposeAsync();
        Assert.Equal(["leases/note.txt"], world.Leases);
    }

    [Theory, InlineData(StoreFailure.Denied), InlineData(StoreFailure.Permanent), InlineData(StoreFailure.Full)]
    public async Task Where_nothing_may_be_written_the_stores_words_come_through(StoreFailure failure)
    {
        using var world = await LeaseWorld.NewAsync();
        var refuses = new InterceptedStore(world.Store, (what, key) => what is "create" ? throw new StoreException(failure, $"memory: cannot create {key}") : Task.CompletedTask);
        var thrown = await Assert.ThrowsAsync<StoreException>(() => world.TakeAsync(LeaseKind.Shared, refuses));
        Assert.Equal(failure, thrown.Failure);
        Assert.Empty(world.Leases);
    }

    [Theory, InlineData("stat"), InlineData("list")]
    public async Task A_taking_that_fails_or_is_cancelled_leaves_nothing(string at)
    {
        using var world = await LeaseWorld.NewAsync();
        var fails = new InterceptedStore(world.Store, (what, key) => what == at && key.StartsWith("leases/", StringComparison.Ordinal) ? throw new StoreException(StoreFailure.Transient, "later") : Task.CompletedTask);
        await Assert.ThrowsAsync<StoreException>(() => world.TakeAsync(LeaseKind.Shared, fails));
        Assert.Empty(world.Leases);

        using var stop = new CancellationTokenSource();
        var cancels = new InterceptedStore(world.Store, async (what, key) =>
        {
            if (what != at || !key.StartsWith("leases/", StringComparison.Ordinal)) return;
            await stop.CancelAsync();
            stop.Token.ThrowIfCancellationRequested();
        });
        var repository = await world.OpenAsync(cancels);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Lease.TakeAsync(repository, LeaseKind.Shared, "backup", "here", world.Clock, stop.Token));
        Assert.Empty(world.Leases);
    }
}
