using System.Collections.Immutable;
using System.Globalization;

namespace ZfsArchive.Retention;

/// <summary>A snapshot as far as a policy asks.</summary>
/// <param name="Creation">Seconds since 1970.</param>
/// <param name="Order">Among the snapshots of its dataset, the oldest first.</param>
public readonly record struct DatedSnapshot(ulong Guid, ulong Creation, int Order);

/// <summary>What a policy says of all snapshots of a dataset. Pure: the same snapshots and the same time give the same words.</summary>
public sealed class SnapshotWorth
{
    const ulong LastSecond = 253402300799;
    readonly RetentionPolicy _policy;
    readonly HashSet<ulong> _future;
    readonly Dictionary<Period, HashSet<ulong>> _firsts = [];
    readonly Dictionary<ulong, ImmutableArray<string>> _reasons;
    readonly Dictionary<ulong, ulong> _creations;

    /// <param name="snapshots">In their true order, the oldest first.</param>
    /// <param name="wallClock">What this host believes the time is; a clock that is too late removes nothing more, one that is too early makes snapshots future ones.</param>
    public SnapshotWorth(RetentionPolicy policy, IReadOnlyList<DatedSnapshot> snapshots, DateTimeOffset wallClock)
    {
        _policy = policy;
        _creations = snapshots.ToDictionary(s => s.Guid, s => s.Creation);
        var wall = (ulong)long.Max(0, wallClock.ToUnixTimeSeconds());
        _future = [.. snapshots.Where(s => s.Creation > wall || s.Creation > LastSecond).Select(s => s.Guid)];
        var past = snapshots.Where(s => !_future.Contains(s.Guid)).OrderBy(s => s.Creation).ThenBy(s => s.Order).ToList();
        Now = past.Count > 0 ? Moment(past[^1].Creation) : wallClock.UtcDateTime;
        foreach (var (period, _) in policy.Periods)
            _firsts[period] = [.. past.GroupBy(s => RetentionPolicy.StartOf(period, Moment(s.Creation))).Select(g => g.First().Guid)];
        _reasons = Judge(snapshots, past);
    }

    /// <summary>The earlier of the wall clock and the newest snapshot that is not in the future.</summary>
    public DateTime Now { get; }

    /// <summary>Taken later than this host believes it is: kept, and counted for no period.</summary>
    public bool IsFuture(ulong guid) => _future.Contains(guid);

    /// <summary>Why a snapshot is wanted; empty when the policy has no word for it.</summary>
    public ImmutableArray<string> Reasons(ulong guid) => _reasons.GetValueOrDefault(guid, []);

    /// <summary>Until when the policy keeps a snapshot at least, as far as time decides it. One that is in the future is kept for ever.</summary>
    public DateTime KeptUntil(ulong guid)
    {
        if (_policy.IsEmpty || IsFuture(guid) || !_creations.TryGetValue(guid, out var creation)) return DateTime.MaxValue;
        var taken = Moment(creation);
        var until = _policy.Within is { } within ? taken + within : taken;
        foreach (var (period, count) in _policy.Periods)
            if (count > 0 && _firsts[period].Contains(guid) && Later(period, taken, count) is var later && later > until) until = later;
        return until;
    }

    Dictionary<ulong, ImmutableArray<string>> Judge(IReadOnlyList<DatedSnapshot> all, List<DatedSnapshot> past)
    {
        var reasons = all.ToDictionary(s => s.Guid, _ => ImmutableArray.CreateBuilder<string>());
        if (_policy.IsEmpty)
        {
            foreach (var why in reasons.Values) why.Add("there is no policy for it");
        }
        else
        {
            foreach (var guid in _future) reasons[guid].Add("it is dated in the future");
            if (all.Count > 0) reasons[all[^1].Guid].Add("the newest");
            if (past.Count > 0 && past[^1].Guid != all[^1].Guid) reasons[past[^1].Guid].Add("the newest that is not dated in the future");
            foreach (var (snapshot, rank) in all.Where(s => !IsFuture(s.Guid)).Reverse().Take(_policy.Last).Select((s, i) => (s, i + 1))) reasons[snapshot.Guid].Add(Text("last", rank, _policy.Last));
            if (_policy.Within is { } within)
                foreach (var snapshot in past.Where(s => Moment(s.Creation) >= Now - within)) reasons[snapshot.Guid].Add("within");
            foreach (var (period, count) in _policy.Periods) JudgePeriod(period, count, past, reasons);
        }
        return reasons.ToDictionary(r => r.Key, r => r.Value.ToImmutable());
    }

    void JudgePeriod(Period period, int count, List<DatedSnapshot> past, Dictionary<ulong, ImmutableArray<string>.Builder> reasons)
    {
        var firsts = past.Where(s => _firsts[period].Contains(s.Guid)).Reverse();
        foreach (var (snapshot, rank) in firsts.Take(count).Select((s, i) => (s, i + 1))) reasons[snapshot.Guid].Add(Text(Name(period), rank, count));
    }

    static string Text(string word, int rank, int count) => string.Create(CultureInfo.InvariantCulture, $"{word} {rank} of {count}");

    static string Name(Period period) => period switch
    {
        Period.Hour => "hourly",
        Period.Day => "daily",
        Period.Week => "weekly",
        Period.Month => "monthly",
        _ => "yearly",
    };

    static DateTime Later(Period period, DateTime taken, int count)
    {
        var start = RetentionPolicy.StartOf(period, taken);
        // a count may reach beyond what a date can say
        try
        {
            return RetentionPolicy.After(period, start, count);
        }
        catch (ArgumentOutOfRangeException)
        {
            return DateTime.MaxValue;
        }
    }

    static DateTime Moment(ulong seconds) => DateTimeOffset.FromUnixTimeSeconds((long)seconds).UtcDateTime;
}
