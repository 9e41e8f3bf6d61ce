using ZfsArchive.Zfs;

namespace ZfsArchive.Restore;

/// <summary>Puts a restored child back under its parent's encryption root: each raw stream arrives as a root of its own.</summary>
public static class EncryptionRoots
{
    /// <summary>Does it when both keys are loaded; else gives the commands that do it.</summary>
    /// <param name="child">A dataset whose source was under another one's key.</param>
    /// <param name="root">That other one, when it was restored too.</param>
    public static async Task<IReadOnlyList<string>> RejoinAsync(IZfs zfs, RestorePlan child, RestorePlan? root, CancellationToken cancel)
    {
        var target = await zfs.TryDatasetAsync(child.Target.Name, cancel);
        if (root is null || target is null || target.EncryptionRoot != target.Name || !target.Name.StartsWith(root.Target.Name + "/", StringComparison.Ordinal)) return [];
        var parent = await zfs.TryDatasetAsync(root.Target.Name, cancel);
        if (target.KeyStatus == "available" && parent?.KeyStatus == "available")
        {
            await zfs.ChangeKeyInheritAsync(target.Name, cancel);
            return [];
        }
        return [$"zfs load-key {ShellQuoting.Quote(root.Target.Name)}", $"zfs load-key {ShellQuoting.Quote(target.Name)}", $"zfs change-key -i {ShellQuoting.Quote(target.Name)}"];
    }
}
