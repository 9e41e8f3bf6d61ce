using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Commands;

static class ListCommand
{
    public static Command Build(IHost host)
    {
        var dataset = new Argument<string?>("dataset") { Description = "Only this dataset and those below it", Arity = ArgumentArity.ZeroOrOne };
        var (repo, json) = (Options.Repo(), Options.Json());
        var command = new Command("list", "List the archives, and which of them can be restored") { dataset, repo, json };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var repository = await Options.OpenRepositoryAsync(host, Options.PlaceOf(parsed, repo), RepositoryUse.Read, cancel);
            var (reading, verified) = (repository.KnownCatalogAsync(cancel), VerifyRecords.LoadAsync(repository, cancel));
            await Task.WhenAll(reading, verified);
            var (catalog, history) = (await reading, await verified);
            var damaged = catalog.Graph.Archives.Where(a => history.Of(a) is { Damaged.Count: > 0 }).Select(a => a.Id).ToHashSet();
            var folders = parsed.GetValue(dataset) is { } name ? ArchiveSelection.Tree(catalog, name) : [.. catalog.Folders];
            var (all, paths) = (catalog.Graph.Paths(), damaged.Count == 0 ? catalog.Graph.Paths() : catalog.Graph.Paths(a => !damaged.Contains(a.Id)));
            var listed = folders.SelectMany(f => catalog.Graph.Archives.Where(a => a.Folder == f)
                .OrderBy(a => a.Head.Snapshot.Createtxg ?? 0).ThenBy(a => a.Head.Snapshot.Creation).ThenBy(a => a.Id, StringComparer.Ordinal)).Select(a => Listed(a, paths, damaged.Contains(a.Id), all.Reaches(a))).ToList();
            if (parsed.GetValue(json))
                await host.Out.WriteLineAsync(JsonSerializer.Serialize(new ListResult(repository.Store.Location, repository.Descriptor.Id, [.. listed], [.. catalog.Faults.Select(f => f.Reason)]), CliJson.Default.ListResult));
            else
                await PrintAsync(host, listed);
            foreach (var fault in catalog.Faults) await host.Error.WriteLineAsync($"zfsarchive: {fault.Reason}");
            return catalog.Faults.IsEmpty && !listed.Exists(a => a.Damaged) ? ExitCodes.Done : ExitCodes.Damage;
        });
        return command;
    }

    static async Task PrintAsync(IHost host, List<ListedArchive> listed)
    {
        if (listed.Count == 0)
        {
            await host.Out.WriteLineAsync("no archives");
            return;
        }
        List<string[]> rows = [["SNAPSHOT", "TAKEN", "KIND", ">STREAM", ">STORED", ">RESTORE READS", "STATE"]];
        rows.AddRange(listed.Select(a => new[]
        {
            $"{a.Dataset}@{a.Snapshot}", Text.Time(a.Creation), $"{(a.Raw ? "raw " : "")}{a.Kind}", Text.Bytes(a.Length), Text.Bytes(a.StoredLength),
            a.Restorable ? $"{Text.Bytes(a.RestoreLength)} in {a.ChainLength}" : "-",
            State(a),
        }));
        foreach (var line in Text.Table(rows)) await host.Out.WriteLineAsync(line);
    }

    static string State(ListedArchive archive) =>
        archive.Damaged ? "DAMAGED: run verify"
        : archive.Restorable ? "ok"
        : !archive.Conditions.IsEmpty ? string.Join(", ", archive.Conditions)
        : archive.BaseDamaged ? "NOT RESTORABLE: what it is based on is damaged"
        : "NOT RESTORABLE: its base is missing";

    /// <param name="paths">Past what is damaged.</param>
    /// <param name="isReached">If nothing were damaged.</param>
    static ListedArchive Listed(ArchiveEntry archive, ArchivePaths paths, bool isDamaged, bool isReached)
    {
        var head = archive.Head;
        var way = paths.Reaches(archive) ? paths.Way(archive) : (Way?)null;
        return new(
            archive.Id, head.Dataset.Name, head.Snapshot.Name, head.Snapshot.Guid.ToString(CultureInfo.InvariantCulture), head.Snapshot.Creation, head.Kind, head.Base?.Archive,
            head.Encryption.Raw, head.Stream.Length, head.Totals.StoredLength, way is not null, way?.Length ?? 0, way?.Cost ?? 0, head.Stream.Conditions, archive.Sha256, isDamaged, isReached && way is null && !isDamaged);
    }
}

