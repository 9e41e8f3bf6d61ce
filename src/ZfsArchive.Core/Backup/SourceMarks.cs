using ZfsArchive.Repository;

namespace ZfsArchive.Backup;

/// <summary>The names of what we leave at the source for a repository: a bookmark of each archived snapshot, and holds of what is being sent.</summary>
public static class SourceMarks
{
    const string Prefix = "zfsarchive";

    /// <summary>The bookmark of a snapshot, for one repository: <c>dataset#zfsarchive:SHORTID:GUID</c>.</summary>
    /// <param name="shortId">The first 8 digits of the repository's id.</param>
    public static string Bookmark(string dataset, string shortId, ulong guid) => $"{dataset}#{Prefix}:{shortId}:{guid:x16}";

    /// <summary>By which a host holds what it sends to a repository.</summary>
    public static string HoldTag(ArchiveRepository repository, string host) => $"{Prefix}:{repository.ShortId}:{host}";
}
