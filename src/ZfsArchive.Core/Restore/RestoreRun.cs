using ZfsArchive.Processes;
using System.Collections.Immutable;
using ZfsArchive.Fetch;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Zfs;

namespace ZfsArchive.Restore;

/// <summary>An archive turned out damaged while it was being restored; another path may avoid it.</summary>
public sealed class DamagedArchiveException(ArchiveEntry archive, ArchiveException inner) : ArchiveException(FailureKind.Damage, inner.Message, inner)
{
    public ArchiveEntry Archive { get; } = archive;
}

/// <summary>Carries out a restore, link by link. Nothing unverified is ever written to <c>zfs receive</c>.</summary>
/// <param name="progress">Told the bytes of stream that went out.</param>
public sealed class RestoreRun(ArchiveRepository repository, IZfs zfs, IProgress<long>? progress)
{
    readonly List<string> _notSet = [];

    /// <summary>Commands for properties that could not be set after the last link, with what ZFS said.</summary>
    public IReadOnlyList<string> NotSet => _notSet;

    /// <summary>Receives what remains of the plan.</summary>
    /// <exception cref="DamagedArchiveException">An archive is damaged: the links before it were received, nothing of it is left.</exception>
    /// <exception cref="ZfsException">The receiver refused; its words.</exception>
    public async Task ExecuteAsync(RestorePlan plan, bool force, CancellationToken cancel)
    {
        var target = plan.Target.Name;
        var isNew = plan.Target.Dataset is null || plan.Target.Snapshots.IsEmpty;
        var before = isNew ? [] : await zfs.PropertiesAsync(target, cancel);
        var isOurs = isNew || before.Any(p => p.Name == TargetProtection.Mark && p.Source == "local");
        if (plan.Remaining.IsEmpty && !isOurs) return;
        if (plan.AbortsPartial) await zfs.AbortReceiveAsync(target, cancel);
        if (!isNew) await zfs.SetAsync(target, TargetProtection.WhileRestoring(plan.Wanted), cancel);

        using var fetcher = new ChunkFetcher(repository.Store, ChunkFetcher.StandardParallel);
        var feed = new ArchiveFeed(repository, fetcher, ChunkFetcher.StandardAhead);
        FeedAhead? ahead = null;
        try
        {
            foreach (var (archive, next) in plan.Remaining.Zip([.. plan.Remaining.Skip(1), (ArchiveEntry?)null]))
            {
                if (!isNew) await RequireUnchangedAsync(target, archive, force, cancel);
                await using var current = ahead ?? feed.Begin(archive, cancel);
                ahead = null;
                // while zfs is busy with the end of this one
                await ReceiveAsync(current, archive, target, isNew, isNew ? plan.Origin : null, force, () => ahead = next is null ? null : feed.Begin(next, cancel), cancel);
                isNew = false;
            }
        }
        finally
        {
            if (ahead is not null) await ahead.DisposeAsync();
        }
        await FinishAsync(plan.Wanted, target, isOurs ? [] : before, cancel);
    }

    /// <param name="written">Called when all of it was given to zfs, which has not said yet that it is received.</param>
    async Task ReceiveAsync(FeedAhead feed, ArchiveEntry archive, string target, bool isNew, string? origin, bool force, Action written, CancellationToken cancel)
    {
        var properties = isNew ? TargetProtection.WhileRestoring(archive) : ImmutableSortedDictionary<string, string>.Empty;
        await using (var receive = zfs.StartReceive(new(target, properties, Resumable: true, origin, Force: force && !isNew)))
        {
            try
            {
                await feed.WriteAsync(receive.Input, progress, cancel);
            }
            catch (IOException) when (!cancel.IsCancellationRequested)
            {
                throw await receive.FailureAsync(cancel);
            }
            catch (ArchiveException e) when (e.Kind is FailureKind.Damage)
            {
                // Seen to its end before its half-received state is thrown away: behind ssh, killing what runs here does not end it there.
                await receive.Input.DisposeAsync();
                await receive.FailureAsync(cancel);
                await ForgetPartialAsync(target, cancel);
                throw new DamagedArchiveException(archive, e);
            }
            written();
            await receive.FinishAsync(cancel);
        }
        await RequireReceivedAsync(target, archive, cancel);
    }

    async Task ForgetPartialAsync(string target, CancellationToken cancel)
    {
        if (await zfs.TryDatasetAsync(target, cancel) is { ReceiveResumeToken.Length: > 0 }) await zfs.AbortReceiveAsync(target, cancel);
    }

    // Somebody may have mounted or changed it between two links.
    async Task RequireUnchangedAsync(string target, ArchiveEntry next, bool force, CancellationToken cancel)
    {
        var last = await NewestAsync(target, cancel);
        if (!force && last?.Guid != next.Head.Stream.FromGuid)
            throw new ArchiveException(FailureKind.Failed, $"{target} has {last?.Name ?? "no snapshot"} where {next.SnapshotName} needs guid {next.Head.Stream.FromGuid}: somebody works on it; stop that and run the restore again (it goes on from here)");
        var written = (await zfs.TryDatasetAsync(target, cancel))?.Written ?? 0;
        if (!force && written != 0)
            throw new ArchiveException(FailureKind.Failed, $"{target} was changed since {last!.Name} ({written} bytes written): unmount it, and run the restore again with --force to roll it back");
    }

    async Task RequireReceivedAsync(string target, ArchiveEntry archive, CancellationToken cancel)
    {
        var last = await NewestAsync(target, cancel);
        if (last?.Guid != archive.Head.Snapshot.Guid)
            throw new ArchiveException(FailureKind.Failed, $"zfs receive ended well, and {target} has {last?.Name ?? "no snapshot"} (guid {last?.Guid}) instead of {archive.SnapshotName} (guid {archive.Head.Snapshot.Guid})");
    }

    async Task<ZfsSnapshot?> NewestAsync(string target, CancellationToken cancel)
    {
        var snapshots = await zfs.SnapshotsAsync(target, cancel);
        return snapshots.Count == 0 ? null : snapshots[^1];
    }

    /// <param name="before">Properties of a target that was there before any restore of ours: what was set on it is set again.</param>
    async Task FinishAsync(ArchiveEntry wanted, string target, IReadOnlyList<ZfsProperty> before, CancellationToken cancel)
    {
        foreach (var name in TargetProtection.Names(wanted).Where(n => n != TargetProtection.CanMount)) await zfs.InheritAsync(target, name, cancel);
        var settings = before.Count > 0
            ? before.Where(p => p.Source == "local" && TargetProtection.Names(wanted).Contains(p.Name)).ToDictionary(p => p.Name, p => p.Value)
            : TargetProtection.Applied(wanted).ToDictionary();
        // canmount cannot be inherited
        if (wanted.Head.Dataset.Type != "volume") settings.TryAdd(TargetProtection.CanMount, wanted.Head.Properties?.GetValueOrDefault(TargetProtection.CanMount) ?? "on");
        await SetAsync(target, settings, cancel);
    }

    // A property that this pool does not take is no reason to fail: the data is there.
    async Task SetAsync(string target, Dictionary<string, string> settings, CancellationToken cancel)
    {
        foreach (var (name, value) in settings)
        {
            try
            {
                await zfs.SetAsync(target, new Dictionary<string, string> { [name] = value }, cancel);
            }
            catch (ZfsException e)
            {
                _notSet.Add($"zfs set {ShellQuoting.Quote($"{name}={value}")} {ShellQuoting.Quote(target)}   # failed: {e.Message.Split('\n')[^1]}");
            }
        }
    }
}
