using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ZfsArchive.Config;
using ZfsArchive.Repository;

namespace ZfsArchive.Night;

/// <summary>
/// When this host last reached each repository, or, of one it never did, first missed it. A disk that is not always there is no failure;
/// one that never comes back must not be well for ever. A line for each, a tab between name and time.
/// </summary>
public sealed class ReachedPlaces
{
    readonly string _path;
    ImmutableSortedDictionary<string, DateTimeOffset> _since = ImmutableSortedDictionary.Create<string, DateTimeOffset>(StringComparer.Ordinal);

    public ReachedPlaces(LocalFolders folders)
    {
        _path = Path.Combine(folders.State, "reached");
        try
        {
            foreach (var line in File.ReadLines(_path))
                if (line.Split('\t') is [var name, var time] && DateTimeOffset.TryParseExact(time, "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var at)) _since = _since.SetItem(name, at);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // nothing is known: it counts from today
        }
    }

    /// <summary>Null: nobody looked for it yet.</summary>
    public DateTimeOffset? Since(string repository) => _since.TryGetValue(repository, out var at) ? at : null;

    public void Saw(string repository, DateTimeOffset now) => Write(_since.SetItem(repository, now));

    public void Missed(string repository, DateTimeOffset now)
    {
        if (!_since.ContainsKey(repository)) Write(_since.Add(repository, now));
    }

    /// <summary>What is to be said of a job that nothing was archived for in so long that it breaks its promise; null: nothing.</summary>
    /// <param name="absent">Its repositories are not there now.</param>
    public string? Broken(JobRule job, IReadOnlyCollection<RepositoryRule> absent, DateTimeOffset now)
    {
        if (job.MaxAge is not { } most || absent.Count < job.Repositories.Length || absent.Any(r => !r.Optional)) return null;
        var last = absent.Select(r => Since(r.Name)).Max();
        return last is { } seen && now - seen > most
            ? string.Create(CultureInfo.InvariantCulture, $"none of its repositories ({string.Join(", ", job.Repositories)}) was there since {seen.UtcDateTime:yyyy-MM-dd HH:mm}Z, and max_age of job {job.Name} is {most.TotalHours:0.#} h: connect one, or change max_age")
            : null;
    }

    void Write(ImmutableSortedDictionary<string, DateTimeOffset> since)
    {
        _since = since;
        LocalFolders.TryReplace(_path, Encoding.UTF8.GetBytes(string.Concat(since.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key}\t{s.Value:O}\n")))));
    }
}
