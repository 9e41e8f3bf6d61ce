using ZfsArchive.Cli;
using ZfsArchive.Repository;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Worlds;

/// <summary>A time that stands still unless it is moved.</summary>
sealed class StillClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 11, 20, 2, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>A world for the real application: what it reads, prints and remembers stays in here. The repository is the folder <c>repo</c>.</summary>
sealed class TestHost : IHost, IDisposable
{
    readonly TempFolder _temp = new();
    readonly Dictionary<string, string> _environment = [];

    public TestHost()
    {
        Folders = new(_temp["state"], _temp["cache"]);
        Out = new();
        Error = new();
        _environment["ZFSARCHIVE_REPO"] = Repo;
    }

    public string Repo => _temp["repo"];

    /// <summary>A path beside the repository.</summary>
    public string Beside(string name) => _temp[name];

    public Stream Input { get; set; } = Stream.Null;
    public MemoryStream Output { get; private set; } = new();
    public StringWriter Out { get; private set; }
    public StringWriter Error { get; private set; }
    public StillClock Clock { get; } = new();

    /// <summary>The time goes on as it does outside: for stores that have a clock of their own.</summary>
    public bool ClockRuns { get; set; }

    public CancellationToken Stop { get; set; }
    public bool ShowsProgress => false;
    public string HostName => "testhost";
    public LocalFolders Folders { get; set; }
    public Func<ZfsPrefix, IZfs> ZfsOf { get; set; } = _ => throw new NotSupportedException("there is no zfs here");

    public string DefaultConfiguration => _temp["config.yaml"];

    Stream IHost.Output => Output;
    TextWriter IHost.Out => Out;
    TextWriter IHost.Error => Error;
    TimeProvider IHost.Clock => ClockRuns ? TimeProvider.System : Clock;

    public string? Environment(string name) => _environment.GetValueOrDefault(name);

    public void Set(string variable, string value) => _environment[variable] = value;

    public void Unset(string variable) => _environment.Remove(variable);

    public IZfs Zfs(ZfsPrefix prefix) => ZfsOf(prefix);

    /// <summary>Runs the application; what it printed is afterwards in <see cref="Output"/>, <see cref="Out"/> and <see cref="Error"/>.</summary>
    public async Task<int> RunAsync(params string[] arguments)
    {
        (Output, Out, Error) = (new(), new(), new());
        return await Application.RunAsync(arguments, this);
    }

    /// <summary>Runs with standard input.</summary>
    public async Task<int> FeedAsync(byte[] input, params string[] arguments)
    {
        Input = new MemoryStream(input);
        return await RunAsync(arguments);
    }

    /// <summary>Runs, and fails with what was printed unless it ends as expected.</summary>
    public async Task ExpectAsync(int code, byte[]? input, params string[] arguments)
    {
        var found = await FeedAsync(input ?? [], arguments);
        Assert.True(found == code, $"zfsarchive {string.Join(' ', arguments)}: exit {found}, not {code}\n{Out}\n{Error}");
    }

    /// <summary>A host with a new repository.</summary>
    public static async Task<TestHost> WithRepositoryAsync()
    {
        var host = new TestHost();
        await host.ExpectAsync(0, null, "init");
        return host;
    }

    public IEnumerable<string> Manifests =>
        Directory.Exists(Path.Combine(Repo, "manifests"))
            ? Directory.EnumerateFiles(Path.Combine(Repo, "manifests"), "*.json", SearchOption.AllDirectories)
                .Where(p => !Path.GetFileName(p).StartsWith("dataset-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            : [];

    public void Dispose() => _temp.Dispose();
}
