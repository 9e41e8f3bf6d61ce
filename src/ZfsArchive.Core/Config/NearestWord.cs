namespace ZfsArchive.Config;

/// <summary>What somebody may have meant who wrote a word that nobody knows.</summary>
public static class NearestWord
{
    // Words of other tools and of common sense, without underscores.
    static readonly Dictionary<string, string[]> s_meanings = new()
    {
        ["repo"] = ["url", "repositories"], ["repository"] = ["url", "repositories"], ["repos"] = ["repositories"], ["target"] = ["url", "repositories"], ["targets"] = ["repositories"],
        ["destination"] = ["url", "repositories"], ["destinations"] = ["repositories"], ["path"] = ["url"], ["location"] = ["url"], ["address"] = ["url"], ["uri"] = ["url"], ["place"] = ["url"],
        ["storage"] = ["repositories"], ["backups"] = ["jobs"], ["tasks"] = ["jobs"], ["job"] = ["jobs"], ["notifications"] = ["notify"], ["alerts"] = ["notify"], ["healthchecks"] = ["notify", "ping"],
        ["default"] = ["defaults"], ["global"] = ["defaults"], ["keep"] = ["retention"], ["policy"] = ["retention"], ["retain"] = ["retention"], ["forget"] = ["retention"],
        ["filesystem"] = ["datasets"], ["filesystems"] = ["datasets"], ["volumes"] = ["datasets"], ["pools"] = ["datasets"], ["excludes"] = ["exclude"], ["ignore"] = ["exclude"], ["skip"] = ["exclude"],
        ["zfs"] = ["source"], ["host"] = ["source"], ["from"] = ["source"], ["to"] = ["repositories", "to"], ["children"] = ["recursive"], ["recurse"] = ["recursive"],
        ["commands"] = ["hooks"], ["scripts"] = ["hooks"], ["runbefore"] = ["hooks", "before"], ["runafter"] = ["hooks", "after"], ["pre"] = ["before", "hooks"], ["post"] = ["after", "hooks"],
        ["compression"] = ["compress"], ["zstd"] = ["compress"], ["plaintext"] = ["allow_plaintext"], ["unencrypted"] = ["allow_plaintext"], ["full"] = ["allow_full", "new_full"], ["fulls"] = ["new_full"],
        ["limit"] = ["bandwidth"], ["ratelimit"] = ["bandwidth"], ["bwlimit"] = ["bandwidth"], ["up"] = ["upload"], ["down"] = ["download"], ["uploadlimit"] = ["upload", "bandwidth"], ["downloadlimit"] = ["download", "bandwidth"],
        ["key"] = ["access_key"], ["accesskeyid"] = ["access_key"], ["awsaccesskeyid"] = ["access_key"], ["secret"] = ["secret_key"], ["secretaccesskey"] = ["secret_key"], ["awssecretaccesskey"] = ["secret_key"],
        ["environment"] = ["env"], ["variable"] = ["env"], ["filename"] = ["file"], ["credentials"] = ["credential", "access_key"], ["email"] = ["mail"], ["exec"] = ["command"], ["run"] = ["command"], ["program"] = ["command"],
        ["http"] = ["webhook", "ping"], ["hook"] = ["webhook", "hooks"], ["body"] = ["template"], ["recipient"] = ["to"], ["sender"] = ["from"], ["check"] = ["verify"], ["scrub"] = ["verify"], ["every"] = ["cycle"],
        ["interval"] = ["cycle"], ["depth"] = ["level"], ["bytes"] = ["max_bytes"], ["time"] = ["max_time"], ["rpo"] = ["max_age"], ["maxdelete"] = ["remove_at_most"], ["minutely"] = ["hourly"], ["frequently"] = ["hourly"],
        ["snap"] = ["snapshot"], ["autosnap"] = ["snapshot"], ["autoprune"] = ["prune"], ["count"] = ["last", "keep"], ["level"] = ["compress"], ["wait"] = ["timeout"], ["endpoint"] = ["options"], ["region"] = ["options"],
    };

    /// <summary>The known word that is nearest, or null when none is near.</summary>
    public static string? Of(string word, IEnumerable<string> known)
    {
        var bare = Bare(word);
        var candidates = known.ToList();
        if (candidates.FirstOrDefault(c => Bare(c) == bare) is { } same) return same;
        if (s_meanings.TryGetValue(bare, out var meanings) && meanings.FirstOrDefault(candidates.Contains) is { } meant) return meant;
        if (word.Length > 64) return null;
        var (nearest, distance) = candidates.Select(c => (c, Distance(bare, Bare(c)))).OrderBy(c => c.Item2).FirstOrDefault();
        return nearest is not null && distance <= int.Max(1, bare.Length / 3) ? nearest : null;
    }

    /// <summary><c>: did you mean …?</c>, or else all that there is.</summary>
    public static string Advice(string word, IReadOnlyCollection<string> known, string what) =>
        Of(word, known) is { } nearest ? $": did you mean {nearest}?"
        : known.Count == 0 ? $": there are no {what}"
        : $"; {what} are {string.Join(", ", known)}";

    static string Bare(string word) => new([.. word.Where(c => c is not ('_' or '-' or ' ')).Select(char.ToLowerInvariant)]);

    // Insertions, deletions, substitutions, and neighbours that changed places.
    static int Distance(string a, string b)
    {
        var costs = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) costs[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) costs[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var changed = a[i - 1] == b[j - 1] ? 0 : 1;
                costs[i, j] = int.Min(int.Min(costs[i - 1, j] + 1, costs[i, j - 1] + 1), costs[i - 1, j - 1] + changed);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) costs[i, j] = int.Min(costs[i, j], costs[i - 2, j - 2] + 1);
            }
        }
        return costs[a.Length, b.Length];
    }
}
