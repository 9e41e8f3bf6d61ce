using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Repository;

/// <summary>Who comes while another one takes or closes a lease, at every step of it.</summary>
public sealed class LeaseClosingTests
{
    static async Task<bool> TryTakeAsync(LeaseWorld world, LeaseKind kind)
    {
        try
        {
            await using var lease = await world.TakeAsync(kind);
            return true;
        }
        catch (ArchiveException e) when (e.Kind is FailureKind.Locked)
        {
            return false;
        }
    }

    [Theory, InlineData(1), InlineData(4)]
    public async Task Who_comes_at_any_step_of_a_closing_gets_in_as_soon_as_it_has_ended_and_never_out_again(int objects)
    {
        using var world = await LeaseWorld.NewAsync();
        var got = new List<bool>();
        var closing = false;
        var turn = new SemaphoreSlim(1, 1);
        var store = new InterceptedStore(world.Store, async (what, key) =>
        {
            if (!closing || what is not ("create" or "delete")) return;
            await turn.WaitAsync();
            got.Add(await TryTakeAsync(world, LeaseKind.Exclusive));
            turn.Release();
        });
        var lease = await world.TakeAsync(LeaseKind.Exclusive, store);
        await store.NextCreatedAsync();
        for (var n = 2; n <= objects; n++)
        {
            world.Store.Time += TimeSpan.FromMinutes(10);
            await world.Clock.PassAsync();
            await store.NextCreatedAsync();
        }
        Assert.False(await TryTakeAsync(world, LeaseKind.Shared));
        closing = true;
        await lease.DisposeAsync();
        got.Add(await TryTakeAsync(world, LeaseKind.Exclusive));
        // until the end is written it is locked, from then on free
        Assert.Equal([false, .. Enumerable.Repeat(true, objects == 1 ? 1 : objects + 2)], got);
        Assert.Empty(world.Leases);
    }

    [Fact]
    public async Task One_whose_end_was_removed_first_counts_until_its_time_is_over()
    {
        using var world = await LeaseWorld.NewAsync();
        var keeps = new InterceptedStore(world.Store, (what, key) => what == "delete" ? throw new StoreException(StoreFailure.Denied, $"{key}: no") : Task.CompletedTask);
        await (await world.TakeAsync(LeaseKind.Exclusive, keeps)).DisposeAsync();
        Assert.True(await TryTakeAsync(world, LeaseKind.Exclusive));
        world.Store[world.Leases.Single(k => k.EndsWith("-end.json", StringComparison.Ordinal))] = null;
        Assert.False(await TryTakeAsync(world, LeaseKind.Shared));
        world.Store.Time += TimeSpan.FromMinutes(40) + TimeSpan.FromSeconds(1);
        Assert.True(await TryTakeAsync(world, LeaseKind.Exclusive));
    }

    [Fact]
    public async Task One_that_is_listed_and_gone_does_not_count()
    {
        using var world = await LeaseWorld.NewAsync();
        await world.KillAsync(await world.TakeAsync(LeaseKind.Exclusive));
        var left = world.Leases.Single();
        var store = new InterceptedStore(world.Store, (what, key) =>
        {
            if (what == "read" && key == left) world.Store[key] = null;
            return Task.CompletedTask;
        });
        await using var lease = await world.TakeAsync(LeaseKind.Exclusive, store);
        Assert.True(await lease.RequireHeldAsync(default));
    }

    [Fact]
    public async Task Of_two_who_take_it_alone_at_once_one_has_it_or_none()
    {
        for (var step = 0; step < 8; step++)
        {
            using var world = await LeaseWorld.NewAsync();
            var (calls, second) = (-step, (Lease?)null);
            var store = new InterceptedStore(world.Store, async (what, key) =>
            {
                if (!key.StartsWith(Layout.Leases, StringComparison.Ordinal) || calls++ != 0) return;
                second = await Record.ExceptionAsync(async () => second = await world.TakeAsync(LeaseKind.Exclusive)) is null ? second : null;
            });
            var first = await Record.ExceptionAsync(() => world.TakeAsync(LeaseKind.Exclusive, store)) is null;
            Assert.False(first && second is not null && await second.RequireHeldAsync(default), $"both at step {step}");
            if (second is not null) await second.DisposeAsync();
        }
    }
}
