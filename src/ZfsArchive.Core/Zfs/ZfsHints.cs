namespace ZfsArchive.Zfs;

/// <summary>Texts of OpenZFS, sudo and ssh (in the C locale), and what they mean for a person.</summary>
static class ZfsHints
{
    // The first match counts, so a longer text stands before one that it contains.
    static readonly (string Text, string Hint)[] _known =
    [
        ("failed to read from stream", "The input ended before the stream began."),
        ("bad magic number", "This is not a send stream, or its beginning is damaged."),
        ("bad snapshot name", "The stream does not name its snapshot as dataset@snapshot; it is damaged or not from ZFS."),
        ("stream has unsupported feature", "The stream was made by a newer ZFS; update ZFS on the target."),
        ("stream has deprecated feature: dedup", "This is a deduplicated stream; convert it with `zstream redup` first."),
        ("corrective receive was not able to reconstruct", "The stream does not hold good copies of what is damaged."),
        ("checksum mismatch", "The stream is damaged or cut off; verify the archive. What was kept continues with its resume token, or goes away with `zfs receive -A`."),
        ("incomplete stream", "The stream is cut off before its end record."),
        ("pool must be upgraded to receive this stream", "The target pool lacks a feature of the stream; enable it with `zpool upgrade` or `zpool set feature@NAME=enabled`."),
        ("kernel modules must be upgraded to receive this stream", "The receiver rejected the stream; mostly the kernel modules are fine, and a resumed stream does not begin where the target stopped. Abort with `zfs receive -A` and receive it from the start."),
        ("invalid backup stream", "The receiver rejected the stream; a record is malformed or out of order."),
        ("incompatible embedded data stream feature with encrypted receive", "Streams with embedded blocks can't be received below an encrypted dataset; receive it below one that is not."),
        ("does not match incremental source", "The newest snapshot of the target is not the base of this stream; receive the links of the chain in order, or into a new dataset."),
        ("does not\nmatch incremental source", "The newest snapshot of the target is not the base of this stream; receive the links of the chain in order, or into a new dataset."),
        ("has been modified", "The target changed after its newest snapshot; mounting alone is enough. Roll it back to that snapshot (`zfs rollback`) and keep it read-only."),
        ("must specify -F to overwrite it", "A dataset of this name is there already; choose a new name."),
        ("must destroy them to overwrite it", "The target has snapshots; choose a new name, or destroy them first."),
        ("cannot be used to destroy an encrypted filesystem", "ZFS does not overwrite an encrypted dataset, nor a plain one with an encrypted one; choose a new name."),
        ("cannot perform raw receive on top of existing unencrypted dataset", "Raw and plain streams can't be mixed in one chain; choose a new dataset."),
        ("local origin for clone", "The stream is of a clone; restore the snapshot it was cloned from first."),
        ("is not a filesystem", "A dataset can only be received below a file system."),
        ("encryption key does not match existing key", "The target has another master key: it is not of the same lineage as this stream."),
        ("inherited key must be loaded", "The key of the parent is not loaded; run `zfs load-key` on it."),
        ("IV set guid missing", "The base has no IV set GUID (made by an old ZFS); send a full stream instead."),
        ("IV set guid mismatch", "The base on the target was not received raw; receive the whole chain raw into a new dataset."),
        ("crypto parameters not compatible", "The stream uses a cipher that the target's ZFS does not know; update ZFS."),
        ("requires -L (--large-block)", "The chain was begun with large blocks (-L) and must go on so."),
        ("contains partially-complete state", "An interrupted receive is kept there; continue it, or throw it away with `zfs receive -A`."),
        ("does not have any resumable receive state", "There is nothing to abort."),
        ("cannot receive incremental stream: destination", "An incremental continues a dataset; receive the full stream of its chain first."),
        ("space quota exceeded", "The quota of the target or of a parent is used up."),
        ("out of space", "The pool is full."),
        ("cannot be set or excluded for", "Encryption comes with a raw stream; it can't be set on receive."),
        ("dataset key must be loaded", "A stream that is not raw needs the key; run `zfs load-key`, or send raw."),
        ("source key must be loaded", "A stream that is not raw needs the key; run `zfs load-key`, or send raw."),
        ("not an earlier snapshot from the same fs", "The base must be older than the snapshot and of the same dataset."),
        ("may not be sent with properties without the raw flag", "An encrypted dataset with properties can only be sent raw."),
        ("resume token is corrupt", "The resume token is damaged or cut."),
        ("dataset is busy", "Something uses it: a send, a receive, a mount or a hold."),
        ("it's being held", "A hold keeps the snapshot; `zfs holds` shows by whom."),
        ("Key must be loaded", "The keys of the dataset and of its parent are needed; run `zfs load-key` on both."),
        ("Parent must be encrypted", "Only a dataset below an encrypted one can inherit its key."),
        ("incremental source", "The base is gone at the source; a full stream or another base is needed."),
        ("dataset already exists", "The name is taken."),
        ("bookmark exists", "The name is taken."),
        ("dataset does not exist", "The name is wrong, the dataset was renamed or destroyed, or its pool is not imported."),
        ("no such pool", "The pool is not imported, or its name is wrong."),
        ("zfs-kmod", "The userland tools and the kernel module of ZFS do not fit together."),
        ("ZFS modules cannot be auto-loaded", "The kernel module of ZFS is not loaded; run `modprobe zfs` as root."),
        ("modules are not loaded", "The kernel module of ZFS is not loaded; run `modprobe zfs` as root."),
        ("/dev/zfs and /proc/self/mounts are required", "The kernel module of ZFS is not loaded; run `modprobe zfs` as root."),
        ("invalid property", "This version of ZFS does not know the property."),
        ("invalid option", "This version of ZFS does not know the option."),
        ("a password is required", "sudo wants a password; allow this user to run zfs without one (NOPASSWD) in sudoers."),
        ("a terminal is required", "sudo wants a password; allow this user to run zfs without one (NOPASSWD) in sudoers."),
        ("Host key verification failed", "ssh does not know the host's key; connect once by hand and compare the fingerprint."),
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", "The host shows another key than before; find out why before going on."),
        ("Permission denied (", "ssh found no key that the host takes; check the key and the user."),
        ("Could not resolve hostname", "The host's name is not known here."),
        ("Connection refused", "Nothing answers at this host and port; check the address and sshd."),
        ("Connection timed out", "The host can't be reached; check the address, the network and the firewall."),
        ("Permission denied", "This user may not use ZFS; run as root, with the prefix sudo -n, or grant the right with `zfs allow`."),
        ("permission denied", "This user lacks a right; grant it with `zfs allow`, or run as root or with the prefix sudo -n."),
        ("command not found", "The program is not in the PATH of the shell there; for ssh that is the PATH without a login."),
        ("could not be started", "The program is not installed or not in PATH."),
        ("No such file or directory", "A program or a device is missing; is ZFS installed there, and in the PATH of a shell without a login?"),
    ];

