using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfsArchive.Cli.Output;
using ZfsArchive.Config;
using ZfsArchive.Stores;

namespace ZfsArchive.Cli.Commands;

static class ConfigCommand
{
    public static Command Build(IHost host) => new("config", "Check or show the configuration") { Check(host), Show(host) };

    static Command Check(IHost host)
    {
        var json = Options.Json();
        var command = new Command("check", "Say all that is wrong with the configuration, and with the files and programs that it names") { json };
        command.SetAction(async (parsed, _) =>
        {
            var result = ConfigCheck.Run(host, new ConfiguredPlaces(host, parsed.GetValue(Options.ConfigurationFile)));
            if (parsed.GetValue(json)) await host.Out.WriteLineAsync(JsonSerializer.Serialize(result, CliJson.Default.ConfigCheckResult));
            else await PrintAsync(host, result);
            return result.Good ? ExitCodes.Done : ExitCodes.Usage;
        });
        return command;
    }

    static async Task PrintAsync(IHost host, ConfigCheckResult result)
    {
        foreach (var fault in result.Faults) await host.Error.WriteLineAsync(fault.ToString());
        if (result.Good) await host.Out.WriteLineAsync($"{result.File} is good: {(result.Repositories == 1 ? "1 repository" : $"{result.Repositories} repositories")}, {Text.Plural(result.Jobs, "job")}");
        foreach (var note in result.Notes) await host.Out.WriteLineAsync($"note: {note}");
    }

    static Command Show(IHost host)
    {
        var effective = new Option<bool>("--effective") { Description = "With every default, and with what -o and the environment say instead" };
        var json = Options.Json();
        var command = new Command("show", "Print the configuration; of secrets only where they are kept") { effective, json };
        command.SetAction(async (parsed, _) =>
        {
            var configuration = new ConfiguredPlaces(host, parsed.GetValue(Options.ConfigurationFile)).Load();
            var outline = new ConfigurationOutline(parsed.GetValue(effective)).Of(configuration);
            var overrides = parsed.GetValue(effective) ? Override(host, parsed.GetValue(Options.Settings) ?? [], configuration, outline) : [];
            if (parsed.GetValue(json))
            {
                var said = new JsonObject(overrides.Select(o => KeyValuePair.Create(o.Key, (JsonNode?)o.Value)));
                await host.Out.WriteLineAsync(new JsonObject { ["file"] = configuration.File, ["configuration"] = outline, ["overrides"] = said }.ToJsonString());
                return ExitCodes.Done;
            }
            await host.Out.WriteLineAsync($"# {configuration.File}{(parsed.GetValue(effective) ? ", with every default" : "")}");
            await host.Out.WriteAsync(ConfigurationYaml.Write(outline, path => overrides.TryGetValue(path, out var by) ? $"by {by}" : null));
            return ExitCodes.Done;
        });
        return command;
    }

    // Puts what -o and the environment say into the outline; gives by whom, by the path of the value.
    static Dictionary<string, string> Override(IHost host, string[] said, Configuration configuration, JsonObject outline)
    {
        var overrides = new Dictionary<string, string>();
        foreach (var rule in configuration.Repositories)
        {
            var settings = new StoreSettings(host, said, rule);
            var room = StoreAddress.Parse(rule.Url) switch { StoreAddress.Bucket => "s3.", StoreAddress.Remote => "sftp.", _ => "store." };
            var shown = outline["repositories"]![rule.Name]!;
            foreach (var key in StoreKey.All.Where(k => k.Name.StartsWith(room, StringComparison.Ordinal) || k.Name.StartsWith("store.", StringComparison.Ordinal)))
            {
                if (settings.Find(key) is not { By: { } by } found) continue;
                // what is not one of its kind may be anything
                shown["options"]![key.Name] = key.WantedInsteadOf(found.Value) is { } wanted ? $"(not {wanted})" : found.Value;
                overrides[$"repositories/{rule.Name}/options/{key.Name}"] = by;
            }
            if (rule.Keys is not null && settings.KeysBy is { } profile) overrides[$"repositories/{rule.Name}/access_key"] = overrides[$"repositories/{rule.Name}/secret_key"] = profile;
        }
        return overrides;
    }
}
