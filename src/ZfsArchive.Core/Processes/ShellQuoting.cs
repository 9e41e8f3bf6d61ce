using System.Buffers;

namespace ZfsArchive.Processes;

/// <summary>Words of a POSIX shell.</summary>
public static class ShellQuoting
{
    static readonly SearchValues<char> _plain =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-");

    /// <summary>A word in single quotes: no shell looks inside.</summary>
    public static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>A command as a person would type it, quoted where it must be.</summary>
    public static string Display(IEnumerable<string> words) => string.Join(' ', words.Select(DisplayWord));

    static string DisplayWord(string word)
    {
        if (word.Length > 0 && !word.AsSpan().ContainsAnyExcept(_plain)) return word;
        // A command for ssh is full of single quotes; escaping each of them would be right, and unreadable.
        return word.Contains('\'', StringComparison.Ordinal) && word.AsSpan().IndexOfAny("$`\\\"!") < 0 ? $"\"{word}\"" : Quote(word);
    }
}
