using System.CommandLine;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Commands;

static class VerifyCommand
{
    public static Command Build(IHost host)
    {
        var dataset = new Argument<string?>("dataset") { Description = "Look closely only at this dataset and those below it", Arity = ArgumentArity.ZeroOrOne };
        var level = new Option<string>("--level", "-l")
        {
            Description = "chain: manifests and their links; objects: and every chunk's presence and size; data: and its bytes; stream: and every record",
            DefaultValueFactory = _ => "stream",
        };
        var remote = new Option<bool>("--remote") { Description = "With --level data: let the far side hash its files (SFTP servers that run sha256sum) instead of reading them" };
        level.AcceptOnlyFromAmong("chain", "objects", "data", "stream");
        var sample = new Option<string?>("--sample") { Description = "With --level data or stream: read this part of what is stored, such as 5%; what was found damaged, or read longest ago, comes first" };
        var bytes = new Option<string?>("--max-bytes") { Description = "… at most so many stored bytes, such as 100G" };
        var time = new Option<string?>("--max-time") { Description = "… for at most so long, such as 2h or 30m" };
        var accept = new Option<bool>("--accept") { Description = "Take what is there now for right, where this host has seen another manifest, or one that is gone: it is missed no longer" };
        var (repo, json, quiet) = (Options.Repo(), Options.Json(), Options.Quiet());
        var command = new Command("verify", "Hold what is stored against the manifests: 0 sound, 20 damage") { dataset, level, remote, sample, bytes, time, accept, repo, json, quiet };
        command.SetAction(async (parsed, cancel) =>
        {
            var depth = VerifyLevels.Parse(parsed.GetValue(level)!);
            if (parsed.GetValue(remote) && depth is not VerifyLevel.Data) throw new ArchiveException(FailureKind.Usage, "--remote goes with --level data: records can only be checked here");
            var budget = new VerifyBudget(Amounts.Share("--sample", parsed.GetValue(sample)), Amounts.Bytes("--max-bytes", parsed.GetValue(bytes)), null);
            var limit = Amounts.Time("--max-time", parsed.GetValue(time));
            var budgeted = budget is not { Share: null, MaxBytes: null } || limit is not null;
            if (budgeted && depth < VerifyLevel.Data) throw new ArchiveException(FailureKind.Usage, "--sample, --max-bytes and --max-time go with --level data or stream: the others read no chunks");
            await using var repository = await Options.OpenRepositoryAsync(host, Options.PlaceOf(parsed, repo), RepositoryUse.Read, cancel);
            await using var lease = await Options.LeaseToReadAsync(host, repository, "verify", parsed.GetValue(quiet), cancel);
            var order = new VerifyOrder(depth, budgeted ? budget : null, limit, parsed.GetValue(remote));
            var pass = await VerifyPass.PrepareAsync(repository, repository.CatalogAsync, order, catalog => Selection(catalog, parsed.GetValue(dataset)), cancel);
            if (pass.Plan?.Warning is { } warning) await host.Error.WriteLineAsync($"zfsarchive: note: {warning}");
            if (parsed.GetValue(accept)) await AcceptAsync(host, repository, pass.Catalog, parsed.GetValue(dataset), cancel);
            VerifyReport report;
            using (var line = new ProgressLine(host, "verifying", depth >= VerifyLevel.Data ? pass.Bytes : null))
                report = await pass.ExecuteAsync(host.HostName, mayWrite: lease is not null, host.Clock, line, cancel);
            if (parsed.GetValue(json)) await host.Out.WriteLineAsync(JsonSerializer.Serialize(new VerifyResult(repository.Store.Location, report, report.Sound), CliJson.Default.VerifyResult));
            else await PrintAsync(host, report, parsed.GetValue(quiet));
            return report.Sound ? ExitCodes.Done : ExitCodes.Damage;
        });
        return command;
    }

    // Of one dataset and those below it where one was named; and on the store's own word, not on a listing's, which may leave something out.
    static async Task AcceptAsync(IHost host, ArchiveRepository repository, Catalog catalog, string? dataset, CancellationToken cancel)
    {
        var folders = dataset is null ? null : ArchiveSelection.Tree(catalog, dataset).Select(f => $"{f}/").ToList();
        foreach (var head in await SeenChanges.FindAsync(repository, catalog, cancel))
        {
            if (folders is not null && !folders.Exists(f => head.Id.StartsWith(f, StringComparison.Ordinal))) continue;
            var there = catalog.Graph.Find(head.Id);
            if (there is null && await repository.Store.StatAsync(new(SeenChanges.KeyOf(head)), cancel) is not null)
                throw new ArchiveException(FailureKind.Damage, $"{repository.Store.Location}: {SeenChanges.KeyOf(head)} is there and was left out of the listing: nothing more was accepted. Run it again, and if it stays so, ask the provider");
            if (!(there is null ? repository.Seen.Forget([head.Id]) : repository.Seen.Remember([there])))
                throw new ArchiveException(FailureKind.Failed, $"what this host has seen cannot be written in {repository.Folders.State}: make that folder writable");
            await host.Error.WriteLineAsync($"zfsarchive: accepted: the manifest of {head.Snapshot} ({head.Id}) {(there is null ? "is gone" : "is another one")}");
        }
    }

    static Func<ArchiveEntry, bool> Selection(Catalog catalog, string? dataset)
    {
        if (dataset is null) return _ => true;
        var selected = ArchiveSelection.Tree(catalog, dataset).ToHashSet();
        return archive => selected.Contains(archive.Folder);
    }

    static async Task PrintAsync(IHost host, VerifyReport report, bool quiet)
    {
        foreach (var finding in report.Findings.Where(f => !quiet || f.Severity is Severity.Damage))
        {
            await host.Out.WriteLineAsync($"{(finding.Severity is Severity.Damage ? "DAMAGE" : "note")}  {finding.Object}: {finding.Reason}");
            if (!finding.Costs.IsEmpty) await host.Out.WriteLineAsync($"        costs {SnapshotWords.Of(finding.Costs)}");
            await host.Out.WriteLineAsync($"        {finding.Mend}");
        }
        if (quiet && report.Sound) return;
        await host.Out.WriteLineAsync(report.Sound
            ? $"sound at level {report.Level.Word()}: {Text.Plural(report.Archives, "archive")}, {Text.Plural(report.Chunks, "chunk")}, {Text.Bytes(report.BytesRead)} read{(report.BytesByWord > 0 ? $", {Text.Bytes(report.BytesByWord)} hashed by the far side" : "")}"
            : $"DAMAGED: {Text.Plural(report.Findings.Count(f => f.Severity is Severity.Damage), "finding")}; {SnapshotWords.OfLost(report.Lost)}");
    }
}
