using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZfsArchive.Verify;

/// <summary>
/// A <see cref="VerifyRecord"/> as it is stored: a line for each archive, since there may be hundreds of thousands, and one record is
/// written each night.
/// </summary>
/// <param name="Times">When something was looked at; ranges name one by its number.</param>
/// <param name="Archives">By <c>folder/archive</c>: the manifest's SHA-256, then its ranges as <c>FROM-TO:level:TIME</c>, with spaces between.</param>
/// <param name="Damaged">By archive, of those that have something.</param>
sealed record VerifyDocument(
    DateTimeOffset At, string Host, IReadOnlyList<DateTimeOffset> Times, IReadOnlyDictionary<string, string> Archives, IReadOnlyDictionary<string, IReadOnlyList<DamagedObject>> Damaged)
{
    public static VerifyDocument Of(VerifyRecord record)
    {
        var times = record.Archives.SelectMany(a => a.Ranges).Select(r => r.At).Distinct().Order().ToList();
        var numbers = times.Index().ToDictionary(t => t.Item, t => t.Index);
        return new(
            record.At, record.Host, times, record.Archives.ToDictionary(a => a.Archive, a => Line(a, numbers)),
            record.Archives.Where(a => a.Damaged.Count > 0).ToDictionary(a => a.Archive, a => a.Damaged));
    }

    /// <exception cref="FormatException">A line is none.</exception>
    public VerifyRecord ToRecord() => new(At, Host, [.. Archives.Select(a => Parse(a.Key, a.Value))]);

    static string Line(VerifiedArchive archive, Dictionary<DateTimeOffset, int> numbers)
    {
        var line = new StringBuilder(archive.ManifestSha256);
        foreach (var range in archive.Ranges) line.Append(CultureInfo.InvariantCulture, $" {range.From}-{range.To}:{range.Level.Word()}:{numbers[range.At]}");
        return line.ToString();
    }

    VerifiedArchive Parse(string archive, string line)
    {
        var words = line.Split(' ');
        var ranges = new VerifiedRange[words.Length - 1];
        for (var i = 0; i < ranges.Length; i++)
        {
            ranges[i] = Range(words[i + 1]);
            if (ranges[i].From >= ranges[i].To || (i > 0 && ranges[i].From < ranges[i - 1].To)) throw new FormatException($"{archive}: the ranges are not in order and apart");
        }
        return new(archive, words[0], ranges, Damaged.GetValueOrDefault(archive, []));
    }

    VerifiedRange Range(string word)
    {
        if (word.Split('-', ':') is [var from, var to, var level, var time]
            && long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first) && long.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var end)
            && Enum.TryParse<VerifyLevel>(level, ignoreCase: true, out var depth) && Enum.IsDefined(depth)
            && int.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < Times.Count)
            return new(first, end, depth, Times[number]);
        throw new FormatException($"'{word}' is no range");
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, AllowDuplicateProperties = false, MaxDepth = 8, Converters = [typeof(LevelWords)],
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, NewLine = "\n")]
[JsonSerializable(typeof(VerifyDocument))]
sealed partial class VerifyJson : JsonSerializerContext;

/// <summary>Levels as everywhere else.</summary>
sealed class LevelWords() : JsonStringEnumConverter<VerifyLevel>(JsonNamingPolicy.CamelCase);
