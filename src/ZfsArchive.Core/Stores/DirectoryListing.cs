using System.IO.Enumeration;

namespace ZfsArchive.Stores;

/// <summary>Lists a directory in the order of the keys, one folder at a time.</summary>
sealed class DirectoryListing(DirectoryPlace place)
{
    static readonly DateTimeOffset s_unknown = DateTimeOffset.FromFileTime(0);
    static readonly EnumerationOptions s_options = new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    /// <exception cref="StoreException">A folder may not be read. One that is definitely absent has nothing in it.</exception>
    public IEnumerable<ObjectInfo> Of(string prefix)
    {
        var folder = prefix[..(prefix.LastIndexOf('/') + 1)];
        return Read(folder) is { } entries ? Among(entries, prefix) : [];
    }

    // A folder sorts as its keys do: with the slash.
    IEnumerable<ObjectInfo> Among(List<(string Key, long Length, DateTimeOffset Modified)> entries, string prefix)
    {
        entries.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        foreach (var (key, length, modified) in entries)
        {
            if (key.EndsWith('/'))
            {
                // what others keep there (.snapshot, lost+found) holds no key of ours, and may not be read
                if (!ObjectKey.IsValid(key.TrimEnd('/'))) continue;
                if (!key.StartsWith(prefix, StringComparison.Ordinal) && !prefix.StartsWith(key, StringComparison.Ordinal)) continue;
                foreach (var below in Among(Read(key) ?? Gone(key), prefix)) yield return below;
            }
            else if (key.StartsWith(prefix, StringComparison.Ordinal) && ObjectKey.IsValid(key) && (modified != s_unknown ? new(new(key), length, modified) : LookAt(key)) is { } info)
            {
                yield return info;
            }
        }
    }

    // Null: it is definitely absent.
    List<(string Key, long Length, DateTimeOffset Modified)>? Read(string folder)
    {
        try
        {
            return IsThere(PathOf(folder)) ? [.. new FileSystemEnumerable<(string, long, DateTimeOffset)>(PathOf(folder), (ref entry) =>
                entry.IsDirectory ? ($"{folder}{entry.FileName}/", 0, default) : ($"{folder}{entry.FileName}", entry.Length, entry.LastWriteTimeUtc), s_options)] : null;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw place.Failure(folder.Length > 0 ? folder.TrimEnd('/') : "its folder", "list", e);
        }
    }

    // A folder goes with the last object in it. Where the one above it is gone too, the disk is.
    List<(string Key, long Length, DateTimeOffset Modified)> Gone(string folder) =>
        Directory.Exists(Path.GetDirectoryName(PathOf(folder))) ? [] : throw place.Failure(folder.TrimEnd('/'), "list", new DirectoryNotFoundException());

    string PathOf(string folder) => Path.Combine(place.Root, folder.TrimEnd('/'));

    // Only a folder that is definitely absent has nothing in it; one that may not be read is a failure.
    static bool IsThere(string folder)
    {
        try
        {
            return File.GetAttributes(folder).HasFlag(FileAttributes.Directory) ? true : throw new IOException($"{folder} is no folder");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    // An entry that could not be looked at in passing has no time: it was removed just now, and is left out; or the disk fails. Exists
    // would not tell these apart.
    ObjectInfo? LookAt(string key)
    {
        try
        {
            var file = new FileInfo(Path.Combine(place.Root, key));
            return new(new(key), file.Length, new(file.LastWriteTimeUtc));
        }
        // a folder that could not be told from a file has no length either
        catch (FileNotFoundException e) when (Directory.Exists(Path.Combine(place.Root, key)))
        {
            throw place.Failure(key, "list", e);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw place.Failure(key, "look at", e);
        }
    }
}
