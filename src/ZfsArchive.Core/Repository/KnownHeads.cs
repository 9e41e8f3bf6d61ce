using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZfsArchive.Manifests;

namespace ZfsArchive.Repository;

/// <summary>An archive as this host remembers it.</summary>
/// <param name="Id"><c>folder/archive</c>.</param>
/// <param name="Sha256">Its manifest's own hash.</param>
/// <param name="Snapshot"><c>dataset@snapshot</c>.</param>
public sealed record KnownHead(string Id, string Sha256, string Snapshot);

/// <summary>
/// What this host has seen in a repository, by the repository's id: it shows when a manifest vanishes that no other one names.
/// Losing it loses no data, only that.
/// </summary>
public sealed class KnownHeads(LocalFolders folders, RepositoryDescriptor repository)
{
    string Path => System.IO.Path.Combine(folders.State, $"{repository.Id}.heads.json");

    /// <summary>What is remembered; empty without a memory, or with one that cannot be read.</summary>
    public ImmutableArray<KnownHead> Load()
    {
        try
        {
            using var file = File.OpenRead(Path);
            return JsonSerializer.Deserialize(file, KnownHeadsJson.Default.KnownHeadArray) is { } heads ? [.. heads] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return [];
        }
    }

    /// <summary>Adds archives to what is remembered; false when the memory cannot be written.</summary>
    public bool Remember(IEnumerable<ArchiveEntry> archives)
    {
        var heads = Load().ToDictionary(h => h.Id);
        foreach (var archive in archives) heads[archive.Id] = new(archive.Id, archive.Sha256, archive.SnapshotName);
        return Write(heads.Values);
    }

    /// <summary>Takes archives (<c>folder/archive</c>) that were removed by right out of what is remembered; false when the memory cannot be written.</summary>
    public bool Forget(IReadOnlyCollection<string> ids) => Write(Load().Where(h => !ids.Contains(h.Id)));

    bool Write(IEnumerable<KnownHead> heads)
    {
        try
        {
            Directory.CreateDirectory(folders.State);
            var draft = LocalFolders.DraftOf(Path);
            File.WriteAllBytes(draft, JsonSerializer.SerializeToUtf8Bytes([.. heads.OrderBy(h => h.Id, StringComparer.Ordinal)], KnownHeadsJson.Default.KnownHeadArray));
            File.Move(draft, Path, overwrite: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KnownHead[]))]
sealed partial class KnownHeadsJson : JsonSerializerContext;
