using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.SendStream;

namespace ZfsArchive.Backup;

/// <summary>What the user allowed for a stream that comes by standard input.</summary>
/// <param name="DatasetName">The name to archive it under; null takes the one in the stream.</param>
/// <param name="AllowPlaintext">A stream without the RAW bit may leave the house.</param>
/// <param name="Insist">What may not stand in a chain is stored all the same, with its condition.</param>
/// <param name="ExpectSha256">SHA-256 of the whole input, hex.</param>
/// <param name="ExpectLength">Bytes of the whole input.</param>
public sealed record StdinRules(string? DatasetName, bool AllowPlaintext, bool Insist, string? ExpectSha256, long? ExpectLength);

/// <summary>The order for whatever comes by standard input: all that is known is in the stream itself.</summary>
public sealed class StdinOrder(Catalog catalog, StdinRules rules, Func<string?> inputSha256) : IArchiveOrder
{
    readonly ArchivePaths _paths = catalog.Graph.Paths();
    readonly Dictionary<string, DatasetFolder> _folders = [];

    public bool Insists => rules.Insist;

    // Without an END record, only something from outside can tell that an opaque stream is whole.
    public bool AllowsOpaque => rules.Insist && (rules.ExpectSha256 is not null || rules.ExpectLength is not null);

    public ArchiveRequest Admit(BeginRecord begin, BeginRecord? package, Func<NodeKey, BaseArchive?> pendingBase)
    {
        if (!begin.Features.Raw && !rules.AllowPlaintext)
            throw new ArchiveException(FailureKind.Usage, $"{begin.ToName} is not a raw stream: it would leave as plaintext. Send it with zfs send -w from an encrypted dataset, or allow it with --allow-plaintext");

        var wanted = new NodeKey(begin.FromGuid, begin.Features.Raw, begin.Crypt?.KeyGuid ?? 0, begin.Crypt?.FromIvsetGuid ?? 0);
        var archive = begin.IsFull ? null : pendingBase(wanted) ?? (_paths.Cheapest(wanted) is { } entry ? new BaseArchive(entry) : null);
        var conditions = StreamConditions.Of(begin);
        if (!begin.IsFull && archive is null) conditions = conditions.Add(StreamConditions.BaseMissing);
        if (conditions.Length > 0 && !rules.Insist)
            throw new ArchiveException(FailureKind.Usage, $"{begin.ToName} cannot be restored by itself ({string.Join(", ", conditions)}{Explain(begin, conditions)}); it is stored only with --insist, and then never counts as archived");

        var name = DatasetName(begin, package);
        return new(
            FolderOf(name, begin), new(name, null, null, begin.Kind is ObjsetKind.Volume ? "volume" : "filesystem"), null, archive, null,
            conditions, [], null, null);
    }

    public Task ConfirmAsync(long length, CancellationToken cancel)
    {
        var sha256 = inputSha256();
        if (rules.ExpectLength is { } expected && expected != length)
            throw new ArchiveException(FailureKind.Damage, $"the input has {length} bytes, not the {expected} expected: nothing was stored");
        if (rules.ExpectSha256 is { } hash && !string.Equals(hash, sha256, StringComparison.OrdinalIgnoreCase))
            throw new ArchiveException(FailureKind.Damage, $"the SHA-256 of the input is {sha256}, not the {hash} expected: nothing was stored");
        return Task.CompletedTask;
    }

    public Task BeforeManifestAsync(CancellationToken cancel) => Task.CompletedTask;

    string Explain(BeginRecord begin, ImmutableArray<string> conditions)
    {
        if (!conditions.Contains(StreamConditions.BaseMissing)) return "";
        var others = catalog.Graph.OfSnapshot(begin.FromGuid).ToList();
        return others.Count == 0
            ? $": its base, guid {begin.FromGuid}, is not archived here"
            : others.All(o => o.Node.Raw != begin.Features.Raw)
                ? $": its base, guid {begin.FromGuid}, is archived {(begin.Features.Raw ? "decrypted" : "raw")}, and raw and not raw do not mix in a chain"
                : $": no archive of its base, guid {begin.FromGuid}, can be restored with the same key and IV set";
    }

    // In a package the given name stands for the top of the tree.
    string DatasetName(BeginRecord begin, BeginRecord? package)
    {
        if (rules.DatasetName is not { } given) return begin.DatasetName;
        var top = package?.DatasetName;
        return top is not null && begin.DatasetName.StartsWith(top + "/", StringComparison.Ordinal) ? given + begin.DatasetName[top.Length..] : given;
    }

    // The stream does not say which dataset it is of. One that has the snapshot or its base archived under this name is it; else the name decides.
    DatasetFolder FolderOf(string name, BeginRecord begin)
    {
        if (_folders.TryGetValue(name, out var decided)) return decided;
        var archived = catalog.Graph.OfSnapshot(begin.ToGuid).Concat(begin.IsFull ? [] : catalog.Graph.OfSnapshot(begin.FromGuid));
        return _folders[name] = archived.Select(a => a.Folder).FirstOrDefault(f => catalog.NameOf(f) == name)
            ?? catalog.FolderOf(name, BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name))));
    }
}
