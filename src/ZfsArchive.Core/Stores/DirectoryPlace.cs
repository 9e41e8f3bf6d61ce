namespace ZfsArchive.Stores;

/// <summary>The directory that a repository lies in: its paths, its folders, and what its failures mean.</summary>
/// <param name="root">Absolute.</param>
sealed class DirectoryPlace(string root)
{
    public string Root => root;

    public string PathOf(ObjectKey key) => Path.Combine(root, key.Text);

    /// <exception cref="StoreException">It is not there.</exception>
    // A disk that is not plugged in must never look like an empty repository.
    public void RequireRoot()
    {
        if (!Directory.Exists(root)) throw new StoreException(StoreFailure.Absent, $"the directory {root} does not exist (is the disk mounted?)");
    }

    /// <summary>Makes a folder and those above it, each made durable in the one above.</summary>
    public void EnsureFolder(ObjectKey key, string path)
    {
        if (Directory.Exists(path)) return;
        RequireRoot();
        EnsureFolder(key, Path.GetDirectoryName(path)!);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(key, "create a folder for", e);
        }
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Makes what a folder holds durable.</summary>
    /// <param name="mayBeGone">That it is gone is no failure.</param>
    public void SyncFolder(string path, bool mayBeGone = false)
    {
        var error = Posix.SyncFolder(path);
        if (error != 0 && !(mayBeGone && error == Posix.NoEntry)) throw new StoreException(StoreFailure.Permanent, $"{root}: cannot make {Path.GetRelativePath(root, path)} durable: {Posix.Message(error)}");
    }

    /// <summary>What an errno means.</summary>
    /// <param name="verb">What was tried: <c>create</c>, <c>read</c>.</param>
    public StoreException Failure(ObjectKey key, string verb, int error) => new(
        error == Posix.NoSpace ? StoreFailure.Full : StoreFailure.Permanent, $"{root}: cannot {verb} {key}: {Posix.Message(error)}{Hint(Posix.Message(error), error == Posix.Denied)}");

    /// <summary>What an exception means.</summary>
    public StoreException Failure(ObjectKey key, string verb, Exception e) => Failure(key.Text, verb, e);

    /// <param name="name">Of an object, or of a folder.</param>
    public StoreException Failure(string name, string verb, Exception e)
    {
        var failure = e switch
        {
            FileNotFoundException or DirectoryNotFoundException => StoreFailure.Absent,
            UnauthorizedAccessException => StoreFailure.Denied,
            // .NET gives the errno of an IOException as its HResult
            IOException when e.HResult == Posix.NoSpace || e.Message.Contains("No space left", StringComparison.Ordinal) => StoreFailure.Full,
            _ => StoreFailure.Permanent,
        };
        return new(failure, failure is StoreFailure.Absent ? $"{root}: {name} is not there" : $"{root}: cannot {verb} {name}: {e.Message.TrimEnd('.')}{Hint(e.Message, failure is StoreFailure.Denied)}", e);
    }

    static string Hint(string message, bool isDenied) =>
        message.Contains("Read-only file system", StringComparison.Ordinal)
            ? " (a disk with errors is mounted like that; under systemd nothing else can be written than what ReadWritePaths= of the unit names: examples/systemd/disk.conf)"
        // who is root already meets a server that does not honour it
        : isDenied && Posix.EffectiveUser() != 0 ? " (run as the user whose folder it is: mostly root)"
        : "";
}
