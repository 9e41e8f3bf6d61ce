using System.Collections.Immutable;

namespace ZfsArchive.Doctor;

public enum ProbeState
{
    Good,

    /// <summary>It works, and something about it is worth knowing.</summary>
    Note,

    /// <summary>A promise that archives rest on is not kept here.</summary>
    Bad,
}

/// <summary>One thing that was tried.</summary>
/// <param name="Found">What was seen, with its unit.</param>
/// <param name="Advice">What to do about it, or null.</param>
public sealed record ProbeResult(string Name, ProbeState State, string Found, string? Advice = null);

/// <summary>What a place really does with these credentials.</summary>
/// <param name="At">By this host's clock.</param>
/// <param name="Left">Objects that could not be removed again.</param>
public sealed record Diagnosis(string Repository, string Host, DateTimeOffset At, ImmutableArray<ProbeResult> Probes, ImmutableArray<string> Left)
{
    public bool IsGood => Probes.All(p => p.State is not ProbeState.Bad);
}
