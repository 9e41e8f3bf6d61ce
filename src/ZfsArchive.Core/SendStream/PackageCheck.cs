using System.Collections.Immutable;

namespace ZfsArchive.SendStream;

/// <summary>
/// Whether a package brought what it promised. libzfs writes the conclusion also when the send of a part failed, so its presence
/// proves nothing: the streams have to follow each other up to the snapshot that the header names, for every dataset in it.
/// </summary>
static class PackageCheck
{
    /// <summary>What is missing or out of order, or null.</summary>
    public static string? Broken(BeginRecord package, ImmutableArray<SubstreamWalker> streams)
    {
        var begins = streams.Select(s => s.Begin!).ToList();
        return NotReached(package, begins) ?? OutOfOrder(begins) ?? Missing(package, begins);
    }

    static string? NotReached(BeginRecord package, List<BeginRecord> begins) =>
        begins.Exists(b => b.ToName == package.ToName) ? null : $"the package ends without a stream of {package.ToName}, the snapshot that it is of: it is incomplete";

    static string? OutOfOrder(List<BeginRecord> begins)
    {
        var last = new Dictionary<string, BeginRecord>();
        var seen = new HashSet<ulong>();
        foreach (var begin in begins)
        {
            if (!seen.Add(begin.ToGuid)) return $"the package has the stream of {begin.ToName} twice";
            if (last.TryGetValue(begin.DatasetName, out var before) && begin.FromGuid != before.ToGuid)
                return $"the stream of {begin.ToName} does not follow that of {before.ToName}: one is missing, or they are out of order";
            last[begin.DatasetName] = begin;
        }
        return null;
    }

    // fss: every dataset with all its snapshots; those that have the package's own have to be there with it.
    static string? Missing(BeginRecord package, List<BeginRecord> begins)
    {
        if (package.Properties is not { } header || header.Text("tosnap") is not { } snapshot || header.List("fss") is not { } datasets) return null;
        var brought = begins.Select(b => b.ToGuid).ToHashSet();
        var missing = datasets.Pairs.Select(p => p.Value).OfType<NvList>()
            .FirstOrDefault(d => d.List("snaps")?.UInt64(snapshot) is { } guid && !brought.Contains(guid));
        return missing is null ? null : $"the package promises a stream of {missing.Text("name") ?? "?"}@{snapshot} and has none: it is incomplete";
    }
}
