using System.Diagnostics;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Cli;

/// <summary>The program as it is published: named by ZFSARCHIVE_BIN, or built here.</summary>
static class PublishedProgram
{
    static readonly Lazy<Task<string>> s_path = new(FindAsync);

    public static Task<string> PathAsync() => s_path.Value;

    public static ProcessStartInfo Start(string path, TempFolder temp, params string[] arguments)
    {
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ZFSARCHIVE_REPO"] = temp["repo"];
        start.Environment["ZFSARCHIVE_STATE"] = temp["state"];
        start.Environment["ZFSARCHIVE_CACHE"] = temp["cache"];
        if (System.IO.Path.GetDirectoryName(Environment.ProcessPath) is { } runtime && Directory.Exists(System.IO.Path.Combine(runtime, "host", "fxr"))) start.Environment["DOTNET_ROOT"] = runtime;
        return start;
    }

    static async Task<string> FindAsync()
    {
        if (Environment.GetEnvironmentVariable("ZFSARCHIVE_BIN") is { Length: > 0 } named) return named;
        await Shell.RunAsync(Golden.Root, "tools/zfsarchive --version");
        return System.IO.Path.Combine(Golden.Root, ".artifacts/publish/ZfsArchive.Cli/release_linux-x64/zfsarchive");
    }
}
