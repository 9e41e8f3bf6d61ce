using System.Text.RegularExpressions;

namespace ZfsArchive.Stores;

/// <summary>The name of an object: parts of letters, digits and <c>. _ -</c>, none beginning with a dot, parted by slashes.</summary>
public readonly partial record struct ObjectKey
{
    /// <exception cref="ArgumentException">The text is no name that we would write.</exception>
    public ObjectKey(string text) => Text = IsValid(text) ? text : throw new ArgumentException($"'{text}' is no object name", nameof(text));

    public string Text { get; }

    /// <summary>The last part.</summary>
    public string Name => Text[(Text.LastIndexOf('/') + 1)..];

    /// <summary>It lies so deep that its folder, where a store has folders, holds things of one kind alone and goes with the last of them; others are shared, and stay.</summary>
    public bool HasFolderOfItsOwn => Text.AsSpan().Count('/') >= 3;

    public static bool IsValid(string text) => text.Length <= 512 && Grammar().IsMatch(text);

    [GeneratedRegex("\\A[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\\z")]
    private static partial Regex Grammar();

    public override string ToString() => Text;
}
