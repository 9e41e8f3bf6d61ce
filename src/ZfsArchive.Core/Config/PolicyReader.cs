using ZfsArchive.Retention;

namespace ZfsArchive.Config;

/// <summary>The rules that repositories, jobs and <c>defaults</c> have in common: what is kept, verified, sent, and when a chain begins anew.</summary>
static class PolicyReader
{
    const string Everything = "everything";
    const string Never = "never";

    static readonly string[] s_counted = ["last", "hourly", "daily", "weekly", "monthly", "yearly"];
    static readonly string[] s_levels = ["chain", "objects", "data", "stream"];
    static readonly ScalarKind<int> s_count = ScalarKinds.Number(0, 1_000_000);

    /// <summary>Null when nothing is said.</summary>
    public static RetentionPolicy? Retention(Section outer)
    {
        const string Key = "retention";
        if (outer[Key] is not { } node) return null;
        if (node is ScalarNode { Text: Everything }) return new();
        string[] keys = [.. s_counted, "within"];
        var section = new Section(outer.Faults, Key, node, [.. keys, .. keys.Select(k => "keep_" + k)]);
        if (node is not MapNode) return null;
        foreach (var key in keys.Where(k => section[k] is not null && section["keep_" + k] is not null)) section.Fault("keep_" + key, $"keep_{key} and {key} are the same: leave one out");
        var counts = s_counted.Select(k => section.Find(k, s_count) ?? section.Find("keep_" + k, s_count) ?? 0).ToArray();
        var within = section.Find("within", ScalarKinds.Duration) ?? section.Find("keep_within", ScalarKinds.Duration);
        var policy = new RetentionPolicy(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], within);
        if (policy.IsEmpty && !keys.Any(k => section[k] is { } value && IsFaulty(value)))
            outer.Faults.Add(node, $"this retention would keep nothing: write {Key}: {Everything} if nothing is to be removed, else how many, such as daily: 30");
        return policy;

        // a count that cannot be read has its own fault
        static bool IsFaulty(ConfigNode value) => value is not ScalarNode { Text: "0" };
    }

    public static VerifyRule Verify(Section outer, VerifyRule fallback)
    {
        if (outer["verify"] is not { } node) return fallback;
        if (IsNever(node)) return StandardRules.Verify with { Cycle = null };
        var section = new Section(outer.Faults, "verify", node, "cycle", "level", "max_bytes", "max_time");
        return new(
            section.Find("cycle", ScalarKinds.Duration) ?? fallback.Cycle ?? StandardRules.Verify.Cycle,
            section.Find("level", ScalarKinds.Word(s_levels)) is { } level ? s_levels[level] : fallback.Level,
            section.Find("max_bytes", ScalarKinds.Size) ?? fallback.MaxBytes,
            section.Find("max_time", ScalarKinds.Duration) ?? fallback.MaxTime);
    }

    public static SendRule Send(Section outer, SendRule fallback)
    {
        var section = new Section(outer.Faults, "send", outer["send"], "allow_plaintext", "allow_full", "adopt", "first", "compress", "chunk_size");
        return new(
            section.Get("allow_plaintext", ScalarKinds.Flag, fallback.AllowPlaintext),
            section.Get("allow_full", ScalarKinds.Flag, fallback.AllowFull),
            section.Get("adopt", ScalarKinds.Flag, fallback.Adopt),
            section.Find("first", ScalarKinds.Word("oldest", "newest")) is { } first ? first == 1 : fallback.FirstNewest,
            section.Get("compress", ScalarKinds.Number(0, 19), fallback.Level),
            section.Find("chunk_size", ScalarKinds.Number(1, 64)) ?? fallback.ChunkSize);
    }

    /// <summary><c>chain</c> and <c>new_full</c>.</summary>
    public static ChainRule Chain(Section outer, ChainRule fallback)
    {
        var kind = outer.Find("chain", ScalarKinds.Word("linear", "tiered")) is { } word ? (word == 0 ? ChainKind.Linear : ChainKind.Tiered) : fallback.Kind;
        if (outer["new_full"] is not { } node) return fallback with { Kind = kind };
        if (IsNever(node)) return new(kind, null, null);
        var section = new Section(outer.Faults, "new_full", node, "max_age", "max_length");
        return new(kind, section.Find("max_age", ScalarKinds.Duration), section.Find("max_length", ScalarKinds.Number(1, 1_000_000)));
    }

    /// <summary>A duration, or <c>never</c> for none.</summary>
    public static TimeSpan? DurationOrNever(Section section, string key, TimeSpan? fallback) =>
        section[key] is { } node && IsNever(node) ? null : section.Find(key, ScalarKinds.Duration) ?? fallback;

    // Who is used to switches writes false.
    static bool IsNever(ConfigNode node) => node is ScalarNode { Text: Never or "false" or "no" };
}
