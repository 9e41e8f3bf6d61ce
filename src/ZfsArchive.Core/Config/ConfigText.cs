using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ZfsArchive.Config;

/// <summary>
/// YAML text as nodes. The file may be hostile: its depth is bounded, and there are no aliases, so that what is read is never
/// larger than what is written.
/// </summary>
sealed class ConfigText
{
    const int MostDeep = 16;

    readonly string _text;
    readonly FaultList _faults;
    readonly Parser _parser;

    (int Line, int Column) _last = (1, 1);

    ConfigText(string text, FaultList faults)
    {
        (_text, _faults) = (text, faults);
        _parser = new Parser(new StringReader(text));
    }

    /// <summary>The file's one document; null when a fault was added that leaves nothing to look at.</summary>
    public static ConfigNode? Parse(string text, FaultList faults)
    {
        if (FirstUnprintable(text) is { } bad)
        {
            faults.Add(bad.Line, bad.Column, "there is a control character here: this is no text file, or it was damaged");
            return null;
        }
        return new ConfigText(text, faults).Document();
    }

    ConfigNode? Document()
    {
        try
        {
            _parser.Consume<StreamStart>();
            if (_parser.Current is StreamEnd)
            {
                _faults.Add(1, 1, "the file is empty: it wants repositories, at least");
                return null;
            }
            _parser.Consume<DocumentStart>();
            var root = Node(0);
            _parser.Consume<DocumentEnd>();
            if (_parser.Current is not StreamEnd) throw Refused(_parser.Current!, "a second document begins here: one file is one configuration, without --- in the middle");
            return root;
        }
        catch (RefusedException e)
        {
            _faults.Add(e.Line, e.Column, e.Message);
        }
        catch (YamlException e)
        {
            var (line, column, words) = SyntaxWords.Of(e, _text, _last.Line);
            _faults.Add(line, column, words);
        }
        catch (InvalidOperationException)
        {
            // the library trips over a word that begins a line inside of brackets that are still open
            _faults.Add(_last.Line, _last.Column, "a [ or { that is opened here or above is not closed: the next line begins something else");
        }
        return null;
    }

    ConfigNode Node(int depth)
    {
        var found = _parser.Current!;
        _last = (LineOf(found), ColumnOf(found));
        if (found is AnchorAlias) throw Refused(found, "a value that begins with * stands in quotes, as in \"*/cache\"; YAML's aliases (*name) are not taken");
        if (found is NodeEvent { Anchor.IsEmpty: false }) throw Refused(found, "a value that begins with & stands in quotes; YAML's anchors (&name) are not taken: write the value out, or use defaults");
        if (found is NodeEvent { Tag.IsEmpty: false, Tag.IsNonSpecific: false }) throw Refused(found, "a value that begins with ! stands in quotes; YAML's tags (!name) are not taken");
        if (depth > MostDeep) throw Refused(found, $"lists and keys are nested more than {MostDeep} deep here: a bracket is missing somewhere");
        return found switch
        {
            MappingStart => Map(depth),
            SequenceStart => List(depth),
            _ => Scalar(_parser.Consume<Scalar>()),
        };
    }

    ListNode List(int depth)
    {
        var start = _parser.Consume<SequenceStart>();
        var items = ImmutableArray.CreateBuilder<ConfigNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _)) items.Add(Node(depth + 1));
        return new(items.ToImmutable(), LineOf(start), ColumnOf(start));
    }

    MapNode Map(int depth)
    {
        var start = _parser.Consume<MappingStart>();
        var entries = ImmutableArray.CreateBuilder<ConfigEntry>();
        var seen = new Dictionary<string, int>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var word = Node(depth + 1);
            if (word is not ScalarNode key)
            {
                _faults.Add(word, "a key is a word, not a list or keys of its own: curly brackets or quotes are missing");
                Node(depth + 1);
                continue;
            }
            var value = Node(depth + 1);
            if (seen.TryAdd(key.Text, key.Line)) entries.Add(new(key, value));
            else _faults.Add(key, $"{key.Quoted} stands here for the second time, first in line {seen[key.Text]}");
        }
        return new(entries.ToImmutable(), LineOf(start), ColumnOf(start));
    }

    static ScalarNode Scalar(Scalar scalar) =>
        new(scalar.Value, scalar.Style is ScalarStyle.Plain && scalar.Value is "" or "~" or "null", LineOf(scalar), ColumnOf(scalar));

    static int LineOf(ParsingEvent parsed) => (int)parsed.Start.Line;

    static int ColumnOf(ParsingEvent parsed) => (int)parsed.Start.Column;

    static (int Line, int Column)? FirstUnprintable(string text)
    {
        var (line, start) = (1, 0);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n') (line, start) = (line + 1, i + 1);
            else if (char.IsControl(text[i]) && text[i] is not ('\t' or '\r')) return (line, i - start + 1);
        }
        return null;
    }

    static RefusedException Refused(ParsingEvent at, string message) => new(LineOf(at), ColumnOf(at), message);

    sealed class RefusedException(int line, int column, string message) : Exception(message)
    {
        public int Line { get; } = line;

        public int Column { get; } = column;
    }
}
