using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Repository;

/// <summary>A lease is refreshed, and what happens to it meanwhile is found out before something is committed.</summary>
public sealed class LeaseHoldingTests
{
    static InterceptedStore Open(LeaseWorld world) => new(world.Store, (_, _) => Task.CompletedTask);

    // The store's clock goes with the host's.
    static async Task PassAsync(LeaseWorld world) => world.Store.Time += await world.Clock.PassAsync();

    [Fact]
    public async Task It_is_refreshed_for_as_long_as_it_is_held()
    {
        using var world = await LeaseWorld.NewAsync();
        var store = Open(world);
        await using (var lease = await world.TakeAsync(LeaseKind.Shared, store))
        {
            var first = await store.NextCreatedAsync();
            Assert.EndsWith("-1.json", first, StringComparison.Ordinal);
            for (var n = 2; n <= 12; n++)
            {
                world.Store.Time += TimeSpan.FromMinutes(10);
                Assert.Equal(TimeSpan.FromMinutes(10), await world.Clock.PassAsync());
                Assert.Equal(first.Replace("-1.json", $"-{n}.json", StringComparison.Ordinal), await store.NextCreatedAsync());
                Assert.True(await lease.RequireHeldAsync(default));
            }
            await Assert.ThrowsAsync<ArchiveException>(() => world.TakeAsync(LeaseKind.Exclusive));
        }
        Assert.Empty(world.Leases);
    }

    [Fact]
    public async Task A_refresh_that_fails_is_made_up_for_by_the_next()
    {
        using var world = await LeaseWorld.NewAsync();
        var failed = new TaskCompletionSource();
        var store = new InterceptedStore(world.Store, (what, key) =>
        {
            if (what != "create" || !key.EndsWith("-2.json", StringComparison.Ordinal)) return Task.CompletedTask;
            failed.SetResult();
            throw new StoreException(StoreFailure.Transient, "later");
        });
        await using var lease = await world.TakeAsync(LeaseKind.Shared, store);
        await store.NextCreatedAsync();
        await PassAsync(world);
        await failed.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(await lease.RequireHeldAsync(default));
        await PassAsync(world);
        Assert.EndsWith("-3.json", await store.NextCreatedAsync(), StringComparison.Ordinal);
        Assert.True(await lease.RequireHeldAsync(default));
    }

    [Fact]
    public async Task One_that_ran_out_is_taken_again_and_says_so_once()
    {
        using var world = await LeaseWorld.NewAsync();
        await using var lease = await world.TakeAsync(LeaseKind.Shared);
        world.Store.Time += TimeSpan.FromMinutes(30);
        Assert.True(await lease.RequireHeldAsync(default));
        world.Store.Time += TimeSpan.FromSeconds(1);
        Assert.False(await lease.RequireHeldAsync(default));
        Assert.Equal(2, world.Leases.Count());
        Assert.True(await lease.RequireHeldAsync(default));
    }

    // A mounted disk: its files are dated by the server, its time is told by this host.
    [Theory, InlineData(-5), InlineData(5)]
    public async Task Two_clocks_of_one_store_that_differ_by_hours_do_no_harm(int hours)
    {
        using var world = await LeaseWorld.NewAsync();
        await using var lease = await world.TakeAsync(LeaseKind.Shared, new SkewedStore(world.Store, TimeSpan.FromHours(hours)));
        Assert.True(await lease.RequireHeldAsync(default));
        world.Store.Time += TimeSpan.FromMinutes(31);
        Assert.False(await lease.RequireHeldAsync(default));
        Assert.True(await lease.RequireHeldAsync(default));
    }

    sealed class SkewedStore(IObjectStore inner, TimeSpan skew) : WrappingStore(inner)
    {
        public override async Task<DateTimeOffset> TimeAsync(CancellationToken cancel) => await Inner.TimeAsync(cancel) + skew;
    }

    [Fact]
    public async Task One_that_ran_out_while_another_came_in_is_lost()
    {
        using var world = await LeaseWorld.NewAsync();
        await using var lease = await world.TakeAsync(LeaseKind.Shared);
        world.Store.Time += TimeSpan.FromMinutes(41);
        await using (await world.TakeAsync(LeaseKind.Exclusive))
        {
            for (var again = 0; again < 2; again++)
                Assert.Equal(FailureKind.Locked, (await Assert.ThrowsAsync<ArchiveException>(() => lease.RequireHeldAsync(default))).Kind);
        }
        Assert.False(await lease.RequireHeldAsync(default));
    }

    [Fact]
    public async Task A_refresh_that_comes_too_late_does_not_hide_that_it_had_run_out()
    {
        using var world = await LeaseWorld.NewAsync();
        var store = Open(world);
        await using var lease = await world.TakeAsync(LeaseKind.Shared, store);
        await store.NextCreatedAsync();
        // the host slept for an hour of the store
        world.Store.Time += TimeSpan.FromHours(1);
        await using var prune = await world.TakeAsync(LeaseKind.Exclusive);
        await world.Clock.PassAsync();
        await store.NextCreatedAsync();
        Assert.Equal(FailureKind.Locked, (await Assert.ThrowsAsync<ArchiveException>(() => lease.RequireHeldAsync(default))).Kind);
    }

    [Fact]
    public async Task One_that_was_removed_is_taken_again_and_a_refresh_does_not_hide_it()
    {
        using var world = await LeaseWorld.NewAsync();
        var store = Open(world);
        await using var lease = await world.TakeAsync(LeaseKind.Shared, store);
        world.Store[await store.NextCreatedAsync()] = null;
        Assert.False(await lease.RequireHeldAsync(default));
        Assert.True(await lease.RequireHeldAsync(default));

        world.Store[await store.NextCreatedAsync()] = null;
        await using (await world.TakeAsync(LeaseKind.Exclusive))
        {
            await PassAsync(world);
            await store.NextCreatedAsync();
            Assert.Equal(FailureKind.Locked, (await Assert.ThrowsAsync<ArchiveException>(() => lease.RequireHeldAsync(default))).Kind);
        }
        Assert.False(await lease.RequireHeldAsync(default));
    }

    [Fact]
    public async Task A_store_that_does_not_answer_holds_the_closing_up_for_its_limit_only()
    {
        using var world = await LeaseWorld.NewAsync();
        var asked = new TaskCompletionSource();
        var store = new InterceptedStore(world.Store, (what, _) =>
        {
            if (what != "delete") return Task.CompletedTask;
            asked.TrySetResult();
            return new TaskCompletionSource().Task;
        });
        var lease = await world.TakeAsync(LeaseKind.Shared, store);
        var closing = lease.DisposeAsync().AsTask();
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(closing.IsCompleted);
        Assert.Equal(TimeSpan.FromSeconds(30), await world.Clock.PassAsync());
        await closing.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory, InlineData("create"), InlineData("delete")]
    public async Task A_closing_that_fails_is_nobodys_trouble(string at)
    {
        using var world = await LeaseWorld.NewAsync();
        var closing = false;
        var store = new InterceptedStore(world.Store, (what, _) => closing && what == at ? throw new StoreException(StoreFailure.Permanent, "no") : Task.CompletedTask);
        var lease = await world.TakeAsync(LeaseKind.Shared, store);
        closing = true;
        await lease.DisposeAsync();
        // a single object is removed; only where that fails another one says that it has ended
        Assert.Equal(at == "create" ? 0 : 2, world.Leases.Count());
    }
}
