using ZfsArchive.Manifests;
using ZfsArchive.Retention;
using ZfsArchive.Zfs;

namespace ZfsArchive.Backup;

/// <summary>A snapshot or bookmark at the source that the repository can restore, or will be able to when the steps before are done.</summary>
/// <param name="ChainLength">Archives that lead to it, its own included.</param>
/// <param name="FullCreation">When the full was taken that they begin with, in seconds since 1970.</param>
sealed record BaseCandidate(string Name, ulong CreateTxg, NodeKey Node, bool IsBookmark, int ChainLength, long FullCreation);

/// <summary>Chooses what each archive is based on: a linear chain goes on from the newest, a tiered one from the newest that outlives it.</summary>
sealed class BaseChoice(ChainRule rule, Lazy<SnapshotWorth> worth)
{
    readonly List<BaseCandidate> _candidates = [];
    bool _planned;

    public BaseCandidate? Newest => _candidates.Count > 0 ? _candidates[^1] : null;

    /// <summary>In their order, the oldest first; of a snapshot and its bookmark the snapshot last.</summary>
    public void Add(BaseCandidate candidate) => _candidates.Add(candidate);

    /// <summary>The archive of a snapshot that is younger than all candidates; it is one itself from then on.</summary>
    public BackupStep Step(SourceFacts source, ZfsSnapshot snapshot)
    {
        var (from, why) = rule.Kind is ChainKind.Linear ? (_candidates[^1], null) : Outliving(snapshot);
        return TooLong(from, snapshot) is { } tooLong ? Full(source, snapshot, tooLong) : From(source, snapshot, from, why);
    }

    // Once there is a newer full, nothing more is hung on the chain of an older one: else it would never end.
    (BaseCandidate From, string? Why) Outliving(ZfsSnapshot snapshot)
    {
        var newestFull = _candidates.Max(c => c.FullCreation);
        var open = _candidates.Where(c => c.FullCreation == newestFull).ToList();
        var until = worth.Value.KeptUntil(snapshot.Guid);
        var lasting = open.LastOrDefault(c => worth.Value.KeptUntil(c.Node.Guid) >= until);
        if (lasting is null) return (open.MaxBy(c => (worth.Value.KeptUntil(c.Node.Guid), c.CreateTxg))!, "nothing is kept as long; this is kept longest");
        return (lasting, lasting == _candidates[^1] ? null : "the newest that is kept at least as long");
    }

    /// <summary>A full of it.</summary>
    public BackupStep Full(SourceFacts source, ZfsSnapshot snapshot, string why)
    {
        _planned = true;
        Add(new(snapshot.Name, snapshot.CreateTxg, source.NodeOf(snapshot.Guid, snapshot.IvsetGuid), false, 1, snapshot.Creation));
        return new(snapshot, null, why);
    }

    /// <summary>An incremental from this base.</summary>
    /// <param name="why">Null: it is the newest.</param>
    public BackupStep From(SourceFacts source, ZfsSnapshot snapshot, BaseCandidate from, string? why)
    {
        why ??= from == Newest && _planned ? "the snapshot before it" : from.IsBookmark ? "the newest archived snapshot is gone, its bookmark is not" : "the newest archived snapshot";
        _planned = true;
        Add(new(snapshot.Name, snapshot.CreateTxg, source.NodeOf(snapshot.Guid, snapshot.IvsetGuid), false, from.ChainLength + 1, from.FullCreation));
        return new(snapshot, new(from.Name, from.Node), why.StartsWith("from ", StringComparison.Ordinal) ? why : $"from {from.Name}: {why}");
    }

    string? TooLong(BaseCandidate candidate, ZfsSnapshot snapshot) =>
        rule.MaxLength is { } most && candidate.ChainLength + 1 > most ? $"a full: the chain would have {candidate.ChainLength + 1} archives, and {most} are allowed"
        : rule.MaxAge is { } age && TimeSpan.FromSeconds(double.Max(0, snapshot.Creation - candidate.FullCreation)) is var old && old > age
            ? $"a full: that of the chain is {old.TotalDays:0} days older, and {age.TotalDays:0.#} are allowed"
        : null;
}
