using ZfsArchive.Zfs;

namespace ZfsArchive.Restore;

/// <summary>Gathers the facts of a restore's target.</summary>
public static class TargetSurvey
{
    /// <param name="willExist">Datasets that the same restore makes before this one.</param>
    public static async Task<TargetFacts> TakeAsync(IZfs zfs, string target, IReadOnlySet<string> willExist, CancellationToken cancel)
    {
        var poolName = target.Split('/')[0];
        var parent = target.LastIndexOf('/') is var slash and > 0 ? target[..slash] : null;
        var pool = await zfs.PoolAsync(poolName, cancel);
        var dataset = await zfs.TryDatasetAsync(target, cancel);
        var parentExists = parent is not null && (willExist.Contains(parent) || await zfs.TryDatasetAsync(parent, cancel) is not null);
        return new(
            target, dataset, dataset is null ? [] : [.. await zfs.SnapshotsAsync(target, cancel)], [.. await zfs.AllSnapshotsAsync(poolName, cancel)],
            pool, parentExists, (await zfs.VersionAsync(cancel)).Userland);
    }
}
