using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;

namespace ZfsArchive.Copy;

/// <summary>What is to be copied from one repository into another, in an order in which every archive comes behind its base.</summary>
/// <param name="Archives">To be copied.</param>
/// <param name="Mended">Ids of those among them that are there, and damaged.</param>
/// <param name="There">There already, the same manifest.</param>
/// <param name="Refused">What cannot be copied, and why.</param>
public sealed record CopyPlan(ImmutableArray<ArchiveEntry> Archives, ImmutableHashSet<string> Mended, ImmutableArray<ArchiveEntry> There, ImmutableArray<(ArchiveEntry Archive, string Why)> Refused)
{
    public long StoredLength => Archives.Sum(a => a.Head.Totals.StoredLength);

    /// <param name="wanted">What was asked for; its bases are added.</param>
    /// <param name="damaged">Ids of archives of the target with something that was found damaged.</param>
    /// <param name="seen">What was seen in the target before.</param>
    public static CopyPlan Make(Catalog source, Catalog target, IEnumerable<ArchiveEntry> wanted, IReadOnlySet<string>? damaged = null, IEnumerable<KnownHead>? seen = null)
    {
        var known = KnownThere(target, seen ?? []);
        var sources = source.Graph.Archives.ToDictionary(a => a.Id);
        var targets = target.Graph.Archives.ToDictionary(a => a.Id);
        var unreadable = target.Faults.Select(f => f.Key).ToHashSet();
        var archives = ImmutableArray.CreateBuilder<ArchiveEntry>();
        var mended = ImmutableHashSet.CreateBuilder<string>();
        var there = ImmutableArray.CreateBuilder<ArchiveEntry>();
        var refused = new Dictionary<string, (ArchiveEntry Archive, string Why)>();
        var decided = new HashSet<string>();
        foreach (var archive in wanted.OrderBy(a => a.Head.Snapshot.Creation).ThenBy(a => a.Head.Snapshot.Createtxg ?? 0).ThenBy(a => a.Id, StringComparer.Ordinal))
            foreach (var next in BasesFirst(archive, sources, decided)) Decide(next);
        return new(archives.ToImmutable(), mended.ToImmutable(), there.ToImmutable(), [.. refused.Values]);

        void Decide(ArchiveEntry archive)
        {
            var isThere = targets.TryGetValue(archive.Id, out var other) && other.Sha256 == archive.Sha256;
            if (isThere && damaged?.Contains(archive.Id) is not true) there.Add(archive);
            else if (other is not null && !isThere)
                refused[archive.Id] = (archive, $"the target has another archive by the name {archive.Id}: the same snapshot was archived there by itself, and needs no copy");
            else if (!isThere && known.TryGetValue(archive.Id, out var hashes) && !hashes.Contains(archive.Sha256))
                refused[archive.Id] = (archive, $"the target had another archive by the name {archive.Id}, and this one would not be what others there are based on");
            else if (BaseFault(archive) is { } fault) refused[archive.Id] = (archive, fault);
            else
            {
                archives.Add(archive);
                if (isThere || unreadable.Contains(Layout.Manifest(archive.Folder, archive.Name))) mended.Add(archive.Id);
            }
        }

        // A link is by the hash of the base's manifest: another archive of the same snapshot will not do.
        string? BaseFault(ArchiveEntry archive)
        {
            if (archive.Head.Base is not { } link) return null;
            if (refused.ContainsKey(link.Archive)) return $"its base {link.Archive} is not copied";
            if (sources.TryGetValue(link.Archive, out var known) ? known.Sha256 == link.ManifestSha256 : targets.TryGetValue(link.Archive, out var at) && at.Sha256 == link.ManifestSha256) return null;
            return $"its base {link.Archive} is in neither repository as it was: verify the source first";
        }
    }

    // Manifests by id, of which something there says that they are right.
    static Dictionary<string, HashSet<string>> KnownThere(Catalog target, IEnumerable<KnownHead> seen) =>
        seen.Select(h => (h.Id, h.Sha256))
            .Concat(target.Graph.Archives.Where(a => a.Head.Base is not null).Select(a => (Id: a.Head.Base!.Archive, Sha256: a.Head.Base!.ManifestSha256)))
            .Where(k => target.Graph.Find(k.Id) is null)
            .GroupBy(k => k.Id).ToDictionary(g => g.Key, g => g.Select(k => k.Sha256).ToHashSet());

    // The archive behind all that it is based on; hostile manifests may form cycles.
    static Stack<ArchiveEntry> BasesFirst(ArchiveEntry archive, Dictionary<string, ArchiveEntry> sources, HashSet<string> decided)
    {
        var chain = new Stack<ArchiveEntry>();
        for (var at = archive; at is not null && decided.Add(at.Id); at = at.Head.Base is { } link && sources.TryGetValue(link.Archive, out var known) ? known : null) chain.Push(at);
        return chain;
    }
}
