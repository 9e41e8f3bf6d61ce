using ZfsArchive.Model;

namespace ZfsArchive.Stores;

/// <summary>What a store's failure means for the caller.</summary>
public enum StoreFailure
{
    /// <summary>There is no such object (or, for the whole store, no such place).</summary>
    Absent,

    /// <summary>The name is taken by other bytes.</summary>
    Conflict,

    /// <summary>These credentials may not do that.</summary>
    Denied,

    /// <summary>There is no room.</summary>
    Full,

    /// <summary>It may work when asked again.</summary>
    Transient,

    /// <summary>It will not work when asked again.</summary>
    Permanent,
}

public sealed class StoreException(StoreFailure failure, string message, Exception? inner = null)
    : ArchiveException(FailureKind.Failed, message, inner)
{
    public StoreFailure Failure { get; } = failure;
}
