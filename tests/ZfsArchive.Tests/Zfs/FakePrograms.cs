using System.Diagnostics;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Zfs;

/// <summary>A folder of shell scripts that stand in for zfs and ssh; each may use $DIR for what it leaves behind.</summary>
sealed class FakePrograms : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("zfs test ").FullName;

    public ZfsCli Local(TimeSpan? limit = null) => Zfs(ZfsPrefix.Local, limit);

    public ZfsCli Zfs(ZfsPrefix prefix, TimeSpan? limit = null) =>
        new(prefix, TimeProvider.System) { SearchPath = _folder, TimeLimit = limit ?? TimeSpan.FromSeconds(60) };

    public ZfsCommand Command(ZfsPrefix prefix) => new(prefix, TimeProvider.System, TimeSpan.FromSeconds(60), _folder);

    public FakePrograms With(string program, string script)
    {
        File.WriteAllText(Left("script"), $"#!/bin/sh\nDIR='{_folder}'\n{script}\n");
        // Another process copies it: were the file open for writing here, a child started meanwhile would inherit
        // that, and running the script would fail (text file busy).
        using var copy = Process.Start("install", ["-m", "755", Left("script"), Left(program)]);
        copy.WaitForExit();
        Assert.Equal(0, copy.ExitCode);
        return this;
    }

    public FakePrograms WithZfs(string script) => With("zfs", script);

    public string Left(string file) => Path.Combine(_folder, file);

    public string[] LeftLines(string file) => File.ReadAllLines(Left(file));

    /// <summary>Waits until a script has written the file (whole, by renaming), and gives the process ids in it.</summary>
    public async Task<int[]> LeftIdsAsync(string file)
    {
        for (var tries = 0; !File.Exists(Left(file)) && tries < 1000; tries++) await Task.Delay(10);
        return [.. LeftLines(file).Select(int.Parse)];
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static bool IsRunning(int id) =>
        File.Exists($"/proc/{id}/stat") && !File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal);
}
