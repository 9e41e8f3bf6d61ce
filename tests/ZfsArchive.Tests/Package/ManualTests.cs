using System.CommandLine;
using System.Text.RegularExpressions;
using ZfsArchive.Cli;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Package;

/// <summary>The manual page against the program: whatever can be typed is in it.</summary>
public sealed partial class ManualTests
{
    const string Common = "OPTIONS OF SEVERAL VERBS";

    static readonly string[] s_help = ["--help", "-h", "-?", "/h", "/?"];

    // Headings with the text below them: SH and SS alike, as they are read and not as they are written.
    static readonly Dictionary<string, string> s_sections = Sections(File.ReadAllText(Path.Combine(Golden.Root, "tools", "package", "man", "zfsarchive.1")));

    static IEnumerable<(string Verb, Command Command)> Verbs
    {
        get
        {
            using var host = new TestHost();
            return [.. Below("", Application.Root(host))];
        }
    }

    [Fact]
    public void Every_verb_has_its_part()
    {
        Assert.NotEmpty(Verbs);
        Assert.Empty(Verbs.Where(v => Part(v.Verb) is null).Select(v => v.Verb));
    }

    [Fact]
    public void Every_option_of_every_verb_is_in_its_part_with_all_its_names()
    {
        var missing = from verb in Verbs
                      let part = Part(verb.Verb) ?? ""
                      from option in verb.Command.Options
                      where !option.Hidden && !s_help.Contains(option.Name)
                      let names = option.Aliases.Prepend(option.Name).ToList()
                      from name in names.Where(n => !Names(part).Contains(n) && !(names.Any(Names(part).Contains) && Names(s_sections[Common]).Contains(n)))
                      select $"{verb.Verb} {name}";
        Assert.Empty(missing);
    }

    [Fact]
    public void Options_of_all_verbs_are_among_those_of_several()
    {
        using var host = new TestHost();
        var options = Application.Root(host).Options.Where(o => !o.Hidden).SelectMany(o => o.Aliases.Prepend(o.Name)).Where(n => n is not ("-?" or "/h" or "/?"));
        Assert.DoesNotContain(options, n => !Names(s_sections[Common]).Contains(n));
    }

    [Fact]
    public void No_verb_is_said_to_have_an_option_that_none_has()
    {
        using var host = new TestHost();
        var known = Verbs.SelectMany(v => v.Command.Options).Concat(Application.Root(host).Options).SelectMany(o => o.Aliases.Prepend(o.Name)).ToHashSet();
        Assert.Empty(Verbs.SelectMany(v => Names(Part(v.Verb) ?? "").Where(n => n.StartsWith("--", StringComparison.Ordinal) && !known.Contains(n)).Select(n => $"{v.Verb} {n}")));
    }

    [Fact]
    public void Every_exit_code_of_the_README_is_in_it()
    {
        var readme = File.ReadAllText(Path.Combine(Golden.Root, "README.md"));
        var codes = ExitCode().Matches(readme[readme.IndexOf("| exit code |", StringComparison.Ordinal)..readme.IndexOf("| environment |", StringComparison.Ordinal)]).Select(m => m.Groups[1].Value);
        Assert.DoesNotContain(codes, c => !s_sections["EXIT STATUS"].Contains($"\n.B {c}\n", StringComparison.Ordinal));
    }

    // A group of verbs is none itself.
    static IEnumerable<(string, Command)> Below(string before, Command command) => command.Subcommands.Where(c => !c.Hidden).SelectMany(c => c.Subcommands.Count > 0
        ? Below($"{before}{c.Name} ", c)
        : [($"{before}{c.Name}", c)]);

    // Its heading is the verb with its arguments.
    static string? Part(string verb) => s_sections.FirstOrDefault(s => $"{s.Key} ".StartsWith($"{verb} ", StringComparison.Ordinal)) is { Key: { } heading, Value: var text } ? $"{heading}\n{text}" : null;

    static HashSet<string> Names(string text) => [.. OptionName().Matches(text).Select(m => m.Value)];

    static Dictionary<string, string> Sections(string page) => Heading().Split(page.Replace(@"\-", "-", StringComparison.Ordinal)).Skip(1).Chunk(2).ToDictionary(p => p[0].Trim('"'), p => p[1]);

    [GeneratedRegex(@"^\.S[HS] +(.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"(?<![A-Za-z0-9-])--?[A-Za-z][A-Za-z0-9-]*")]
    private static partial Regex OptionName();

    [GeneratedRegex(@"^\| ([0-9]+) \|", RegexOptions.Multiline)]
    private static partial Regex ExitCode();
}
