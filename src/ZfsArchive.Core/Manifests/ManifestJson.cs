using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZfsArchive.Manifests;

/// <summary>Source-generated JSON of all that lies in a repository. Duplicate members are refused, unknown ones tolerated, depth is limited.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, AllowDuplicateProperties = false, MaxDepth = 16,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, NewLine = "\n")]
[JsonSerializable(typeof(ManifestHead))]
[JsonSerializable(typeof(RepositoryDescriptor))]
[JsonSerializable(typeof(DatasetRecord))]
[JsonSerializable(typeof(FeatureRecord))]
[JsonSerializable(typeof(LeaseRecord))]
[JsonSerializable(typeof(RemovalRecord))]
public sealed partial class ManifestJson : JsonSerializerContext;

/// <summary>The same for the lines of lists, each on one line.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false, MaxDepth = 8,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ChunkLine))]
[JsonSerializable(typeof(ReplacedLine))]
public sealed partial class ManifestLineJson : JsonSerializerContext;

sealed class ChunkFirstRecordJson : JsonConverter<ChunkFirstRecord>
{
    public override ChunkFirstRecord Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is not JsonTokenType.StartArray || !reader.Read() || reader.TokenType is not JsonTokenType.String) throw new JsonException();
        var type = reader.GetString()!;
        reader.Read();
        var number = reader.GetUInt64();
        reader.Read();
        var offset = reader.GetUInt64();
        if (!reader.Read() || reader.TokenType is not JsonTokenType.EndArray) throw new JsonException();
        return new(type, number, offset);
    }

    public override void Write(Utf8JsonWriter writer, ChunkFirstRecord value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteStringValue(value.Type);
        writer.WriteNumberValue(value.Object);
        writer.WriteNumberValue(value.Offset);
        writer.WriteEndArray();
    }
}

/// <summary><c>zfsarchive.json</c>: what makes a place a repository.</summary>
/// <param name="Format">Major version; another one than ours is refused.</param>
/// <param name="Id">32 hexadecimal digits, random.</param>
public sealed record RepositoryDescriptor(int Format, string Id, DateTimeOffset Created);

/// <summary><c>manifests/DATASET/dataset-N.json</c>: the dataset's true name; a rename adds the next N.</summary>
/// <param name="Guid">The dataset's <c>guid</c> property; null when the stream came by standard input.</param>
public sealed record DatasetRecord(
    string Name, [property: JsonNumberHandling(Numbers.AsText)] ulong? Guid, [property: JsonNumberHandling(Numbers.AsText)] ulong? PoolGuid, string Host);

/// <summary><c>features/NAME.json</c>: what a program must know before it may <c>read</c>, <c>write</c> or <c>remove</c> here.</summary>
public sealed record FeatureRecord(string Name, IReadOnlyList<string> RequiredTo);

/// <summary><c>leases/ID-N.json</c>: somebody works here.</summary>
/// <param name="Id">16 hexadecimal digits, as in the name.</param>
/// <param name="Kind"><c>shared</c> for those who read or add, <c>exclusive</c> for those who remove or replace.</param>
/// <param name="Verb">What is being done.</param>
/// <param name="Started">By the clock of the host.</param>
/// <param name="Seconds">How long it holds from its creation, by the store's time.</param>
/// <param name="Process">Machine, boot and process of the holder: the same machine knows by it that the holder is dead.</param>
public sealed record LeaseRecord(string Id, string Kind, string Verb, string Host, int Pid, DateTimeOffset Started, long Seconds, string? Process = null)
{
    public const string Shared = "shared", Exclusive = "exclusive";

    /// <summary>Seconds: no lease holds longer without being refreshed.</summary>
    public const long LongestHold = 86_400;
}

/// <summary><c>removed/TIME-ID.json</c>: manifests that are about to be removed, and folders of chunks that no manifest claims. Written before anything goes.</summary>
/// <param name="At">By the store's clock.</param>
public sealed record RemovalRecord(DateTimeOffset At, string Host, IReadOnlyList<RemovedArchive> Archives);

/// <param name="Archive"><c>folder/archive</c>.</param>
/// <param name="ManifestSha256">The manifest's own hash; null for chunks without a manifest.</param>
/// <param name="Snapshot"><c>dataset@snapshot</c>; null for chunks without a manifest.</param>
public sealed record RemovedArchive(string Archive, string? ManifestSha256, string? Snapshot);
