namespace ZfsArchive.Zfs;

/// <summary>The argument lists of all commands that are run, in one place.</summary>
static class ZfsArguments
{
    public static string[] Version { get; } = ["zfs", "version"];

    public static string[] Datasets(string root, bool recursive) =>
    [
        "zfs", "list", "-H", "-p", .. recursive ? new[] { "-r" } : ["-d", "0"], "-t", "filesystem,volume",
        "-o", ZfsListing.DatasetColumns, "-s", "name", ZfsName.Dataset(root),
    ];

    public static string[] Snapshots(string dataset) =>
        ["zfs", "list", "-H", "-p", "-d", "1", "-t", "snapshot", "-o", ZfsListing.SnapshotColumns, ZfsName.Dataset(dataset)];

    public static string[] AllSnapshots(string pool) =>
        ["zfs", "list", "-H", "-p", "-r", "-t", "snapshot", "-o", ZfsListing.SnapshotColumns, ZfsName.Dataset(pool)];

    public static string[] Bookmarks(string dataset) =>
        ["zfs", "list", "-H", "-p", "-d", "1", "-t", "bookmark", "-o", ZfsListing.BookmarkColumns, ZfsName.Dataset(dataset)];

    public static string[] SnapshotsAndBookmarks(string dataset) =>
        ["zfs", "list", "-H", "-p", "-d", "1", "-t", "snapshot,bookmark", "-o", ZfsListing.SnapshotColumns, ZfsName.Dataset(dataset)];

    public static string[] EverywhereSet(string property) =>
        ["zfs", "get", "-H", "-p", "-t", "filesystem,volume", "-o", "name,value,source", ZfsName.Property(property)];

    public static string[] Properties(string dataset) =>
        ["zfs", "get", "-H", "-p", "-o", ZfsListing.PropertyColumns, "all", ZfsName.Dataset(dataset)];

    public static string[] Pool(string pool) =>
        ["zpool", "get", "-H", "-p", "-o", ZfsListing.PoolColumns, "all", ZfsName.Pool(pool)];

    public static string[] Guids(string snapshot, string bookmark) =>
        ["zfs", "get", "-H", "-p", "-o", "value", "guid", ZfsName.Snapshot(snapshot), ZfsName.Bookmark(bookmark)];

    public static string[] Send(SendRequest request) => ["zfs", "send", .. SendOptions(request)];

    public static string[] Estimate(SendRequest request) => ["zfs", "send", "-nvP", .. SendOptions(request)];

    public static string[] Receive(ReceiveRequest request) =>
    [
        "zfs", "receive", "-u",
        .. When(request.Resumable, "-s"),
        .. When(request.Force, "-F"),
        .. request.Origin is null ? [] : new[] { "-o", $"origin={ZfsName.Snapshot(request.Origin)}" },
        .. request.Properties.SelectMany(property => new[] { "-o", Assignment(property) }),
        ZfsName.Dataset(request.Dataset),
    ];

    public static string[] Hold(string tag, string snapshot) => ["zfs", "hold", ZfsName.Tag(tag), ZfsName.Snapshot(snapshot)];

    public static string[] Release(string tag, string snapshot) => ["zfs", "release", ZfsName.Tag(tag), ZfsName.Snapshot(snapshot)];

    public static string[] Holds(string snapshot) => ["zfs", "holds", "-H", ZfsName.Snapshot(snapshot)];

    public static string[] Bookmark(string snapshot, string bookmark) =>
        ["zfs", "bookmark", ZfsName.Snapshot(snapshot), ZfsName.Bookmark(bookmark)];

    public static string[] DestroyBookmark(string bookmark) => ["zfs", "destroy", ZfsName.Bookmark(bookmark)];

    public static string[] DestroySnapshot(string snapshot) => ["zfs", "destroy", ZfsName.Snapshot(snapshot)];

    public static string[] Snapshot(IReadOnlyList<string> names) => ["zfs", "snapshot", .. names.Select(ZfsName.Snapshot)];

    public static string[] Set(string dataset, IReadOnlyDictionary<string, string> properties) =>
        ["zfs", "set", .. properties.Select(Assignment), ZfsName.Dataset(dataset)];

    public static string[] Inherit(string dataset, string property) =>
        ["zfs", "inherit", ZfsName.Property(property), ZfsName.Dataset(dataset)];

    public static string[] AbortReceive(string dataset) => ["zfs", "receive", "-A", ZfsName.Dataset(dataset)];

    public static string[] ChangeKeyInherit(string dataset) => ["zfs", "change-key", "-i", ZfsName.Dataset(dataset)];

    // Raw implies large and compressed blocks.
    static string[] SendOptions(SendRequest request) =>
    [
        .. When(request.Raw, "-w"),
        .. When(!request.Raw && request.LargeBlocks, "-L"),
        .. When(!request.Raw && request.Compressed, "-c"),
        .. request.Base is null ? [] : new[] { "-i", ZfsName.SnapshotOrBookmark(request.Base) },
        ZfsName.Snapshot(request.Snapshot),
    ];

    static string Assignment(KeyValuePair<string, string> property) => $"{ZfsName.Property(property.Key)}={property.Value}";

    static string[] When(bool condition, string option) => condition ? [option] : [];
}
