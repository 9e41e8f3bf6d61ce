namespace ZfsArchive.Model;

/// <summary>What went wrong, as the exit code tells it (README.md, "Exit codes").</summary>
public enum FailureKind
{
    /// <summary>The act failed: exit 1.</summary>
    Failed = 1,

    /// <summary>The request or the configuration is wrong, or asks for what is not allowed: exit 2.</summary>
    Usage = 2,

    /// <summary>There is no repository at the place named: exit 10.</summary>
    NoRepository = 10,

    /// <summary>Another one works here: exit 11.</summary>
    Locked = 11,

    /// <summary>A stream, a chunk or a manifest is not what it must be: exit 20.</summary>
    Damage = 20,
}

/// <summary>A failure with a sentence for the administrator: the thing, the cause, the next step.</summary>
public class ArchiveException(FailureKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    public FailureKind Kind { get; } = kind;
}
