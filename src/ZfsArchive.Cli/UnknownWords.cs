using System.CommandLine;
using System.CommandLine.Parsing;
using ZfsArchive.Config;

namespace ZfsArchive.Cli;

/// <summary>Commands and options that were typed and that there are none of. A mistyped option must not become the name of a dataset.</summary>
static class UnknownWords
{
    /// <summary>A sentence for each, with what is nearest to it.</summary>
    /// <param name="typed">The command line as it came.</param>
    public static IReadOnlyList<string> Of(ParseResult parsed, IReadOnlyCollection<string> typed)
    {
        // the shell asks to complete a line: that is one word, and half of it is not typed yet
        if (parsed.Tokens.Any(t => t.Type is TokenType.Directive)) return [];
        var result = parsed.CommandResult;
        var owner = result.Parent is null ? "there is" : $"{Path(result)} has";
        var commands = result.Command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name).ToList();
        // what belongs to a command that is not known cannot be judged
        if (commands.Count > 0 && parsed.UnmatchedTokens.FirstOrDefault(word => !IsOption(word)) is { } command && !commands.Contains(command))
            return [$"{owner} no command '{command}'{NearestWord.Advice(command, commands, "commands")}"];
        var options = Known(result);
        return [.. Mistyped(parsed, typed).Distinct().Select(word => $"{owner} no option '{word}'{(Nearest(word, options) is { } nearest ? $": did you mean {nearest}?" : "")}")];
    }

    /// <summary>A command as it is typed, without the program; empty for none.</summary>
    public static string Path(CommandResult result) => result.Parent is CommandResult above ? $"{Path(above)} {result.Command.Name}".TrimStart() : "";

    // What the parser took for an argument, or for the value of the option before it. Such a value is written --option=-value; numbers may stand behind theirs.
    static IEnumerable<string> Mistyped(ParseResult parsed, IReadOnlyCollection<string> typed)
    {
        var values = Lineage(parsed.CommandResult).SelectMany(c => c.Children.OfType<OptionResult>()).SelectMany(o => o.Tokens).ToHashSet<Token>(ReferenceEqualityComparer.Instance);
        foreach (var token in parsed.Tokens.TakeWhile(t => t.Type is not TokenType.DoubleDash).Where(t => t.Type is TokenType.Argument))
        {
            var isValue = values.Contains(token);
            if (typed.Contains(token.Value))
            {
                if (IsOption(token.Value) && !(isValue && char.IsAsciiDigit(token.Value[1]))) yield return token.Value.Split('=')[0];
            }
            // what is left of letters that stand together, as the x of -qx, or of an option that takes no value
            else if (!isValue && typed.FirstOrDefault(word => IsOption(word) && word.EndsWith(word[1] == '-' ? $"={token.Value}" : token.Value, StringComparison.Ordinal)) is { } whole) yield return whole;
        }
    }

    // The command and those above it: options of all may stand before it.
    static IEnumerable<CommandResult> Lineage(CommandResult command)
    {
        for (var at = command; at is not null; at = at.Parent as CommandResult) yield return at;
    }

    static bool IsOption(string word) => word.Length > 1 && word[0] == '-';

    static List<string> Known(CommandResult result)
    {
        var options = result.Command.Options.ToList();
        foreach (var above in Lineage(result).Skip(1)) options.AddRange(above.Command.Options.Where(o => o.Recursive));
        return [.. options.Where(o => !o.Hidden).SelectMany(o => o.Aliases.Prepend(o.Name))];
    }

    // One letter is near every other letter.
    static string? Nearest(string word, List<string> options) => word.Length <= 2 ? null : NearestWord.Of(word, options.Where(o => o.StartsWith("--", StringComparison.Ordinal)));
}
