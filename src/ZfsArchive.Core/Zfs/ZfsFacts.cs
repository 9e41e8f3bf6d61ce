namespace ZfsArchive.Zfs;

/// <summary>What a dataset is to ZFS.</summary>
public enum DatasetKind
{
    /// <summary>A file system.</summary>
    Filesystem,

    /// <summary>A volume, seen as a block device.</summary>
    Volume,
}

/// <summary>A snapshot as <c>zfs list</c> tells of it.</summary>
/// <param name="Name">The full name, <c>pool/fs@snap</c>.</param>
/// <param name="Guid">The same in every pool the snapshot was received into.</param>
/// <param name="CreateTxg">Its order among the snapshots of one pool.</param>
/// <param name="Creation">Unix seconds.</param>
/// <param name="IvsetGuid">What a raw incremental compares; 0 if it has none (not encrypted).</param>
/// <param name="UserRefs">The number of holds.</param>
public sealed record ZfsSnapshot(string Name, ulong Guid, ulong CreateTxg, long Creation, ulong IvsetGuid, long UserRefs);

/// <summary>A bookmark; all but the name are those of the snapshot it was made of.</summary>
/// <param name="Name">The full name, <c>pool/fs#mark</c>.</param>
/// <param name="Guid">The GUID of the snapshot.</param>
/// <param name="CreateTxg">When the snapshot was made.</param>
/// <param name="Creation">When the snapshot was made, in Unix seconds.</param>
/// <param name="IvsetGuid">0 if the bookmark keeps none; a raw incremental from it can't be received then, if the dataset is encrypted.</param>
public sealed record ZfsBookmark(string Name, ulong Guid, ulong CreateTxg, long Creation, ulong IvsetGuid);

/// <summary>A file system or a volume.</summary>
/// <param name="Name">The full name, <c>pool/fs</c>.</param>
/// <param name="Kind">File system or volume.</param>
/// <param name="Guid">Kept over renames and rollbacks; a received copy has its own.</param>
/// <param name="Encryption"><c>off</c> or the suite, such as <c>aes-256-gcm</c>.</param>
/// <param name="KeyGuid">The master key, the same in every raw copy; 0 if not encrypted.</param>
/// <param name="KeyFormat"><c>none</c>, <c>raw</c>, <c>hex</c> or <c>passphrase</c>.</param>
/// <param name="EncryptionRoot">The dataset that holds the wrapping key, or empty.</param>
/// <param name="KeyStatus"><c>available</c>, <c>unavailable</c>, or empty if not encrypted.</param>
/// <param name="Origin">The snapshot it was cloned from, <c>pool/fs@snap</c>, or empty.</param>
/// <param name="Mounted">Always false for a volume.</param>
/// <param name="ReceiveResumeToken">Of an interrupted receive, or empty.</param>
/// <param name="Written">Bytes written since the newest snapshot.</param>
public sealed record ZfsDataset(
    string Name,
    DatasetKind Kind,
    ulong Guid,
    string Encryption,
    ulong KeyGuid,
    string KeyFormat,
    string EncryptionRoot,
    string KeyStatus,
    string Origin,
    bool Mounted,
    string ReceiveResumeToken,
    long Written);

/// <summary>A property, native or of a user.</summary>
/// <param name="Name">Its name; that of a user property has a colon.</param>
/// <param name="Value">As <c>-p</c> prints it: numbers are exact. That of a user property may hold tabs and line breaks.</param>
/// <param name="Source"><c>local</c>, <c>default</c>, <c>received</c>, <c>temporary</c>, <c>inherited from NAME</c>, or <c>-</c>.</param>
public sealed record ZfsProperty(string Name, string Value, string Source);

/// <summary>A hold on a snapshot.</summary>
public sealed record ZfsHold(string Snapshot, string Tag);

/// <summary>What a pool is able to take.</summary>
/// <param name="Name">The pool.</param>
/// <param name="Guid">Its GUID.</param>
/// <param name="Free">Free bytes as the pool counts them: parity and reservations not taken off.</param>
/// <param name="Features">Feature (without <c>feature@</c>) to <c>disabled</c>, <c>enabled</c> or <c>active</c>.</param>
public sealed record ZfsPool(string Name, ulong Guid, long Free, IReadOnlyDictionary<string, string> Features);

/// <summary>The two halves of an installed OpenZFS, as they name themselves.</summary>
/// <param name="Userland">Such as <c>zfs-2.3.9-1</c>.</param>
/// <param name="Kernel">Such as <c>zfs-kmod-2.3.9-1</c>.</param>
public sealed record ZfsVersionText(string Userland, string Kernel);