    // What is refused to a user without a right, by the command; and the right, as zfs allow names it.
    static readonly (string Text, string Right)[] _rights =
    [
        ("cannot create snapshots", "snapshot"),
        ("cannot send ", "send"),
        ("cannot hold", "hold"),
        ("cannot release", "release"),
        ("cannot create bookmark", "bookmark"),
        ("cannot destroy bookmark", "destroy"),
        ("cannot destroy snapshots", "destroy,mount"),
    ];

    public static string? For(int? exitCode, string standardError)
    {
        if (standardError.Contains("permission denied", StringComparison.Ordinal))
            foreach (var (text, right) in _rights)
                if (standardError.Contains(text, StringComparison.Ordinal)) return $"This user lacks a right; as root, there: `zfs allow USER {right} DATASET`.";

        foreach (var (text, hint) in _known)
            if (standardError.Contains(text, StringComparison.Ordinal)) return hint;

        return exitCode switch
        {
            127 => "The program was not found; is ZFS installed there, and in the PATH of a shell without a login?",
            137 => "Something killed it, perhaps the kernel for want of memory; look into the system's log.",
            141 => "The program that read its output went away first.",
            255 when standardError.Length == 0 => "If this went over ssh, the connection failed or broke.",
            _ => null,
        };
    }
}
