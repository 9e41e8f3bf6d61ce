using System.Collections.Immutable;

namespace ZfsArchive.Config;

/// <summary>Collects what is wrong, so that everything is told at once.</summary>
sealed class FaultList(string file)
{
    // One line each, whatever the names are that it repeats.
    const int Longest = 500;

    readonly List<ConfigurationFault> _faults = [];

    public bool IsEmpty => _faults.Count == 0;

    public void Add(ConfigNode at, string message) => Add(at.Line, at.Column, message);

    public void Add(int line, int column, string message) => _faults.Add(new(file, line, column, new([.. message.Take(Longest).Select(c => char.IsControl(c) ? ' ' : c)])));

    /// <exception cref="ConfigurationException">There are some.</exception>
    public void ThrowIfAny()
    {
        if (!IsEmpty) throw new ConfigurationException([.. _faults.OrderBy(f => f.Line).ThenBy(f => f.Column)]);
    }
}
