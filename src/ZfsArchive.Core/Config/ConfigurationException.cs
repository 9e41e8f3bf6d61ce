using System.Collections.Immutable;
using ZfsArchive.Model;

namespace ZfsArchive.Config;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Line">From 1; 0 when it is no matter of a line.</param>
/// <param name="Column">From 1; 0 when it is no matter of a line.</param>
/// <param name="Message">The cause in plain words; never the value of a secret.</param>
public sealed record ConfigurationFault(string File, int Line, int Column, string Message)
{
    /// <summary><c>file:line: cause</c>.</summary>
    public override string ToString() => Line > 0 ? $"{File}:{Line}: {Message}" : $"{File}: {Message}";
}

/// <summary>A configuration that cannot be used, with all that is wrong with it, one fault a line.</summary>
public sealed class ConfigurationException(ImmutableArray<ConfigurationFault> faults) : ArchiveException(FailureKind.Usage, string.Join('\n', faults))
{
    /// <summary>In the order of the file.</summary>
    public ImmutableArray<ConfigurationFault> Faults { get; } = faults;
}
