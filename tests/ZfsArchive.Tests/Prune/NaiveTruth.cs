using System.Globalization;
using System.Text.Json;
using ZfsArchive.Retention;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Prune;

/// <summary>What a policy wants, by its documented words and by nothing of the code that is tested.</summary>
static class NaivePolicy
{
    /// <param name="all">In their true order, the oldest first.</param>
    public static HashSet<ulong> Wanted(RetentionPolicy policy, IReadOnlyList<(ulong Guid, DateTimeOffset Taken)> all, DateTimeOffset now)
    {
        var past = all.Where(s => s.Taken <= now).ToList();
        var wanted = all.Where(s => s.Taken > now).Select(s => s.Guid).ToHashSet();
        if (all.Count > 0) wanted.Add(all[^1].Guid);
        wanted.UnionWith(past.TakeLast(policy.Last).Select(s => s.Guid));
        if (past.Count == 0) return wanted;
        var newest = past.Max(s => s.Taken);
        wanted.Add(past.Last(s => s.Taken == newest).Guid);
        if (policy.Within is { } within) wanted.UnionWith(past.Where(s => s.Taken >= newest - within).Select(s => s.Guid));
        Add(policy.Hourly, t => t.ToString("yyyyMMddHH", CultureInfo.InvariantCulture));
        Add(policy.Daily, t => t.ToString("yyyyMMdd", CultureInfo.InvariantCulture));
        Add(policy.Weekly, t => $"{ISOWeek.GetYear(t):D4}{ISOWeek.GetWeekOfYear(t):D2}");
        Add(policy.Monthly, t => t.ToString("yyyyMM", CultureInfo.InvariantCulture));
        Add(policy.Yearly, t => t.ToString("yyyy", CultureInfo.InvariantCulture));
        return wanted;

        void Add(int count, Func<DateTime, string> period)
        {
            if (count == 0) return;
            var firsts = new SortedDictionary<string, (ulong Guid, DateTimeOffset Taken)>(StringComparer.Ordinal);
            foreach (var snapshot in past)
            {
                var name = period(snapshot.Taken.UtcDateTime);
                if (!firsts.TryGetValue(name, out var first) || snapshot.Taken < first.Taken) firsts[name] = snapshot;
            }
            wanted.UnionWith(firsts.Values.TakeLast(count).Select(s => s.Guid));
        }
    }
}

/// <summary>What lies in a store as its objects themselves say, read by nothing of the code that is tested.</summary>
/// <param name="read">An object's bytes.</param>
sealed class NaiveRepository(Func<IEnumerable<string>> keys, Func<string, byte[]> read)
{
    readonly Dictionary<string, Manifest> _manifests = [];

    sealed record Manifest(string Id, ulong Guid, string Sha256, string? Base, string? BaseSha256, string[] Chunks);

    /// <summary>Snapshots that can be restored by the bases that the manifests name. Fails when a manifest names what is not there.</summary>
    public HashSet<ulong> Restorable()
    {
        var present = keys().ToHashSet();
        foreach (var gone in _manifests.Keys.Where(k => !present.Contains(k)).ToList()) _manifests.Remove(gone);
        foreach (var key in present.Where(k => k.StartsWith("manifests/", StringComparison.Ordinal) && !k.Contains("/dataset-", StringComparison.Ordinal) && !_manifests.ContainsKey(k)))
            _manifests[key] = Read(key, read(key));
        var byId = _manifests.Values.ToDictionary(m => m.Id);
        var walked = new HashSet<string>();
        foreach (var manifest in byId.Values)
        {
            Assert.All(manifest.Chunks, c => Assert.True(present.Contains($"archives/{manifest.Id}/{c}"), $"{manifest.Id} has lost chunk {c}"));
            var seen = new HashSet<string>();
            for (var at = manifest; !walked.Contains(at.Id) && at.Base is { } named; at = byId[named])
            {
                Assert.True(seen.Add(at.Id), $"{at.Id} is based on itself");
                Assert.True(byId.TryGetValue(named, out var link) && link.Sha256 == at.BaseSha256, $"{at.Id} has lost its base {named}");
            }
            walked.UnionWith(seen);
        }
        return [.. byId.Values.Select(m => m.Guid)];
    }

    static Manifest Read(string key, byte[] text)
    {
        using var json = JsonDocument.Parse(text);
        var (root, parts) = (json.RootElement, key.Split('/'));
        var link = root.GetProperty("base");
        var isFull = link.ValueKind is JsonValueKind.Null;
        return new(
            $"{parts[1]}/{parts[2][..^".json".Length]}", ulong.Parse(root.GetProperty("snapshot").GetProperty("guid").GetString()!, CultureInfo.InvariantCulture), root.GetProperty("sha256").GetString()!,
            isFull ? null : link.GetProperty("archive").GetString(), isFull ? null : link.GetProperty("manifestSha256").GetString(),
            [.. root.GetProperty("chunks").EnumerateArray().Select(c => c.GetProperty("name").GetString()!)]);
    }
}
