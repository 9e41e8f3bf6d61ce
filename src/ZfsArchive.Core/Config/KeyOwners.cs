namespace ZfsArchive.Config;

/// <summary>Where a key belongs that stands in the wrong place.</summary>
static class KeyOwners
{
    /// <summary>For faults, behind the key; null when it belongs nowhere.</summary>
    public static string? Of(string key) =>
        ConfigurationReader.Keys.Contains(key) ? $": {key} begins a line, without blanks before it"
        : RepositoryReader.Keys.Contains(key) && JobReader.Keys.Contains(key) ? $": {key} belongs to a repository or a job"
        : RepositoryReader.Keys.Contains(key) ? $": {key} belongs to a repository"
        : JobReader.Keys.Contains(key) ? $": {key} belongs to a job"
        : null;
}
