using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.SendStream;
using ZfsArchive.Zfs;

namespace ZfsArchive.Backup;

/// <summary>The order for one planned step: the stream has to be exactly the planned one before a byte of it leaves.</summary>
sealed class DatasetOrder(
    ArchiveRepository repository, Catalog catalog, IZfs zfs, IZfsSend send, BackupPlan plan, BackupStep step, ArchiveEntry? baseEntry,
    ImmutableSortedDictionary<string, string> properties) : IArchiveOrder
{
    public bool AllowsOpaque => false;

    public bool Insists => false;

    public ArchiveRequest Admit(BeginRecord begin, BeginRecord? package, Func<NodeKey, BaseArchive?> pendingBase)
    {
        var dataset = plan.Source.Dataset;
        if ((package is null ? Difference(begin) : "a package") is { } difference)
            throw new ArchiveException(FailureKind.Failed, $"zfs sent another stream of {step.Snapshot.Name} than planned ({difference}): nothing was stored");
        var root = dataset.EncryptionRoot.Length > 0 ? new ManifestEncryptionRoot(dataset.EncryptionRoot, plan.Source.EncryptionRootGuid, dataset.EncryptionRoot == dataset.Name) : null;
        return new(
            catalog.FolderOf(dataset.Name, dataset.Guid),
            new(dataset.Name, dataset.Guid, plan.Source.PoolGuid, dataset.Kind is DatasetKind.Volume ? "volume" : "filesystem"),
            step.Snapshot.CreateTxg, baseEntry is null ? null : new BaseArchive(baseEntry), step.Base?.Name, [],
            plan.Source.Raw ? ["-w"] : ["-L", "-c"], root, properties);
    }

    public Task ConfirmAsync(long length, CancellationToken cancel) => send.FinishAsync(cancel);

    // Before the manifest: a base that the repository has must never be one that the source has lost.
    public Task BeforeManifestAsync(CancellationToken cancel) =>
        zfs.BookmarkAsync(step.Snapshot.Name, SourceMarks.Bookmark(plan.Source.Dataset.Name, repository.ShortId, step.Snapshot.Guid), cancel);

    string? Difference(BeginRecord begin)
    {
        var wantedBase = step.Base?.Node;
        return begin.Features.Raw != plan.Source.Raw ? begin.Features.Raw ? "raw" : "not raw: it would leave as plaintext"
            : begin.ToGuid != step.Snapshot.Guid ? $"guid {begin.ToGuid} instead of {step.Snapshot.Guid}"
            : begin.FromGuid != (wantedBase?.Guid ?? 0) ? $"from guid {begin.FromGuid} instead of {wantedBase?.Guid ?? 0}"
            : begin.Crypt is { } key && (key.KeyGuid != plan.Source.Dataset.KeyGuid || key.ToIvsetGuid != step.Snapshot.IvsetGuid) ? "with another key or IV set"
            : StreamConditions.Of(begin) is { IsEmpty: false } conditions ? string.Join(", ", conditions)
            : begin.Crypt is { } from && wantedBase is { } node && from.FromIvsetGuid != node.IvsetGuid ? "from a base with another IV set"
            : null;
    }
}
