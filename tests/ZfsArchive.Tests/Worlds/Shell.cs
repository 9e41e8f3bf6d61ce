using System.Diagnostics;

namespace ZfsArchive.Tests.Worlds;

/// <summary>Runs what a person would type.</summary>
static class Shell
{
    public static async Task<byte[]> RunAsync(string folder, string script)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"exit {process.ExitCode} of: {script}\n{await error}");
        return output.ToArray();
    }
}