static class ShowCommand
{
    public static Command Build(IHost host)
    {
        var what = new Argument<string>("what") { Description = "DATASET[@SNAPSHOT]; without a snapshot the newest that can be restored" };
        var (repo, json) = (Options.Repo(), Options.Json());
        var command = new Command("show", "Show all that is known of a snapshot's archives") { what, repo, json };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var repository = await Options.OpenRepositoryAsync(host, Options.PlaceOf(parsed, repo), RepositoryUse.Read, cancel);
            var catalog = await repository.CatalogAsync(cancel);
            var paths = catalog.Graph.Paths();
            var (dataset, snapshot) = ArchiveSelection.Split(parsed.GetValue(what)!);
            var folder = ArchiveSelection.Dataset(catalog, dataset);
            var verified = await VerifyRecords.LoadAsync(repository, cancel);
            var archives = snapshot is null ? [ArchiveSelection.Newest(catalog, paths, folder, null)] : ArchiveSelection.Snapshot(catalog, folder, snapshot);
            foreach (var archive in archives)
            {
                using var manifest = await repository.OpenManifestAsync(archive.Folder, archive.Name, cancel)
                    ?? throw SealedJson.Damage($"archive {archive}", "its manifest is gone");
                if (parsed.GetValue(json)) await host.Out.WriteLineAsync(JsonSerializer.Serialize(manifest.Head, CliJson.Default.ManifestHead));
                else foreach (var line in Describe(archive, manifest.Head, paths, verified.Of(archive))) await host.Out.WriteLineAsync(line);
            }
            return ExitCodes.Done;
        });
        return command;
    }

    static IEnumerable<string> Describe(ArchiveEntry archive, ManifestHead head, ArchivePaths paths, VerifiedArchive? verified)
    {
        yield return $"{archive.SnapshotName} ({head.Dataset.Type}), guid {head.Snapshot.Guid}, taken {Text.Time(head.Snapshot.Creation)}";
        yield return $"  archive     {archive.Id}";
        yield return $"  manifest    {archive.Sha256}";
        yield return $"  written     {head.Created.At:yyyy-MM-dd HH:mm:ss'Z'} by zfsarchive {head.Created.Version} on {head.Created.Host}{(head.Created.OpenZfsUserland is { } zfs ? $", {zfs}" : "")}";
        yield return $"  stream      {Text.Bytes(head.Stream.Length)} of {head.Stream.ToName}, {string.Join(' ', head.Stream.Features)}";
        yield return $"  stored      {Text.Bytes(head.Totals.StoredLength)} in {Text.Plural(head.Totals.Chunks, "chunk")}, {head.Totals.CompressedChunks} of them compressed";
        yield return $"  needs       OpenZFS {head.Stream.Requires.OpenZfs}{(head.Stream.Requires.PoolFeatures.IsEmpty ? "" : $", pool features {string.Join(' ', head.Stream.Requires.PoolFeatures)}")}";
        yield return head.Encryption.Raw
            ? $"  encryption  {head.Encryption.Suite}, {head.Encryption.KeyFormat}, key guid {head.Encryption.KeyGuid}, wrapping {head.Encryption.WrappingId}{(head.Encryption.EncryptionRoot is { IsRoot: false } root ? $", under the key of {root.Name}" : "")}"
            : "  encryption  none: this archive is plaintext";
        foreach (var damaged in verified?.Damaged ?? []) yield return $"  DAMAGED     {damaged.Object}: {damaged.Reason} (found {damaged.At:yyyy-MM-dd HH:mm:ss'Z'})";
        if (!head.Stream.Conditions.IsEmpty) yield return $"  CONDITIONS  {string.Join(", ", head.Stream.Conditions)}: it does not count as archived";
        foreach (var (name, value) in head.Properties ?? System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty) yield return $"  property    {name}={value}";
        if (paths.To(archive) is not { } path) yield return "  restore     NOT POSSIBLE";
        else foreach (var link in path) yield return $"  restore     {link.SnapshotName} ({link.Head.Kind}, {Text.Bytes(link.Head.Totals.StoredLength)})";
    }
}
