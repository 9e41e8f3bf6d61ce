using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZfsArchive.Status;

namespace ZfsArchive.Cli.Output;

/// <summary>What a report comes to.</summary>
static class StatusVerdict
{
    /// <summary>Damage before lateness before absence: the worst that is known. Clocks that differ are told, and fail nothing.</summary>
    public static int ExitCode(StatusReport report)
    {
        var concerns = Bad(report).Select(r => r.Remark.Concern).ToHashSet();
        return concerns.Contains(Concern.Damage) ? ExitCodes.Damage
            : concerns.Contains(Concern.Late) ? ExitCodes.TooOld
            : concerns.Contains(Concern.Unreachable) ? ExitCodes.Failed
            : ExitCodes.Done;
    }

    /// <summary>At a glance.</summary>
    public static string Sentence(StatusReport report) => ExitCode(report) switch
    {
        ExitCodes.Damage => "Damage was found",
        ExitCodes.TooOld => "Something is overdue",
        ExitCodes.Failed => "Not everything could be looked at",
        _ => report.Health is Health.Ok ? "All is well" : "Something needs a look",
    };

    /// <summary>What is not well, the worst first.</summary>
    public static IEnumerable<(string Repository, string? Dataset, Remark Remark)> Bad(StatusReport report) =>
        report.Remarks.Where(r => r.Remark.Health is not Health.Ok).OrderByDescending(r => StatusReport.Badness(r.Remark.Health));

    public static string Word(Health health) => health switch { Health.Ok => "OK", Health.Warning => "WARNING", Health.Critical => "CRITICAL", _ => "UNKNOWN" };
}

/// <summary>What <c>status --json</c> prints. Times are ISO 8601, spans seconds, lengths bytes, GUIDs decimal strings.</summary>
/// <param name="ExitCode">Without <c>--nagios</c>.</param>
sealed record StatusResult(Health Health, int ExitCode, DateTimeOffset At, string Host, ImmutableArray<RepositoryStatus> Repositories);

/// <summary>A span as a number of seconds.</summary>
sealed class SecondsJson : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => TimeSpan.FromSeconds(reader.GetDouble());

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) => writer.WriteNumberValue(value.TotalSeconds);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, Converters = [typeof(SecondsJson)])]
[JsonSerializable(typeof(StatusResult))]
sealed partial class StatusJson : JsonSerializerContext;
