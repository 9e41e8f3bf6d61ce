namespace ZfsArchive.Model;

/// <summary>Patterns for names: <c>?</c> is one character, <c>*</c> any number of them within a part between slashes, <c>**</c> across parts.</summary>
public static class Glob
{
    public static bool IsPattern(string text) => text.Contains('*', StringComparison.Ordinal) || text.Contains('?', StringComparison.Ordinal);

    /// <summary>Whether the whole name fits; upper and lower case differ, as they do to ZFS. Takes time in proportion to both lengths.</summary>
    public static bool Fits(string pattern, string name)
    {
        // reached[i]: what was read of the pattern fits the first i characters of the name
        var reached = new bool[name.Length + 1];
        reached[0] = true;
        for (var at = 0; at < pattern.Length; at++)
        {
            if (pattern[at] == '*')
            {
                var crosses = at + 1 < pattern.Length && pattern[at + 1] == '*';
                if (crosses) at++;
                for (var i = 1; i <= name.Length; i++) reached[i] |= reached[i - 1] && (crosses || name[i - 1] != '/');
                continue;
            }
            for (var i = name.Length; i > 0; i--) reached[i] = reached[i - 1] && (pattern[at] == '?' ? name[i - 1] != '/' : pattern[at] == name[i - 1]);
            reached[0] = false;
        }
        return reached[^1];
    }
}
