using System.Collections.Immutable;

namespace ZfsArchive.Config;

/// <summary>Programs with their arguments. No shell takes them apart.</summary>
static class CommandReader
{
    const string Wanted = "a program with its arguments, as in [\"/usr/local/bin/tell\", \"me\"]";

    public static HookRule Hooks(Section outer, HookRule fallback)
    {
        var section = new Section(outer.Faults, "hooks", outer["hooks"], "before", "after", "timeout");
        return new(Several(section, "before") ?? fallback.Before, Several(section, "after") ?? fallback.After, section.Get("timeout", ScalarKinds.Duration, fallback.Timeout));
    }

    /// <summary>One command: a list of words, or the program alone. Empty when it is a fault.</summary>
    public static ImmutableArray<string> One(FaultList faults, string key, ConfigNode node)
    {
        var words = ImmutableArray.CreateBuilder<string>();
        foreach (var item in node is ListNode list ? list.Items : [node])
        {
            if (item is ScalarNode { IsNothing: false } scalar && !scalar.Text.Contains('\0', StringComparison.Ordinal))
            {
                words.Add(scalar.Text);
                continue;
            }
            faults.Add(item, $"{key} takes {Wanted}, not {item.Shape}");
            return [];
        }
        var wrong = words.Count == 0 ? $"{key} takes {Wanted}, not an empty list"
            : !Paths.IsWhole(words[0]) ? $"{key}: a program takes its whole path, from /, and its arguments stand in the same list: {Wanted}"
            : node is ScalarNode && words[0].Contains(' ', StringComparison.Ordinal) ? $"{key}: no shell takes this text apart: write {Wanted}"
            : null;
        if (wrong is null) return words.ToImmutable();
        faults.Add(node, wrong);
        return [];
    }

    // A list of commands, or one program.
    static ImmutableArray<ImmutableArray<string>>? Several(Section section, string key)
    {
        if (section[key] is not { } node) return null;
        return [.. (node is ListNode list ? list.Items : [node]).Select(item => One(section.Faults, key, item)).Where(command => !command.IsEmpty)];
    }
}
