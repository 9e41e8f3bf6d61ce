using System.Collections.Immutable;
using ZfsArchive.SendStream;

namespace ZfsArchive.Backup;

/// <summary>Why a stream may not stand in a chain (FORMAT.md, "Conditions").</summary>
public static class StreamConditions
{
    public const string Redacted = "redacted", Dedup = "dedup", Resuming = "resuming", BaseMissing = "base-missing", Opaque = "opaque";

    /// <summary>What BEGIN alone tells.</summary>
    public static ImmutableArray<string> Of(BeginRecord begin)
    {
        var conditions = ImmutableArray.CreateBuilder<string>();
        if (begin.Features.Redacted || begin.Properties?.Has("redact_snaps") == true) conditions.Add(Redacted);
        if (begin.Features.Dedup) conditions.Add(Dedup);
        if (begin.Features.Resuming) conditions.Add(Resuming);
        return conditions.ToImmutable();
    }
}
