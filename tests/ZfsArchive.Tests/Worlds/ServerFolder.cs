using System.Diagnostics;
using System.Globalization;

namespace ZfsArchive.Tests.Worlds;

/// <summary>
/// A folder for a real server, and the script of tools/servers that runs it. The name of the folder says whose it is, so that
/// what a killed test run left running is ended by the next.
/// </summary>
sealed class ServerFolder
{
    static readonly Lazy<bool> s_swept = new(Sweep);

    // A process id may be used again, but not with the same start time.
    static readonly string s_owner = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}.{Started(Process.GetCurrentProcess())}");
    static int s_count;
    readonly string _script;

    /// <param name="script">s3-server or sftp-server.</param>
    /// <param name="belowTemp">False: every folder above it belongs to root and is closed to others, when root runs this.</param>
    public ServerFolder(string script, bool belowTemp = true)
    {
        _ = s_swept.Value;
        _script = script;
        Path = System.IO.Path.Combine(Parents[belowTemp ? 0 : 1], $"{script}.{s_owner}.{Interlocked.Increment(ref s_count)}");
        AppDomain.CurrentDomain.ProcessExit += AtExit;
    }

    public string Path { get; }

    /// <summary>Runs the script, and gives the lines NAME=VALUE that it printed.</summary>
    public Dictionary<string, string> Run(string verb, params string[] arguments) =>
        Run(_script, verb, Path, arguments).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => l.Split('=', 2)).Where(p => p.Length == 2).ToDictionary(p => p[0], p => p[1]);

    /// <summary>Ends the server and removes the folder.</summary>
    public void Remove()
    {
        AppDomain.CurrentDomain.ProcessExit -= AtExit;
        if (Directory.Exists(Path)) Run("stop", "--wipe");
    }

    static string[] Parents { get; } =
    [
        System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"zfsarchive-servers-{Environment.UserName}"),
        System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "zfsarchive-servers"),
    ];

    static string Script(string name) => System.IO.Path.Combine(Golden.Root, "tools", "servers", name);

    // By a process of its own: who runs the tests may not wait until this process has ended in good order.
    void AtExit(object? sender, EventArgs e) =>
        Process.Start("sh", ["-c", "setsid \"$@\" < /dev/null > /dev/null 2>&1 &", "sh", Script(_script), "stop", Path, "--wipe"])?.WaitForExit();

    static string Run(string script, string verb, string folder, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Script(script), [verb, folder, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{script} {verb}: exit {process.ExitCode}: {error.GetAwaiter().GetResult()}");
    }

    static long Started(Process process) => process.StartTime.Ticks / TimeSpan.TicksPerSecond;

    static bool Sweep()
    {
        foreach (var folder in Parents.Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories))
        {
            var name = System.IO.Path.GetFileName(folder).Split('.');
            if (name.Length != 4 || IsAlive(name[1], name[2])) continue;
            try
            {
                Run(name[0], "stop", folder, "--wipe");
            }
            catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // another run sweeps at the same time, or it was no server yet
            }
        }
        return true;
    }

    static bool IsAlive(string id, string started)
    {
        try
        {
            using var process = Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture));
            // it is computed from the time of the boot, and the clock may have been corrected
            return Math.Abs(Started(process) - long.Parse(started, CultureInfo.InvariantCulture)) <= 60;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException)
        {
            return false;
        }
    }
}
