using System.Collections.Immutable;
using System.Text;
using ZfsArchive.Manifests;
using ZfsArchive.Stores;

namespace ZfsArchive.Repository;

/// <summary>An archive as this host remembers it.</summary>
/// <param name="Id"><c>folder/archive</c>.</param>
/// <param name="Sha256">Its manifest's own hash.</param>
/// <param name="Snapshot"><c>dataset@snapshot</c>.</param>
public sealed record KnownHead(string Id, string Sha256, string Snapshot);

/// <summary>
/// What this host has seen in a repository, by the repository's id: it shows when a manifest vanishes that no other one names.
/// Losing it loses no data, only that. One line for each archive, tabs between hash, id and snapshot; the last line of an archive counts,
/// so that one more costs one line more, however many there are.
/// </summary>
public sealed class KnownHeads(LocalFolders folders, RepositoryDescriptor repository)
{
    Dictionary<string, KnownHead>? _seen;

    string Path => System.IO.Path.Combine(folders.State, $"{repository.Id}.seen");

    /// <summary>What is remembered, as it was when this process first asked, and what it has seen since; empty without a memory, or with one that cannot be read.</summary>
    public ImmutableArray<KnownHead> Load() => [.. (_seen ??= Read()).Values];

    /// <summary>Adds archives to what is remembered, in the place of what was remembered by their names: for who wrote or verified them. False when the memory cannot be written.</summary>
    public bool Remember(IEnumerable<ArchiveEntry> archives) => Add(archives, (known, head) => known != head);

    /// <summary>The same of what was only met: of an archive that is remembered with another manifest, that one stays, and the next look tells of it.</summary>
    public bool RememberMet(IEnumerable<ArchiveEntry> archives) => Add(archives, (known, _) => known is null);

    bool Add(IEnumerable<ArchiveEntry> archives, Func<KnownHead?, KnownHead, bool> isNew)
    {
        var seen = _seen ??= Read();
        var added = archives.Select(a => new KnownHead(a.Id, a.Sha256, a.SnapshotName)).Where(h => isNew(seen.GetValueOrDefault(h.Id), h)).ToList();
        if (added.Count > 0 && !TryAppend(string.Concat(added.Select(Line)))) return false;
        foreach (var head in added) seen[head.Id] = head;
        return true;
    }

    /// <summary>Takes archives (<c>folder/archive</c>) that were removed by right out of what is remembered; false when the memory cannot be written.</summary>
    public bool Forget(IReadOnlyCollection<string> ids)
    {
        if (ids.Count == 0) return true;
        _seen = Read();
        foreach (var id in ids) _seen.Remove(id);
        return LocalFolders.TryReplace(Path, Encoding.UTF8.GetBytes(string.Concat(_seen.Values.OrderBy(h => h.Id, StringComparer.Ordinal).Select(Line))));
    }

    static string Line(KnownHead head) => $"{head.Sha256}\t{head.Id}\t{head.Snapshot}\n";

    Dictionary<string, KnownHead> Read()
    {
        var heads = new Dictionary<string, KnownHead>();
        try
        {
            foreach (var line in File.ReadLines(Path))
                if (line.Split('\t') is [{ Length: 64 } sha256, var id, var snapshot]) heads[id] = new(id, sha256, snapshot);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // as if nothing had been seen
        }
        return heads;
    }

    bool TryAppend(string lines)
    {
        try
        {
            LocalFolders.Make(folders.State);
            // what a killed process has left of a line must not spoil the next one
            var text = Encoding.UTF8.GetBytes(EndsInLine() ? lines : "\n" + lines);
            // at the end, wherever that is by now: another process may remember something too
            using var file = Posix.OpenToAppend(Path);
            RandomAccess.Write(file, text, 0);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    bool EndsInLine()
    {
        if (!File.Exists(Path)) return true;
        using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (file.Length == 0) return true;
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }
}
