using System.Collections.Immutable;
using System.CommandLine;
using ZfsArchive.Fetch;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;

namespace ZfsArchive.Cli.Commands;

static class CatCommand
{
    public static Command Build(IHost host)
    {
        var what = new Argument<string>("what") { Description = "DATASET@SNAPSHOT" };
        var archive = new Option<string?>("--archive") { Description = "Which archive, when the snapshot has several" };
        var repo = Options.Repo();
        var command = new Command("cat", "Write an archive's stream to standard output") { what, archive, repo };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var repository = await Options.OpenRepositoryAsync(host, Options.PlaceOf(parsed, repo), RepositoryUse.Read, cancel, movesMuch: true);
            await using var lease = await Options.LeaseToReadAsync(host, repository, "cat", quiet: false, cancel);
            var catalog = await repository.CatalogAsync(cancel);
            var chosen = Choose(catalog, parsed.GetValue(what)!, parsed.GetValue(archive));
            using var fetcher = new ChunkFetcher(repository.Store, ChunkFetcher.StandardParallel);
            await new ArchiveFeed(repository, fetcher, ChunkFetcher.StandardAhead).WriteAsync(chosen, host.Output, null, cancel);
            return ExitCodes.Done;
        });
        return command;
    }

    static ArchiveEntry Choose(Catalog catalog, string what, string? name)
    {
        var (dataset, snapshot) = ArchiveSelection.Split(what);
        if (snapshot is null) throw new ArchiveException(FailureKind.Usage, $"'{what}' names no snapshot: say DATASET@SNAPSHOT");
        var folder = ArchiveSelection.Dataset(catalog, dataset);
        if (catalog.Faults.FirstOrDefault(f => name is not null && f.Key == $"{Layout.Manifests}{folder}/{name}.json") is { } fault)
            throw new ArchiveException(FailureKind.Damage, fault.Reason);
        var archives = ArchiveSelection.Snapshot(catalog, folder, snapshot);
        if (name is not null)
            return archives.FirstOrDefault(a => a.Name.Text == name || a.Id == name)
                ?? throw new ArchiveException(FailureKind.Usage, $"{what} has no archive '{name}'; it has {List(archives)}");
        return archives.Length == 1 ? archives[0] : throw new ArchiveException(FailureKind.Usage, $"{what} has several archives: choose one with --archive: {List(archives)}");
    }

    static string List(ImmutableArray<ArchiveEntry> archives) => string.Join(", ", archives.Select(a => a.Name.Text));
}
