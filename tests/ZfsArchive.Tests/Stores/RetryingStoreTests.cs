using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Stores;

/// <summary>What is tried again, and that it ends.</summary>
public sealed class RetryingStoreTests : IAsyncDisposable
{
    static readonly ObjectKey s_key = new("a/b");
    static readonly RetryPolicy s_quick = new(TimeSpan.FromMilliseconds(40), TimeSpan.FromMilliseconds(400), TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(20));
    readonly MemoryStore _memory = new();
    int _calls;

    public ValueTask DisposeAsync() => _memory.DisposeAsync();

    RetryingStore Store(Func<int, StoreFailure?> fails, List<StoreException>? said = null) => new(
        new InterceptedStore(_memory, (_, _) => fails(Interlocked.Increment(ref _calls)) is { } failure ? Task.FromException(new StoreException(failure, "the store says no")) : Task.CompletedTask),
        s_quick, TimeProvider.System, () => 0.5, (e, _) => said?.Add(e));

    [Fact]
    public async Task What_may_heal_is_tried_again_until_it_works()
    {
        var said = new List<StoreException>();
        Assert.Null(await Store(call => call <= 3 ? StoreFailure.Transient : null, said).StatAsync(s_key, default));
        Assert.Equal((4, 3), (_calls, said.Count));
    }

    [Theory]
    [InlineData(StoreFailure.Permanent), InlineData(StoreFailure.Denied), InlineData(StoreFailure.Absent), InlineData(StoreFailure.Full), InlineData(StoreFailure.Conflict)]
    public async Task What_will_not_heal_is_said_at_once(object failure)
    {
        Assert.Equal(failure, (await Assert.ThrowsAsync<StoreException>(() => Store(_ => (StoreFailure)failure).StatAsync(s_key, default))).Failure);
        Assert.Equal(1, _calls);
    }

    [Fact]
    public async Task It_ends_and_says_how_long_it_was_tried()
    {
        var store = Store(call => call == 1 ? null : StoreFailure.Transient);
        await store.StatAsync(s_key, default);
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.StatAsync(s_key, default));
        Assert.Equal(StoreFailure.Transient, failure.Failure);
        Assert.Matches("the store says no \\(tried for [0-9]+ s\\)", failure.Message);
        Assert.True(_calls > 10, $"{_calls} calls");
    }

    [Fact]
    public async Task A_store_that_never_answered_is_given_up_sooner()
    {
        await Assert.ThrowsAsync<StoreException>(() => Store(_ => StoreFailure.Transient).StatAsync(s_key, default));
        var atFirst = _calls;
        _calls = 0;
        var known = Store(call => call == 1 ? null : StoreFailure.Transient);
        await known.StatAsync(s_key, default);
        await Assert.ThrowsAsync<StoreException>(() => known.StatAsync(s_key, default));
        Assert.True(_calls > atFirst, $"{atFirst} and {_calls} calls");
    }

    [Fact]
    public async Task A_cancellation_ends_the_waiting()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        var patient = new RetryingStore(
            new InterceptedStore(_memory, (_, _) => Task.FromException(new StoreException(StoreFailure.Transient, "no"))),
            RetryPolicy.Standard with { FirstContact = TimeSpan.FromHours(1), FirstPause = TimeSpan.FromHours(1) }, TimeProvider.System, () => 0);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.StatAsync(s_key, stop.Token));
    }

    [Fact]
    public async Task Lost_answers_end_in_success_and_what_was_sent_lies_there()
    {
        var store = new RetryingStore(new FlakyStore(_memory, 0.5, losesAnswers: true), s_quick with { Patience = TimeSpan.FromSeconds(20), FirstContact = TimeSpan.FromSeconds(20) }, TimeProvider.System, () => 0);
        for (var i = 0; i < 100; i++) await store.CreateAsync(new($"x/{i}"), ObjectBody.OfBytes(new[] { (byte)i }), default);
        Assert.Equal(100, _memory.Keys.Count);
    }

    [Fact]
    public async Task A_body_whose_memory_was_given_back_is_not_sent_again()
    {
        var store = new RetryingStore(new PassingStore(_memory), s_quick, TimeProvider.System, () => 0);
        var passed = 0;
        await Assert.ThrowsAsync<StoreException>(() => store.CreateAsync(s_key, ObjectBody.OfBytes(new byte[3]) with { Passed = () => passed++ }, default));
        Assert.Equal(1, passed);
    }

    [Fact]
    public async Task A_listing_that_breaks_goes_on_where_it_was()
    {
        for (var i = 0; i < 40; i++) _memory[$"x/{i:D2}"] = [1];
        var keys = new List<string>();
        await foreach (var info in Store(call => call is 10 or 40 ? StoreFailure.Transient : null).ListAsync("x/", default)) keys.Add(info.Key.Text);
        Assert.Equal(_memory.Keys, keys);
    }

    sealed class PassingStore(IObjectStore inner) : WrappingStore(inner)
    {
        public override Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
        {
            body.Passed!();
            throw new StoreException(StoreFailure.Transient, "lost while it became durable");
        }
    }
}

/// <summary>A rate is kept, in both directions.</summary>
public sealed class PacedStoreTests : IDisposable
{
    readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Bytes_leave_and_come_no_faster_than_the_rate()
    {
        var place = new DirectoryStore(Directory.CreateDirectory(_temp["place"]).FullName, TimeProvider.System);
        var body = ObjectBody.OfBytes(new byte[200_000]);
        await Took(0.15, () => new PacedStore(place, 1 << 20, null, TimeProvider.System).CreateAsync(new("x"), body, default));
        var paced = new PacedStore(place, null, 1 << 20, TimeProvider.System);
        // the first bytes are free: who comes next waits for them
        await Took(0.15, async () =>
        {
            for (var i = 0; i < 2; i++) Assert.Equal(200_000, await paced.ReadAsync(new("x"), 0, new byte[200_000], default));
        });

        static async Task Took(double seconds, Func<Task> act)
        {
            var since = TimeProvider.System.GetTimestamp();
            await act();
            Assert.True(TimeProvider.System.GetElapsedTime(since).TotalSeconds >= seconds);
        }
    }
}
