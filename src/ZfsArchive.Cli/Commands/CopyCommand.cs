using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Copy;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Verify;

namespace ZfsArchive.Cli.Commands;

static class CopyCommand
{
    public static Command Build(IHost host)
    {
        var what = new Argument<string[]>("what") { Description = "DATASET (and those below it) or DATASET@SNAPSHOT with what it is based on; all if not said", Arity = ArgumentArity.ZeroOrMore };
        var to = new Option<string>("--to") { Description = "The repository to copy into", Required = true };
        var toOption = new Option<string[]>("--to-option") { Description = "As -o, for the way to that one; what is not said here goes for both", AllowMultipleArgumentsPerToken = false };
        var (repo, dryRun, json, quiet) = (Options.Repo(), Options.DryRun(), Options.Json(), Options.Quiet());
        repo.Aliases.Add("--from");
        var command = new Command("copy", "Copy archives into another repository, as they are") { what, to, toOption, repo, dryRun, json, quiet };
        command.SetAction(async (parsed, cancel) =>
        {
            var source = Options.PlaceOf(parsed, repo);
            var target = source with { Text = parsed.GetValue(to), Settings = [.. source.Settings, .. parsed.GetValue(toOption) ?? []] };
            return await new CopyVerb(host, source, target, parsed.GetValue(what) ?? [], parsed.GetValue(dryRun), parsed.GetValue(json), parsed.GetValue(quiet)).RunAsync(cancel);
        });
        return command;
    }
}

