using System.Text.RegularExpressions;

namespace ZfsArchive.Config;

/// <summary>Where secrets are kept. What stands in the place of one may be the secret itself, so no fault repeats a value.</summary>
static partial class SecretReader
{
    const string Ways = "{file: /path}, {env: NAME} or {credential: NAME}";

    static readonly string[] s_keys = ["file", "env", "credential"];

    /// <summary>Null when there is none, or it is a fault.</summary>
    public static SecretSource? Read(Section section, string key)
    {
        if (section[key] is not { } node) return null;
        if (node is MapNode) return Source(section.Faults, key, node);
        section.Faults.Add(node, $"{key}: secrets do not belong in this file; say where it is kept, by {Ways}");
        return null;
    }

    /// <summary>A text that need not be a secret.</summary>
    public static TextOrSecret? ReadText(FaultList faults, string key, ConfigNode node)
    {
        if (node is ScalarNode { IsNothing: false } scalar) return new(scalar.Text, null);
        if (node is MapNode) return Source(faults, key, node) is { } source ? new(null, source) : null;
        faults.Add(node, $"{key} takes a text, or {Ways}, not {node.Shape}");
        return null;
    }

    static SecretSource? Source(FaultList faults, string key, ConfigNode node)
    {
        var section = new Section(faults, $"the secret {key}", node, s_keys);
        var said = s_keys.Where(k => section[k] is not null).ToList();
        if (said.Count != 1)
        {
            // a key that is not known has its own fault
            if (node is MapNode map && map.Entries.All(e => s_keys.Contains(e.Key.Text))) faults.Add(node, $"{key} takes exactly one of {Ways}");
            return null;
        }
        if (section.Scalar(said[0], "a text") is not { } scalar) return null;
        var (kind, fault) = said[0] switch
        {
            "file" => (SecretKind.File, Paths.IsWhole(scalar.Text) ? null : "the file of a secret takes a whole path, from /: cron and systemd start elsewhere"),
            "env" => (SecretKind.Environment, VariableName().IsMatch(scalar.Text) ? null : "env takes the name of a variable: letters, digits and _"),
            _ => (SecretKind.Credential, CredentialName().IsMatch(scalar.Text) ? null : "credential takes a name as in LoadCredential= of systemd: letters, digits, . _ and -"),
        };
        if (fault is null) return new(kind, scalar.Text);
        faults.Add(scalar, fault);
        return null;
    }

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]{0,254}\z")]
    private static partial Regex VariableName();

    [GeneratedRegex(@"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}\z")]
    private static partial Regex CredentialName();
}
