using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Stores;

// What holds when many work at once.
public abstract partial class ObjectStoreConformance
{
    [Fact]
    public async Task Of_20_that_create_one_name_at_once_one_wins_and_nothing_is_overwritten()
    {
        for (var round = 0; round < 20; round++)
        {
            var key = $"race/{round}";
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var racers = Enumerable.Range(0, 20).Select(async racer =>
            {
                await start.Task;
                try
                {
                    return (racer, Outcome: (CreateOutcome?)await Store.CreateAsync(new(key), ObjectBody.OfBytes(Random(10_000, racer)), default), Failure: (StoreException?)null);
                }
                catch (StoreException e)
                {
                    return (racer, null, e);
                }
            }).ToArray();
            start.SetResult();
            var results = await Task.WhenAll(racers);

            Assert.All(results.Where(r => r.Failure is not null), r => Assert.True(r.Failure!.Failure is StoreFailure.Conflict, $"round {round}: {r.Failure.Failure}: {r.Failure.Message}"));
            var winner = Assert.Single(results, r => r.Outcome is CreateOutcome.Created);
            Assert.Single(results, r => r.Failure is null);
            Assert.Equal(Random(10_000, winner.racer), await AllOfAsync(Store, key));
        }
    }

    [Fact]
    public async Task Of_20_that_create_the_same_object_at_once_all_succeed()
    {
        for (var round = 0; round < 20; round++)
        {
            var key = $"race/{round}";
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var racers = Enumerable.Range(0, 20).Select(async _ =>
            {
                await start.Task;
                return await Store.CreateAsync(new(key), ObjectBody.OfBytes(Random(10_000)), default);
            }).ToArray();
            start.SetResult();
            Assert.Single(await Task.WhenAll(racers), o => o is CreateOutcome.Created);
            Assert.Equal(Random(10_000), await AllOfAsync(Store, key));
        }
    }

    [Fact]
    public async Task What_a_listing_shows_can_be_read_while_others_create()
    {
        var creating = Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++) await Store.CreateAsync(new($"live/{i:D4}"), ObjectBody.OfBytes(Random(2000, i)), default);
        });
        while (!creating.IsCompleted)
        {
            foreach (var key in (await ListedAsync(Store, "live/")).TakeLast(3))
                Assert.Equal(Random(2000, int.Parse(key[^4..])), await AllOfAsync(Store, key));
        }
        await creating;
        Assert.Equal(300, (await ListedAsync(Store, "live/")).Count);
    }
}
