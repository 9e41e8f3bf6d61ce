using ZfsArchive.Model;
using ZfsArchive.SendStream;
using ZfsArchive.Zfs;

namespace ZfsArchive.Cli;

/// <summary>What scripts rely on (README.md, "Exit codes"). Numbers are never used for anything else.</summary>
static class ExitCodes
{
    public const int Done = 0, Failed = 1, Usage = 2, Partly = 3, Damage = 20, Interrupted = 130;

    public static int Of(Exception e) => e switch
    {
        OperationCanceledException => Interrupted,
        ArchiveException archive => (int)archive.Kind,
        StreamDamageException => Damage,
        _ => Failed,
    };

    /// <summary>The sentence for a failure that was foreseen; null for a fault of the program, which keeps its stack.</summary>
    public static string? Words(Exception e) => e switch
    {
        OperationCanceledException => "interrupted",
        ZfsException zfs => zfs.Hint is { } hint ? $"{zfs.Message}\n  {hint}" : zfs.Message,
        StreamDamageException => $"the stream is {e.Message}; nothing of it was archived",
        ArchiveException => e.Message,
        IOException or UnauthorizedAccessException => e.Message,
        _ => null,
    };
}
