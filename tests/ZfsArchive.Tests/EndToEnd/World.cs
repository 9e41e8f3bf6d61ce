using System.Runtime.InteropServices;
using System.Text.Json;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.EndToEnd;

/// <summary>A guest, a new repository on this side, and the program between them.</summary>
sealed class World(VirtualMachine guest) : IDisposable
{
    static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);
    readonly Dictionary<string, string> _set = [];
    readonly string _folder = Directory.CreateTempSubdirectory("zfsarchive end to end ").FullName;

    public VirtualMachine Guest => guest;

    public string Repository => Path.Combine(_folder, "repository");

    public IEnumerable<string> Manifests => Files("manifests", "*T*Z_*.json");

    public IEnumerable<string> Files(string folder, string pattern) =>
        Directory.Exists(Path.Combine(Repository, folder)) ? Directory.EnumerateFiles(Path.Combine(Repository, folder), pattern, SearchOption.AllDirectories) : [];

    /// <summary>Sets a variable of the program's environment.</summary>
    public void Set(string name, string value) => _set[name] = value;

    /// <summary>Writes the configuration of <c>run</c>; REPOSITORY in it is this world's.</summary>
    public async Task ConfigureAsync(string text)
    {
        var file = Path.Combine(_folder, "config.yaml");
        File.WriteAllText(file, text.Replace("REPOSITORY", $"'{Repository}'", StringComparison.Ordinal));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Set("ZFSARCHIVE_CONFIG", file);
        (await RunAsync("config", "check")).Must(0);
    }

    /// <summary>A night by <c>run</c>, which ends like this, and what it tells.</summary>
    public async Task<JsonElement> NightAsync(int code, params string[] arguments)
    {
        var ended = (await RunAsync(["run", "--json", .. arguments])).Must(code);
        using var result = JsonDocument.Parse(ended.Lines[^1]);
        return result.RootElement.Clone();
    }

    public Child Start(params string[] arguments) => Start(false, arguments);

    public async Task<Ended> RunAsync(params string[] arguments)
    {
        using var child = Start(arguments);
        return await child.EndAsync();
    }

    /// <summary>Archives what a script in the guest sends.</summary>
    public async Task<Ended> ArchiveOutputAsync(string script, params string[] arguments)
    {
        var pipe = "ssh -F \"$1\" -T -- zfs-vm \"$2\" | { shift 2; exec \"$@\"; }";
        return await Child.RunAsync("bash", ["-c", $"set -o pipefail; {pipe}", "bash", guest.SshConfiguration, script, Program, "backup", "--stdin", .. arguments], s_limit, Environment);
    }

    /// <summary>Makes archives, and says of which snapshots.</summary>
    public async Task<string[]> BackupAsync(params string[] arguments)
    {
        var ended = (await RunAsync(["backup", "--json", .. arguments])).Must(0);
        using var result = JsonDocument.Parse(ended.Lines[^1]);
        return [.. result.RootElement.GetProperty("archives").EnumerateArray().Where(s => s.GetProperty("state").GetString() == "archived").Select(s => s.GetProperty("snapshot").GetString()!)];
    }

    public async Task NothingIsHeldAsync(string pool) =>
        Assert.Empty((await guest.RunAsync($"zfs list -H -p -t snapshot -o userrefs,name -r {pool} | grep -v '^0' || true")).Lines);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    Child Start(bool takesInput, string[] arguments) => Child.Start(Program, arguments, s_limit, Environment, takesInput);

    static string Program =>
        System.Environment.GetEnvironmentVariable("ZFSARCHIVE_BIN") is { Length: > 0 } given ? given : Path.Combine(Golden.Root, "tools", "zfsarchive");

    Dictionary<string, string> Environment
    {
        get
        {
            var variables = new Dictionary<string, string>
            {
                ["ZFSARCHIVE_REPO"] = Repository,
                ["ZFSARCHIVE_ZFS"] = "ssh://root@zfs-vm",
                ["ZFSARCHIVE_SSH_CONFIG"] = guest.SshConfiguration,
                ["ZFSARCHIVE_STATE"] = Path.Combine(_folder, "state"),
                ["ZFSARCHIVE_CACHE"] = Path.Combine(_folder, "cache"),
                // the runtime that runs this test
                ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..")),
            };
            foreach (var (name, value) in _set) variables[name] = value;
            return variables;
        }
    }
}
