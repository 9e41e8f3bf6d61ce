namespace ZfsArchive.Retention;

public enum ChainKind
{
    /// <summary>Each archive is based on the one before.</summary>
    Linear,

    /// <summary>Each archive is based on the newest that is kept at least as long as itself.</summary>
    Tiered,
}

/// <param name="MaxAge">A new full when the chain's full is older; null: never for its age.</param>
/// <param name="MaxLength">A new full when the chain would have more archives; null: never for its length.</param>
public sealed record ChainRule(ChainKind Kind, TimeSpan? MaxAge, int? MaxLength)
{
    /// <summary>One chain for ever.</summary>
    public static ChainRule Endless { get; } = new(ChainKind.Linear, null, null);
}
