using System.Text.RegularExpressions;

namespace ZfsArchive.Config;

/// <summary>Names of repositories and jobs: words that are never taken for a path or an address.</summary>
public static partial class RuleName
{
    internal const string Wanted = "small letters, digits, _ and -, and begins with a letter or digit";

    public static bool IsValid(string name) => Grammar().IsMatch(name);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]{0,62}\z")]
    private static partial Regex Grammar();
}
