using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.SendStream;
using ZfsArchive.Stores;
using ZfsArchive.Zfs;

namespace ZfsArchive.Backup;

/// <summary>How archives are written.</summary>
/// <param name="Level">zstd level, 0 for none.</param>
/// <param name="FixedTarget">Bytes of every chunk's target, or null for the standard schedule.</param>
/// <param name="Version">Of this program, for the manifest.</param>
public sealed record WriterSettings(ChunkSchedule Schedule, int? FixedTarget, int Level, string Version, string Host, string? ZfsUserland, string? ZfsModule)
{
    /// <param name="chunkSize">MiB of every chunk's target, or null for the standard schedule.</param>
    /// <param name="zfs">Null where a stream came from elsewhere.</param>
    public static WriterSettings Of(int? chunkSize, int level, string version, string host, ZfsVersionText? zfs)
    {
        var target = chunkSize * (1 << 20);
        return new(target is { } one ? ChunkSchedule.Fixed(one) : ChunkSchedule.Standard, target, level, version, host, zfs?.Userland, zfs?.Kernel);
    }
}

/// <summary>Bytes of input read, and how many of them are stored.</summary>
public readonly record struct WriteProgress(long Read, long Stored);

/// <summary>What the archive writer asks while a stream passes.</summary>
public interface IArchiveOrder
{
    /// <summary>Refuses a substream (by throwing), or says what it is to be. Asked when its BEGIN is known, before anything of it is stored.</summary>
    ArchiveRequest Admit(BeginRecord begin, BeginRecord? package, Func<NodeKey, BaseArchive?> pendingBase);

    /// <summary>The input has ended well: the sender has to have as well. Nothing is committed unless this returns.</summary>
    /// <param name="length">Bytes of the whole input.</param>
    Task ConfirmAsync(long length, CancellationToken cancel);

    /// <summary>All is durable and about to be committed: bookmarks are made here.</summary>
    Task BeforeManifestAsync(CancellationToken cancel);

    /// <summary>Whether a stream may go on after a record of an unknown type.</summary>
    bool AllowsOpaque { get; }

    /// <summary>Whether what cannot be restored by itself is stored all the same.</summary>
    bool Insists { get; }
}

