using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ZfsArchive.Processes;

/// <summary>
/// What is left elsewhere tells of the process that left it: machine, boot and process. On a server nothing can be locked; so the next run
/// of the same machine knows that the one before has died, and need not wait until what it left is old.
/// </summary>
static class ProcessMark
{
    // containers of one image may share all but what their processes are numbered in
    static readonly string s_machine = Hash((FirstLine("/etc/machine-id") ?? "") + Environment.MachineName + (new FileInfo("/proc/self/ns/pid").LinkTarget ?? ""));
    static readonly string s_boot = Hash(FirstLine("/proc/sys/kernel/random/boot_id") ?? "");

    /// <summary>Of this process.</summary>
    public static string Own { get; } = string.Create(CultureInfo.InvariantCulture, $"{s_machine}-{s_boot}-{Environment.ProcessId}-{StartOf(Environment.ProcessId)}");

    /// <summary>Whether the process, by a mark or by a name that begins with one, is known to have ended. A process elsewhere is never known to.</summary>
    public static bool HasEnded(string name)
    {
        var parts = name.TrimStart('.').Split('-', '.');
        return parts.Length >= 4 && parts[0] == s_machine && int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var process)
            && (parts[1] != s_boot || StartOf(process) != parts[3]);
    }

    /// <summary>When a process began, in ticks of the kernel; empty when there is none. A number is used again; a number with its beginning is not.</summary>
    public static string StartOf(int process)
    {
        try
        {
            // the name in between may have blanks and brackets
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8];

    static string? FirstLine(string path)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
