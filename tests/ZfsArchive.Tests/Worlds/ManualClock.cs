namespace ZfsArchive.Tests.Worlds;

/// <summary>A time that passes only when it is told to, from one timer to the next.</summary>
sealed class ManualClock : TimeProvider
{
    readonly Lock _turn = new();
    readonly List<Timer> _armed = [];
    DateTimeOffset _now = new(2026, 11, 1, 3, 0, 0, TimeSpan.Zero);
    TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override DateTimeOffset GetUtcNow()
    {
        lock (_turn) return _now;
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => GetUtcNow().Ticks;

    /// <summary>Waits until somebody waits for a time, and lets it come; returns how long that took by this clock.</summary>
    public async Task<TimeSpan> PassAsync()
    {
        while (true)
        {
            Timer? next;
            TimeSpan passed = default;
            Task changed;
            lock (_turn)
            {
                changed = _changed.Task;
                next = _armed.MinBy(t => t.Due);
                if (next is not null)
                {
                    _armed.Remove(next);
                    (passed, _now) = (next.Due - _now, next.Due);
                }
            }
            if (next is not null)
            {
                next.Fire();
                return passed;
            }
            await changed.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    sealed class Timer(ManualClock clock, Action fire) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Assert.Equal(Timeout.InfiniteTimeSpan, period);
            lock (clock._turn)
            {
                clock._armed.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                Due = clock._now + dueTime;
                clock._armed.Add(this);
                clock._changed.SetResult();
                clock._changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            return true;
        }

        public void Dispose()
        {
            lock (clock._turn) clock._armed.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
