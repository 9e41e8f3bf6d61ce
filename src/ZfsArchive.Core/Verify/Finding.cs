using System.Collections.Immutable;

namespace ZfsArchive.Verify;

/// <summary>The names of levels, as options and configurations give them.</summary>
public static class VerifyLevels
{
    /// <param name="name">One that was checked before: by a list of what is accepted, or a scalar of the configuration.</param>
    public static VerifyLevel Parse(string name) => Enum.Parse<VerifyLevel>(name, ignoreCase: true);

    public static string Word(this VerifyLevel level) => level.ToString().ToLowerInvariant();
}

/// <summary>How deep a verification goes; each level includes the ones before.</summary>
public enum VerifyLevel
{
    /// <summary>Manifests parse, their own hashes and links hold, nothing that was known has vanished.</summary>
    Chain,

    /// <summary>Every chunk is there with its size.</summary>
    Objects,

    /// <summary>Every chunk was read, hashed and decompressed.</summary>
    Data,

    /// <summary>Every record's checksum holds, from chunk to chunk and to the end; the stream is what the manifest describes.</summary>
    Stream,
}

public enum Severity
{
    /// <summary>Worth knowing; nothing is lost.</summary>
    Note,

    /// <summary>Something cannot be restored as it was archived.</summary>
    Damage,
}

/// <summary>One thing found.</summary>
/// <param name="Archive"><c>folder/archive</c>, or null when it concerns none.</param>
/// <param name="Object">The object's name in the repository.</param>
/// <param name="Costs">Snapshots (<c>dataset@snapshot</c>) that cannot be restored because of it.</param>
/// <param name="Mend">What would mend it.</param>
public sealed record Finding(Severity Severity, string? Archive, string Object, string Reason, ImmutableArray<string> Costs, string Mend);

/// <summary>What a verification did and found.</summary>
/// <param name="BytesRead">Stored bytes that were read.</param>
/// <param name="BytesByWord">Stored bytes of which the far side told the SHA-256, and it was compared.</param>
/// <param name="Lost">Snapshots that cannot be restored, over all findings.</param>
public sealed record VerifyReport(
    VerifyLevel Level, long Archives, long Chunks, long BytesRead, long BytesByWord, ImmutableArray<Finding> Findings, ImmutableArray<string> Lost)
{
    public bool Sound => Findings.All(f => f.Severity is not Severity.Damage);
}
