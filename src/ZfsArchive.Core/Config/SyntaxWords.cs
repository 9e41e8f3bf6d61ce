using YamlDotNet.Core;

namespace ZfsArchive.Config;

/// <summary>What the YAML library says of a syntax error, for people who did not read the YAML specification.</summary>
static class SyntaxWords
{
    const string Colon = "a ':' does not fit here: a value with ': ' in it stands in quotes, a key begins a line and has ': ' behind it";

    static readonly (string Theirs, string Ours)[] s_words =
    [
        ("mapping values are not allowed", Colon),
        ("invalid mapping", Colon),
        ("could not find expected ':'", "a ':' is missing behind a key: write key: value"),
        ("did not find expected key", "this line fits no key: is a ':' missing, is it indented like its neighbours, is every quote and bracket closed?"),
        ("did not find expected '-'", "this line is neither an item of the list above nor indented like its key: is there a '- ' missing?"),
        ("did not find expected ',' or ']'", "a list in [ ] is not closed, or a comma is missing"),
        ("did not find expected ',' or '}'", "keys in { } are not closed, or a comma is missing"),
        ("quoted scalar", "a quote is opened here and not closed as it should be; in double quotes a \\ is written \\\\"),
        ("document start", "this does not belong to what is above: is it indented like its neighbours?"),
        ("block sequence entries are not allowed", "a '- ' does not fit here: an item of a list begins a line of its own"),
        ("cannot start any token", "this character begins no value: put the value in quotes"),
        ("anchor or alias", "a value that begins with * or & stands in quotes, as in \"*/cache\""),
        ("simple key", "a key is missing its ':', or is longer than a line"),
        ("node content", "a value is missing, or there is a bracket or comma too many"),
        ("directive", "lines that begin with % are not taken"),
        ("tag", "a value that begins with ! stands in quotes"),
        ("block scalar", "the text behind | or > is not indented as it should be"),
    ];

    /// <param name="text">The whole file, to look for what the library does not tell.</param>
    /// <param name="last">The line of the last thing that was understood.</param>
    public static (int Line, int Column, string Words) Of(YamlException fault, string text, int last)
    {
        var (line, column) = ((int)fault.Start.Line, (int)fault.Start.Column);
        // of a tab in front of a key the library says that it is there, and always line 1
        var (from, most) = fault.Message.Contains("invalid tab", StringComparison.Ordinal) ? (last, int.MaxValue) : (line, 2);
        var tab = text.Split('\n').Skip(from - 1).Take(most).ToList().FindIndex(l => l.TakeWhile(char.IsWhiteSpace).Contains('\t'));
        if (tab >= 0) return (from + tab, 1, "this line is indented with a tab: YAML takes blanks only");
        foreach (var (theirs, ours) in s_words)
            if (fault.Message.Contains(theirs, StringComparison.OrdinalIgnoreCase)) return (line, column, ours);
        return (line, column, "this is not YAML: look for a missing quote, bracket or ':' here or in the line above");
    }
}
