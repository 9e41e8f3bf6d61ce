using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Doctor;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;

namespace ZfsArchive.Cli.Commands;

static class DoctorCommand
{
    public static Command Build(IHost host)
    {
        var (repo, json) = (Options.Repo(), Options.Json());
        var command = new Command("doctor", "Try out what a place really does with these credentials: 0 good, 1 not, 10 it is not there") { repo, json };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var store = Options.OpenStore(host, Options.PlaceOf(parsed, repo));
            var repository = await RepositoryAsync(host, store, cancel);
            var diagnosis = await new DoctorRun(store, host.HostName, host.Clock, bytes => RandomNumberGenerator.Fill(bytes), Say).ExecuteAsync(cancel);
            if (host.ShowsProgress) await host.Error.WriteAsync($"\r{new string(' ', 40)}\r");
            var record = repository is null ? null : await KeepAsync(repository, diagnosis, cancel);
            if (parsed.GetValue(json)) await host.Out.WriteLineAsync(JsonSerializer.Serialize(new DoctorResult(diagnosis, record, diagnosis.IsGood), CliJson.Default.DoctorResult));
            else await PrintAsync(host, diagnosis, record);
            return diagnosis.IsGood ? ExitCodes.Done : ExitCodes.Failed;

            void Say(string probe)
            {
                if (host.ShowsProgress) host.Error.Write($"\r{probe,-40}");
            }
        });
        return command;
    }

    // A place that is none yet can be looked at too; then nothing is kept.
    static async Task<ArchiveRepository?> RepositoryAsync(IHost host, IObjectStore store, CancellationToken cancel)
    {
        try
        {
            if (await store.StatAsync(new(Layout.Descriptor), cancel) is null) return null;
        }
        catch (StoreException e) when (e.Failure is StoreFailure.Absent)
        {
            throw new ArchiveException(FailureKind.NoRepository, e.Message, e);
        }
        return await ArchiveRepository.OpenAsync(store, host.Folders, RepositoryUse.Write, cancel);
    }

    static async Task<string?> KeepAsync(ArchiveRepository repository, Diagnosis diagnosis, CancellationToken cancel)
    {
        var key = Layout.DoctorRecord(diagnosis.At, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
        await repository.CreateDocumentAsync(key, diagnosis, CliJson.Default.Diagnosis, cancel);
        return key;
    }

    static async Task PrintAsync(IHost host, Diagnosis diagnosis, string? record)
    {
        string[][] rows = [["PROBE", "", "FOUND"], .. diagnosis.Probes.Select(p => new[] { p.Name, p.State switch { ProbeState.Good => "ok", ProbeState.Note => "note", _ => "BAD" }, p.Found })];
        foreach (var line in Text.Table(rows)) await host.Out.WriteLineAsync(line);
        foreach (var probe in diagnosis.Probes.Where(p => p.Advice is not null)) await host.Out.WriteLineAsync($"{probe.Name}: {probe.Advice}");
        if (!diagnosis.Left.IsEmpty) await host.Out.WriteLineAsync($"{Text.Plural(diagnosis.Left.Length, "small object")} could not be removed and stay: {diagnosis.Left[0]}{(diagnosis.Left.Length > 1 ? " …" : "")}");
        await host.Out.WriteLineAsync(record is null ? "no repository here yet: zfsarchive init makes it one" : $"kept as {record}");
    }
}
