using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ZfsArchive.Config;

/// <summary>An outline as YAML.</summary>
public static partial class ConfigurationYaml
{
    // Repositories and jobs stand below each other; what is small in them stands in one line.
    const int BlockDepth = 3;

    /// <param name="comment">What to write behind the value at a path such as <c>repositories/disk/url</c>, or null.</param>
    public static string Write(JsonObject outline, Func<string, string?> comment)
    {
        var text = new StringWriter { NewLine = "\n" };
        var emitter = new Emitter(text, new EmitterSettings(bestIndent: 2, bestWidth: int.MaxValue, isCanonical: false, maxSimpleKeyLength: 1024));
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, null, isImplicit: true));
        Emit(emitter, outline, "", 0, comment);
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    static void Emit(Emitter emitter, JsonNode? node, string path, int depth, Func<string, string?> comment)
    {
        switch (node)
        {
            case JsonObject map:
                var isLine = map.Count == 0 || (depth >= BlockDepth && map.All(m => m.Value is JsonValue && comment($"{path}/{m.Key}") is null));
                emitter.Emit(new MappingStart(AnchorName.Empty, TagName.Empty, isImplicit: true, isLine ? MappingStyle.Flow : MappingStyle.Block));
                foreach (var (key, value) in map)
                {
                    emitter.Emit(Scalar(key));
                    Emit(emitter, value, path.Length == 0 ? key : $"{path}/{key}", depth + 1, comment);
                }
                emitter.Emit(new MappingEnd());
                break;
            case JsonArray list:
                emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, list.All(i => i is JsonValue) ? SequenceStyle.Flow : SequenceStyle.Block));
                foreach (var item in list) Emit(emitter, item, $"{path}/-", depth + 1, comment);
                emitter.Emit(new SequenceEnd());
                break;
            case not null:
                emitter.Emit(node.GetValueKind() is JsonValueKind.String ? Scalar(node.GetValue<string>()) : new Scalar(node.ToJsonString()));
                if (comment(path) is { } words) emitter.Emit(new Comment(words, isInline: true));
                break;
        }
    }

    static Scalar Scalar(string text) => new(AnchorName.Empty, TagName.Empty, text, Style(text), isPlainImplicit: true, isQuotedImplicit: true);

    static ScalarStyle Style(string text) =>
        text is "null" ? ScalarStyle.SingleQuoted
        : Safe().IsMatch(text) ? ScalarStyle.Plain
        : text.All(c => c is >= ' ' and <= '~') ? ScalarStyle.SingleQuoted
        : ScalarStyle.DoubleQuoted;

    [GeneratedRegex(@"\A[A-Za-z0-9/_](?:[A-Za-z0-9/_.@%+~*=-]|:(?! |\z))*\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Safe();
}
