using System.Collections.Immutable;

namespace ZfsArchive.Config;

/// <summary>The keys of one thing in the file. A key that is not known is a fault when this is made; a value is checked when it is read.</summary>
sealed class Section
{
    readonly FaultList _faults;
    readonly Dictionary<string, ConfigEntry> _entries = [];

    /// <param name="what">For faults: what this is.</param>
    /// <param name="node">Null or nothing: no key is there.</param>
    public Section(FaultList faults, string what, ConfigNode? node, params IReadOnlyCollection<string> known)
    {
        _faults = faults;
        What = what;
        if (IsNothing(node)) return;
        if (node is not MapNode map)
        {
            faults.Add(node!, $"{what} takes keys ({string.Join(", ", known)}), not {node!.Shape}");
            return;
        }
        IsMap = true;
        foreach (var entry in map.Entries)
        {
            if (known.Contains(entry.Key.Text)) _entries[entry.Key.Text] = entry;
            else faults.Add(entry.Key, $"{entry.Key.Quoted} is no key of {what}{KeyOwners.Of(entry.Key.Text) ?? NearestWord.Advice(entry.Key.Text, known, "keys")}");
        }
    }

    public string What { get; }

    /// <summary>There are keys, known ones or not: something is missing only where something is.</summary>
    public bool IsMap { get; }

    public FaultList Faults => _faults;

    /// <summary>The value of a key; null when the key is not there, or nothing stands behind it.</summary>
    public ConfigNode? this[string key] => _entries.TryGetValue(key, out var entry) && !IsNothing(entry.Value) ? entry.Value : null;

    public static bool IsNothing(ConfigNode? node) => node is null or ScalarNode { IsNothing: true };

    /// <summary>Adds a fault where this key is.</summary>
    public void Fault(string key, string message) => _faults.Add(_entries[key].Key, message);

    /// <summary>Null when it is not there, or not of this kind, which is then a fault.</summary>
    public T? Find<T>(string key, ScalarKind<T> kind)
        where T : struct
    {
        if (Scalar(key, kind.Wanted) is not { } scalar) return null;
        var value = kind.Read(scalar.Text);
        if (value is null) _faults.Add(scalar, $"{key} takes {kind.Wanted}, not {scalar.Quoted}");
        return value;
    }

    public T Get<T>(string key, ScalarKind<T> kind, T fallback)
        where T : struct => Find(key, kind) ?? fallback;

    /// <summary>The text of a key that has one; else null, and it is a fault unless the key is not there.</summary>
    /// <param name="wanted">For faults.</param>
    public ScalarNode? Scalar(string key, string wanted)
    {
        if (!_entries.TryGetValue(key, out var entry)) return null;
        if (entry.Value is ScalarNode { IsNothing: false } scalar) return scalar;
        _faults.Add(IsNothing(entry.Value) ? entry.Key : entry.Value, $"{key} takes {wanted}, not {entry.Value.Shape}");
        return null;
    }

    /// <summary>A list of texts, or one text in its place; null when the key is not there.</summary>
    /// <param name="wanted">For faults: what the texts are.</param>
    /// <param name="wrong">What is wrong with one of them, or null.</param>
    public ImmutableArray<string>? Texts(string key, string wanted, Func<ScalarNode, string?> wrong)
    {
        if (this[key] is not { } node) return null;
        var texts = ImmutableArray.CreateBuilder<string>();
        foreach (var item in node is ListNode list ? list.Items : [node])
        {
            if (item is not ScalarNode { IsNothing: false } scalar) _faults.Add(item, $"{key} takes {wanted}, not {item.Shape}");
            else if (wrong(scalar) is { } cause) _faults.Add(scalar, cause);
            else if (texts.Contains(scalar.Text)) _faults.Add(scalar, $"{key} names {scalar.Quoted} twice");
            else texts.Add(scalar.Text);
        }
        return texts.ToImmutable();
    }
}