/// <summary>Read both catalogs, plan, copy one archive after the other; what fails stops only what is based on it.</summary>
sealed class CopyVerb(IHost host, RepositoryPlace from, RepositoryPlace to, string[] what, bool dryRun, bool json, bool quiet)
{
    readonly List<string> _failures = [];
    readonly HashSet<string> _missing = [];
    int _worst;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        await using var source = await Options.OpenRepositoryAsync(host, from, RepositoryUse.Read, cancel);
        await using var target = await Options.OpenRepositoryAsync(host, to, RepositoryUse.Write, cancel);
        if (source.Descriptor.Id == target.Descriptor.Id)
            throw new ArchiveException(FailureKind.Usage, $"{source.Store.Location} and {target.Store.Location} are the same repository, or one is a copy of the other made by other means: nothing to copy");
        await using var reading = dryRun ? null : await Options.LeaseToReadAsync(host, source, "copy", quiet, cancel);
        await using var lease = dryRun ? null : await Lease.TakeAsync(target, LeaseKind.Shared, "copy", host.HostName, host.Clock, cancel);
        var catalog = await source.CatalogAsync(cancel);
        foreach (var fault in catalog.Faults) await FailAsync($"{fault.Key} is not copied: {fault.Reason}", ExitCodes.Damage);
        var plan = CopyPlan.Make(catalog, await target.CatalogAsync(cancel), Wanted(catalog), (await VerifyRecords.LoadAsync(target, cancel)).Damaged, target.Seen.Load());
        foreach (var (archive, why) in plan.Refused) await FailAsync($"{archive.SnapshotName} is not copied: {why}", ExitCodes.Failed);
        var copied = dryRun ? [] : await CopyAsync(source, target, lease!, plan, cancel);
        await PrintAsync(plan, copied);
        return _failures.Count == 0 ? ExitCodes.Done : _worst is ExitCodes.Damage ? ExitCodes.Damage : copied.Count + plan.There.Length > 0 ? ExitCodes.Partly : _worst;
    }

    ImmutableArray<ArchiveEntry> Wanted(Catalog catalog)
    {
        if (what.Length == 0) return catalog.Graph.Archives;
        var wanted = ImmutableArray.CreateBuilder<ArchiveEntry>();
        foreach (var name in what)
        {
            var (dataset, snapshot) = ArchiveSelection.Split(name);
            if (snapshot is not null)
            {
                wanted.AddRange(ArchiveSelection.Snapshot(catalog, ArchiveSelection.Dataset(catalog, dataset), snapshot));
                continue;
            }
            var folders = ArchiveSelection.Tree(catalog, dataset).ToHashSet();
            wanted.AddRange(catalog.Graph.Archives.Where(a => folders.Contains(a.Folder)));
        }
        return wanted.ToImmutable();
    }

    async Task<List<CopiedArchive>> CopyAsync(ArchiveRepository source, ArchiveRepository target, Lease lease, CopyPlan plan, CancellationToken cancel)
    {
        var copied = new List<CopiedArchive>();
        var known = target.Seen;
        using var line = new ProgressLine(host, "copying", plan.StoredLength);
        var done = 0L;
        var run = new CopyRun(source, target, lease, new Relay<long>(bytes => line.Report(Interlocked.Add(ref done, bytes))));
        foreach (var archive in plan.Archives)
        {
            if (archive.Head.Base is { } link && _missing.Contains(link.Archive))
            {
                _missing.Add(archive.Id);
                await FailAsync($"{archive.SnapshotName} is not copied: its base is not there", ExitCodes.Failed);
                continue;
            }
            try
            {
                copied.Add(await run.ExecuteAsync(archive, plan.Mended.Contains(archive.Id), cancel));
                known.Remember([archive]);
            }
            catch (ArchiveException e) when (plan.Mended.Contains(archive.Id))
            {
                // it stays as it was; what is new is more important
                await FailAsync($"{archive.SnapshotName} is not mended: {e.Message}", e.Kind is FailureKind.Damage ? ExitCodes.Damage : ExitCodes.Failed);
            }
            catch (ArchiveException e) when (e.Kind is FailureKind.Damage)
            {
                _missing.Add(archive.Id);
                await FailAsync($"{archive.SnapshotName} is not copied: {e.Message}", ExitCodes.Damage);
            }
        }
        return copied;
    }

    // What was found damaged may be so in a way that its bytes do not show.
    static string StateOf(CopyPlan plan, CopiedArchive copied) =>
        !plan.Mended.Contains(copied.Archive.Id) ? "copied" : copied.SentLength > 0 || copied.ReplacedManifest ? "mended" : "the same in both";

    async Task FailAsync(string text, int code)
    {
        _failures.Add(text);
        _worst = int.Max(_worst, code);
        await host.Error.WriteLineAsync($"zfsarchive: {text}");
    }

    async Task PrintAsync(CopyPlan plan, List<CopiedArchive> copied)
    {
        if (json)
        {
            var listed = dryRun
                ? plan.Archives.Select(a => new CopiedResult(a.Id, a.SnapshotName, "planned", a.Head.Totals.StoredLength, null))
                : copied.Select(c => new CopiedResult(c.Archive.Id, c.Archive.SnapshotName, StateOf(plan, c), c.Archive.Head.Totals.StoredLength, c.SentLength));
            await host.Out.WriteLineAsync(JsonSerializer.Serialize(
                new CopyResult(dryRun, [.. listed, .. plan.There.Select(a => new CopiedResult(a.Id, a.SnapshotName, "there already", a.Head.Totals.StoredLength, null))], [.. _failures]), CliJson.Default.CopyResult));
            return;
        }
        if (quiet) return;
        if (dryRun)
        {
            foreach (var archive in plan.Archives) await host.Out.WriteLineAsync($"would {(plan.Mended.Contains(archive.Id) ? "mend" : "copy")} {archive.SnapshotName} ({archive.Head.Kind}), {Text.Bytes(archive.Head.Totals.StoredLength)}");
            return;
        }
        foreach (var archive in copied)
            await host.Out.WriteLineAsync($"{StateOf(plan, archive)}: {archive.Archive.SnapshotName} ({archive.Archive.Head.Kind}), {Text.Bytes(archive.Archive.Head.Totals.StoredLength)}, {Text.Bytes(archive.SentLength)} sent");
        if (copied.Any(c => plan.Mended.Contains(c.Archive.Id))) await host.Out.WriteLineAsync($"what was mended counts as damaged until it is verified again: zfsarchive verify --repo {to.Text}");
        if (copied.Count == 0 && _failures.Count == 0) await host.Out.WriteLineAsync($"nothing to do: {Text.Plural(plan.There.Length, "archive")} there already");
    }
}
