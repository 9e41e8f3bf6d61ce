using System.CommandLine;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Repository;

namespace ZfsArchive.Cli.Commands;

static class InitCommand
{
    public static Command Build(IHost host)
    {
        var (repo, json) = (Options.Repo(), Options.Json());
        var command = new Command("init", "Make a place a repository") { repo, json };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var store = Options.OpenStore(host, Options.PlaceOf(parsed, repo));
            await store.MakePlaceAsync(cancel);
            var repository = await ArchiveRepository.InitAsync(store, host.Folders, host.Clock, cancel);
            await host.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new InitResult(store.Location, repository.Descriptor.Id), CliJson.Default.InitResult)
                : $"{store.Location} is a repository now, id {repository.Descriptor.Id}");
            return ExitCodes.Done;
        });
        return command;
    }
}
