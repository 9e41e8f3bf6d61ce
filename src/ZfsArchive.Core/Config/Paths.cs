using System.Text.RegularExpressions;

namespace ZfsArchive.Config;

/// <summary>Paths and addresses as the configuration takes them.</summary>
static partial class Paths
{
    /// <summary>From the root: what runs by cron or systemd has no folder of its own to begin at.</summary>
    public static bool IsWhole(string path) => path.Length > 1 && path[0] == '/' && !path.Any(char.IsControl);

    /// <summary>There is <c>user:password@</c> in an address; then nothing of it may be repeated.</summary>
    public static bool HasPassword(string address) => UserAndPassword().IsMatch(address);

    [GeneratedRegex(@"//[^/\s@]*:[^/\s@]*@")]
    private static partial Regex UserAndPassword();
}