/// <summary>
/// Carries a stream or package into a repository: read, check, cut, pack, store; each manifest last, and none before the whole
/// input was found whole.
/// </summary>
/// <param name="lease">Held by the caller until all is done, taken before the catalog was read.</param>
public sealed class ArchiveWriter(
    ArchiveRepository repository, Lease lease, Catalog catalog, WriterSettings settings, TimeProvider clock, IProgress<WriteProgress>? progress = null, StageTimes? times = null)
{
    long _stored;

    public StageTimes Times { get; } = times ?? new(clock);

    /// <param name="digest">Fed with the whole input, when its hash is wanted.</param>
    /// <exception cref="StreamDamageException">The input is damaged or incomplete: nothing was committed.</exception>
    public async Task<ImmutableArray<WrittenArchive>> WriteAsync(Stream source, IArchiveOrder order, IncrementalHash? digest, CancellationToken cancel)
    {
        repository.Folders.SweepSpools();
        using var rawBuffers = new BufferPool(settings.Schedule.Shares);
        using var packing = new PackingStage(settings.Schedule, settings.Level, Times);
        await using var spool = repository.Folders.NewSpool();
        var pendings = new List<PendingArchive>();
        try
        {
            var length = await TakeInAsync(source, order, digest, pendings, rawBuffers, packing, spool, cancel);
            await order.ConfirmAsync(length, cancel);
            return await new ArchiveCommit(repository, lease, catalog, settings, clock, spool).CommitAsync(pendings, order, cancel);
        }
        finally
        {
            foreach (var pending in pendings) pending.Place.Dispose();
        }
    }

    async Task<long> TakeInAsync(
        Stream source, IArchiveOrder order, IncrementalHash? digest, List<PendingArchive> pendings,
        BufferPool rawBuffers, PackingStage packing, FileStream spool, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var failure = new FirstFailure(stop);
        var underway = new Queue<Task<ChunkLine>>();
        var beginnings = new List<Task>();
        PackedChunk? package = null;
        StreamIntake intake = null!;
        intake = new StreamIntake(source, rawBuffers, settings.Schedule, Admit, digest, Times);
        try
        {
            await foreach (var item in intake.ReadAsync(stop.Token))
            {
                switch (item)
                {
                    case IntakeItem.PackageHeader header:
                        package = ChunkPacker.Store(header.Bytes);
                        break;
                    case IntakeItem.Chunk chunk:
                        RequireKnown(pendings[^1].Facts, order);
                        underway.Enqueue(failure.Watch(ProcessAsync(pendings[^1].Place, chunk, packing, intake, stop.Token)));
                        break;
                }
                while (underway.TryPeek(out var first) && (first.IsCompleted || item is IntakeItem.Ended)) await SpoolAsync(await underway.Dequeue());
            }
            return intake.BytesRead;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            failure.Throw();
            throw;
        }
        finally
        {
            await stop.CancelAsync();
            Task rest = Task.WhenAll([.. beginnings, .. underway]);
            await rest.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        void Admit(SubstreamWalker facts)
        {
            var begin = facts.Begin!;
            var request = order.Admit(begin, intake.Package, node => pendings.Find(p => p.Request.Conditions.IsEmpty && p.Node.Serves(node)) is { } pending ? new BaseArchive(pending) : null);
            var edge = ArchiveName.Of(begin.Creation, begin.ToGuid, begin.FromGuid);
            // An archive that does not count is no reason to leave out one that will.
            var sameEdge = catalog.Graph.OfSnapshot(begin.ToGuid).Where(a => a.Folder == request.Folder && a.Name.Edge == edge.Edge && (a.Counts || !request.Conditions.IsEmpty));
            var name = edge with { Ordinal = catalog.OrdinalsOf(request.Folder, edge).DefaultIfEmpty(0).Max() + 1 };
            var place = new ArchivePlace(repository, request.Folder, name, [.. sameEdge.OrderBy(a => a.Name.Ordinal)]);
            pendings.Add(new(request, facts, place, package) { LinesStart = spool.Position });
            // while its first chunk is read
            beginnings.Add(failure.Watch(place.BeginAsync(stop.Token)));
        }

        async Task SpoolAsync(ChunkLine line)
        {
            var pending = pendings[^1];
            await spool.WriteAsync(ManifestWriter.Line(line), cancel);
            pending.LinesLength = spool.Position - pending.LinesStart;
            pending.Chunks++;
            pending.StoredLength += line.StoredLength;
            if (line.StoredLength != StoredFrame.FrameLength(line.Length)) pending.CompressedChunks++;
        }
    }

    // The chunk's own buffer is given back as soon as nothing lies in it any more that is still to be stored.
    async Task<ChunkLine> ProcessAsync(ArchivePlace place, IntakeItem.Chunk chunk, PackingStage packing, StreamIntake intake, CancellationToken cancel)
    {
        var raw = chunk.Buffer;
        RentedBuffer? room = null;
        try
        {
            (var packed, room) = await packing.PackAsync(chunk, cancel);
            if (packed.Compressed) raw.Dispose();
            string? md5 = null;
            await packing.TransferAsync(async () => md5 = await place.StoreAsync(chunk.Index, packed, Passed, cancel), cancel);
            progress?.Report(new(intake.BytesRead, Interlocked.Add(ref _stored, packed.StoredLength)));
            var first = chunk.FirstRecord is { } record ? new ChunkFirstRecord(record.Type.WireName(), record.Object, record.Offset) : null;
            return new(new ChunkName(chunk.Index, packed.Sha256).Text, packed.StoredLength, chunk.Bytes.Length, chunk.Checksum?.ToString(), first, md5);
        }
        finally
        {
            Passed();
        }

        void Passed()
        {
            raw.Dispose();
            room?.Dispose();
        }
    }

    // What BEGIN did not announce.
    static void RequireKnown(SubstreamWalker facts, IArchiveOrder order)
    {
        if (facts.Counts[(int)RecordType.WriteByRef] > 0 && !order.Insists)
            throw new ArchiveException(FailureKind.Usage, $"{facts.Begin!.ToName} cannot be restored by itself (dedup: it refers to blocks of other streams); it is stored only with --insist");
        if (facts.OpaqueFrom is not null && !order.AllowsOpaque)
            throw new ArchiveException(FailureKind.Usage, $"{facts.Begin!.ToName}: {string.Join("; ", facts.Warnings)}; it is stored only with --insist and --expect-length or --expect-sha256, which say where it ends");
    }
}

/// <summary>Remembers what failed first among parallel work, and stops the rest.</summary>
sealed class FirstFailure(CancellationTokenSource stop)
{
    ExceptionDispatchInfo? _first;

    public async Task<T> Watch<T>(Task<T> work)
    {
        await Watch((Task)work);
        return await work;
    }

    public async Task Watch(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _first, ExceptionDispatchInfo.Capture(e), null);
            await stop.CancelAsync();
            throw;
        }
    }

    public void Throw() => _first?.Throw();
}
