using System.Collections.Immutable;

namespace ZfsArchive.Config;

/// <summary>A value as the file has it, and where.</summary>
abstract record ConfigNode(int Line, int Column)
{
    /// <summary>For faults: what was found. Never its text, which may be a secret in the wrong place.</summary>
    public abstract string Shape { get; }
}

/// <param name="IsNothing">Nothing stands there, or <c>null</c> without quotes.</param>
sealed record ScalarNode(string Text, bool IsNothing, int Line, int Column) : ConfigNode(Line, Column)
{
    const int Shown = 60;

    public override string Shape => IsNothing ? "nothing" : "a text";

    /// <summary>The text in quotes, shortened, fit to be printed.</summary>
    public string Quoted
    {
        get
        {
            var plain = new string([.. Text.Take(Shown).Select(c => char.IsControl(c) ? ' ' : c)]);
            return Text.Length > Shown ? $"'{plain}…'" : $"'{plain}'";
        }
    }
}

sealed record ListNode(ImmutableArray<ConfigNode> Items, int Line, int Column) : ConfigNode(Line, Column)
{
    public override string Shape => "a list";
}

sealed record MapNode(ImmutableArray<ConfigEntry> Entries, int Line, int Column) : ConfigNode(Line, Column)
{
    public override string Shape => "keys with values";
}

sealed record ConfigEntry(ScalarNode Key, ConfigNode Value);
