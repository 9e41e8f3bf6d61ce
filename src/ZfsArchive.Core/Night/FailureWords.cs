using ZfsArchive.Model;
using ZfsArchive.SendStream;
using ZfsArchive.Zfs;

namespace ZfsArchive.Night;

/// <summary>The sentence for a failure that was foreseen.</summary>
public static class FailureWords
{
    /// <summary>Null for a fault of the program, which keeps its stack.</summary>
    public static string? Of(Exception e) => e switch
    {
        OperationCanceledException => "interrupted",
        ZfsException zfs => zfs.Hint is { } hint ? $"{zfs.Message}\n  {hint}" : zfs.Message,
        StreamDamageException => $"the stream is {e.Message}; nothing of it was archived",
        ArchiveException => e.Message,
        IOException or UnauthorizedAccessException => e.Message,
        _ => null,
    };

    /// <summary>What kind it is, as exit codes tell it.</summary>
    public static FailureKind KindOf(Exception e) => e switch
    {
        ArchiveException archive => archive.Kind,
        StreamDamageException => FailureKind.Damage,
        _ => FailureKind.Failed,
    };
}
