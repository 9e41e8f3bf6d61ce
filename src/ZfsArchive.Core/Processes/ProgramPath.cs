namespace ZfsArchive.Processes;

/// <summary>Where programs lie. .NET itself looks into the current folder before it looks into PATH, and that folder may be anybody's.</summary>
public static class ProgramPath
{
    /// <summary>The folders of the administrator, which cron and service managers often leave out of PATH.</summary>
    public const string Administrative = "/usr/local/sbin:/usr/sbin:/sbin";

    const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>PATH as this process has it, and then the folders of the administrator.</summary>
    public static string Usual => $"{Environment.GetEnvironmentVariable("PATH")}:{Administrative}";

    /// <summary>The path of a program; null when it lies in none of the folders.</summary>
    /// <param name="program">With a slash in it, it is taken as it is.</param>
    /// <param name="path">Folders, joined by colons; those that are not absolute are passed over.</param>
    public static string? Find(string program, string path) => program.Contains('/', StringComparison.Ordinal)
        ? program
        : path.Split(':').Where(folder => folder.StartsWith('/')).Select(folder => Path.Combine(folder, program)).FirstOrDefault(IsProgram);

    static bool IsProgram(string path) => File.Exists(path) && (File.GetUnixFileMode(path) & Executable) != 0;
}
