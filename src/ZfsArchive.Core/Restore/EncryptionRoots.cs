using ZfsArchive.Processes;
using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Zfs;

namespace ZfsArchive.Restore;

/// <summary>
/// Puts restored children back under their encryption root: each raw stream arrives as a root of its own. No key is needed for it;
/// but a child whose newest archive was made under an older passphrase than its root's could not be opened any more afterwards,
/// so only those are moved whose passphrase salt is the root's.
/// </summary>
public static class EncryptionRoots
{
    /// <param name="root">The restored encryption root.</param>
    /// <param name="children">Restored datasets whose sources were under its key.</param>
    /// <returns>For each child that could not be put back, the commands that do it.</returns>
    public static async Task<ImmutableArray<string>> RejoinAsync(IZfs zfs, RestorePlan root, IReadOnlyList<RestorePlan> children, CancellationToken cancel)
    {
        var apart = new List<RestorePlan>();
        foreach (var child in children)
            if (await IsApartAsync(zfs, child, cancel)) apart.Add(child);
        var sure = apart.Where(c => SameSalt(root.Wanted, c.Wanted)).ToList();
        if (sure.Count > 0 && await zfs.TryDatasetAsync(root.Target.Name, cancel) is { ReceiveResumeToken.Length: 0 })
            await HandBackAsync(zfs, root, sure, cancel);

        // Neither its exit status nor its words tell whether it worked: the property does.
        var toDo = ImmutableArray.CreateBuilder<string>();
        foreach (var child in apart)
        {
            if (!await IsApartAsync(zfs, child, cancel)) continue;
            var name = ShellQuoting.Quote(child.Target.Name);
            toDo.AddRange($"zfs load-key {name}", $"zfs change-key -i {name}   # with the key of {ShellQuoting.Quote(root.Target.Name)} loaded");
        }
        return toDo.ToImmutable();
    }

    static async Task<bool> IsApartAsync(IZfs zfs, RestorePlan child, CancellationToken cancel) =>
        await zfs.TryDatasetAsync(child.Target.Name, cancel) is { Mounted: false } dataset && dataset.EncryptionRoot == dataset.Name;

    static bool SameSalt(ArchiveEntry root, ArchiveEntry child) =>
        root.Head.Encryption.Pbkdf2Salt != 0 && root.Head.Encryption.Pbkdf2Salt == child.Head.Encryption.Pbkdf2Salt;

    static async Task HandBackAsync(IZfs zfs, RestorePlan root, List<RestorePlan> children, CancellationToken cancel)
    {
        var snapshots = await zfs.SnapshotsAsync(root.Target.Name, cancel);
        var top = snapshots[^1];
        var package = ReparentPackage.Build(top.Name[(top.Name.IndexOf('@', StringComparison.Ordinal) + 1)..], top.Guid, children.Select(c => c.Wanted.Head.Snapshot.Guid));
        await using var receive = zfs.StartReceive(new(root.Target.Name, ImmutableDictionary<string, string>.Empty, Resumable: false, null, Force: false));
        try
        {
            await receive.Input.WriteAsync(package, cancel);
            await receive.FinishAsync(cancel);
        }
        catch (Exception e) when (e is ZfsException or IOException)
        {
            // what it left is looked at next
        }
    }
}
