using System.CommandLine;
using System.Text.Json;
using ZfsArchive.Cli.Output;
using ZfsArchive.Model;
using ZfsArchive.Night;
using ZfsArchive.Status;

namespace ZfsArchive.Cli.Commands;

static class StatusCommand
{
    static readonly TimeSpan s_standardLimit = TimeSpan.FromMinutes(10);

    public static Command Build(IHost host)
    {
        var dataset = new Argument<string?>("dataset") { Description = "Only this dataset and those below it", Arity = ArgumentArity.ZeroOrOne };
        var (repo, json, quiet) = (Options.Repo(), Options.Json(), Options.Quiet());
        quiet.Description = "Print nothing when all is well";
        var nagios = new Option<bool>("--nagios") { Description = "One line and the exit codes that Nagios and its kin expect: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN" };
        var prometheus = new Option<string?>("--prometheus") { Description = "Write a file for node_exporter's textfile collector; - is standard output" };
        var html = new Option<string?>("--html") { Description = "Write a page to look at, in one file; - is standard output" };
        var time = new Option<string?>("--max-time") { Description = "Wait for a repository at most so long, such as 50s; 10m if not said" };
        var command = new Command("status", "Show what is archived, how old it is, and how sure that is: 0 well, 20 damage, 21 too old, 1 a repository is away") { dataset, repo, json, nagios, prometheus, html, time, quiet };
        command.SetAction(async (parsed, cancel) =>
        {
            var outputs = new StatusOutputs(parsed.GetValue(json), parsed.GetValue(nagios), parsed.GetValue(prometheus), parsed.GetValue(html), parsed.GetValue(quiet));
            try
            {
                outputs.Check();
                var limit = Amounts.Time("--max-time", parsed.GetValue(time)) ?? s_standardLimit;
                var report = await StatusLook.AtAllAsync(StatusPlaces.Of(host, Options.PlaceOf(parsed, repo)), host.HostName, host.Clock, limit, cancel);
                if (parsed.GetValue(dataset) is { } name) report = Only(report, name);
                return await outputs.WriteAsync(host, report);
            }
            catch (Exception e) when (outputs.Nagios)
            {
                // Whoever asks for monitoring gets its words and its numbers, whatever happens.
                await host.Out.WriteLineAsync(StatusNagios.Failure(FailureWords.Of(e) ?? e.ToString()));
                return StatusNagios.Code(Health.Unknown);
            }
        });
        return command;
    }

    static StatusReport Only(StatusReport report, string name)
    {
        var only = report.Of(name);
        if (only.Repositories.Any(r => !r.Datasets.IsEmpty) || report.Repositories.Any(r => r.Unreachable is not null)) return only;
        var there = report.Repositories.SelectMany(r => r.Datasets).Select(d => d.Name).Distinct().Take(20).ToList();
        throw new ArchiveException(FailureKind.Usage, $"no dataset '{name}' is archived here; what is: {(there.Count == 0 ? "nothing" : string.Join(", ", there))}");
    }
}

/// <summary>Who is to hear it: people, unless something else was asked for.</summary>
sealed record StatusOutputs(bool Json, bool Nagios, string? Prometheus, string? Html, bool Quiet)
{
    const string StandardOutput = "-";

    /// <exception cref="ArchiveException">Usage: two of them want standard output.</exception>
    public void Check()
    {
        if (new[] { Json, Nagios, Prometheus == StandardOutput, Html == StandardOutput }.Count(o => o) > 1)
            throw new ArchiveException(FailureKind.Usage, "only one of --json, --nagios, --prometheus - and --html - can have standard output");
    }

    /// <summary>Writes all of it; the exit code.</summary>
    public async Task<int> WriteAsync(IHost host, StatusReport report)
    {
        if (Prometheus is { } metrics) await PutAsync(host, metrics, StatusMetrics.Of(report));
        if (Html is { } page) await PutAsync(host, page, StatusPage.Of(report, Options.Version));
        var code = StatusVerdict.ExitCode(report);
        if (Json)
            await host.Out.WriteLineAsync(JsonSerializer.Serialize(new StatusResult(report.Health, code, report.At, report.Host, report.Repositories), StatusJson.Default.StatusResult));
        else if (Nagios)
            await host.Out.WriteLineAsync(StatusNagios.Line(report));
        else if (Prometheus is null && Html is null && !(Quiet && report.Health is Health.Ok))
            foreach (var line in StatusText.Lines(report)) await host.Out.WriteLineAsync(line);
        return Nagios ? StatusNagios.Code(report.Health) : code;
    }

    static Task PutAsync(IHost host, string path, string text) => path == StandardOutput ? host.Out.WriteAsync(text) : PublishedFile.WriteAsync(path, text);
}
