using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using ZfsArchive.Backup;
using ZfsArchive.Chunks;
using ZfsArchive.Manifests;
using ZfsArchive.Repository;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Verify;

/// <summary>An archive as it was when it was sound.</summary>
sealed record SoundArchive(string Id, string Snapshot, ulong To, ulong From, byte[] Stream, ImmutableArray<string> Chunks)
{
    public string Manifest => $"manifests/{Id}.json";
}

/// <summary>One fault.</summary>
/// <param name="Changed">The objects that it changed.</param>
/// <param name="Unusable">The archives (by id) that cannot be restored because of it.</param>
/// <param name="BytesRemain">All the right bytes are still there: a reader may give them.</param>
sealed record MadeFault(string What, MemoryStore Store, ImmutableArray<string> Changed, ImmutableHashSet<string> Unusable, bool BytesRemain = false);

/// <summary>A sound repository with a chain, a second way through it, and archives of several chunks; and a maker of faults.</summary>
public sealed partial class FaultWorld : IAsyncLifetime, IDisposable
{
    readonly TempFolder _temp = new();

    internal MemoryStore Sound { get; } = new();

    internal LocalFolders Folders => new(_temp["state"], _temp["cache"]);

    internal LocalFolders NoMemory => new(_temp["nothing remembered"], _temp["cache"]);

    internal ImmutableArray<SoundArchive> Archives { get; private set; }

    public async Task InitializeAsync()
    {
        var repository = await ArchiveRepository.InitAsync(Sound, Folders, TimeProvider.System, default);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Shared, "backup", "testhost", TimeProvider.System, default);
        var made = new SyntheticStream { Blocks = 28 };
        var next = made with { Name = "tank/made@s2", FromGuid = made.ToGuid, ToGuid = made.ToGuid + 1, Creation = made.Creation + 60, Blocks = 18, Seed = 2 };
        foreach (var input in new[] { "chain-full", "chain-incr1", "chain-incr2", "chain-incr3", "chain-incr4", "chain-i-wide" }.Select(Golden.Bytes).Concat([made.Bytes(), next.Bytes()]))
        {
            var catalog = await repository.CatalogAsync(default);
            var settings = new WriterSettings(ChunkSchedule.Fixed(1 << 20), 1 << 20, 1, "test", "testhost", null, null);
            var order = new StdinOrder(catalog, new(null, AllowPlaintext: true, Insist: false, null, null), () => null);
            await new ArchiveWriter(repository, lease, catalog, settings, TimeProvider.System).WriteAsync(new MemoryStream(input), order, null, default);
        }
        var archives = (await repository.CatalogAsync(default)).Graph.Archives;
        var streams = StoredTruth.Streams(Sound);
        Archives = [.. archives.Select(a => new SoundArchive(
            a.Id, a.SnapshotName, a.Head.Snapshot.Guid, a.Head.Stream.FromGuid, streams[$"manifests/{a.Id}.json"], [.. Sound.Keys.Where(k => k.StartsWith($"archives/{a.Id}/", StringComparison.Ordinal))]))];
        Assert.Equal(8, Archives.Length);
        Assert.True(new KnownHeads(Folders, repository.Descriptor).Remember(archives));
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _temp.Dispose();

    internal Task<ArchiveRepository> OpenAsync(MemoryStore store, bool remembers = true) => ArchiveRepository.OpenAsync(store, remembers ? Folders : NoMemory, RepositoryUse.Read, default);

    /// <summary>The snapshots that no path leads to without these archives, found by trying until nothing more is reached.</summary>
    internal IEnumerable<string> LostWithout(IReadOnlySet<string> unusable)
    {
        var left = Reached(unusable);
        return Archives.Where(a => !left.Contains(a.To)).Select(a => a.Snapshot).Distinct().Order(StringComparer.Ordinal);
    }

    HashSet<ulong> Reached(IReadOnlySet<string> unusable)
    {
        var reached = new HashSet<ulong> { 0 };
        while (Archives.Any(a => !unusable.Contains(a.Id) && reached.Contains(a.From) && reached.Add(a.To))) { }
        return reached;
    }

    internal const int Kinds = 13;

    /// <summary>A fault of a kind; the seed decides the rest.</summary>
    internal MadeFault Make(int kind, Random random)
    {
        var store = Sound.Clone();
        var archive = Pick(Archives, random);
        var chunk = Pick(archive.Chunks, random);
        var newest = Archives.First(a => a.Snapshot == "tank/chain@s4" && a.To != 0);
        return kind switch
        {
            0 or 1 => Changed($"flip in {chunk}", archive, chunk, Flip(store[chunk]!, random)),
            2 => Changed($"cut {chunk}", archive, chunk, store[chunk]![..random.Next(1, store[chunk]!.Length)]),
            3 => Changed($"empty {chunk}", archive, chunk, []),
            4 => Changed($"bytes appended to {chunk}", archive, chunk, [.. store[chunk]!, .. new byte[random.Next(1, 100)]]) with { BytesRemain = true },
            5 => Swap(),
            6 => Changed($"drop {chunk}", archive, chunk, null),
            7 => Changed($"drop manifest {archive.Id}", archive, archive.Manifest, null),
            8 => Record(),
            9 => Foreign(),
            10 => Changed($"edit newest manifest {newest.Id}", newest, newest.Manifest, Edit(store[newest.Manifest]!, random)),
            11 => Changed($"flip in manifest {archive.Id}", archive, archive.Manifest, Flip(store[archive.Manifest]!, random)),
            _ => Changed($"cut manifest {archive.Id}", archive, archive.Manifest, store[archive.Manifest]![..random.Next(store[archive.Manifest]!.Length)]),
        };

        MadeFault Changed(string what, SoundArchive of, string key, byte[]? bytes)
        {
            store[key] = bytes;
            return new(what, store, [key], [of.Id]);
        }

        MadeFault Swap()
        {
            var (otherArchive, other) = Other();
            (store[chunk], store[other]) = (store[other], store[chunk]);
            return new($"swap {chunk} and {other}", store, [chunk, other], [archive.Id, otherArchive.Id]);
        }

        MadeFault Foreign()
        {
            var (_, other) = Other();
            return Changed($"{chunk} replaced by {other}", archive, chunk, store[other]);
        }

        MadeFault Record()
        {
            var record = Pick([.. store.Keys.Where(k => k.EndsWith("/dataset-1.json", StringComparison.Ordinal))], random);
            store[record] = random.Next(2) == 0 ? null : Flip(store[record]!, random);
            return new($"{(store[record] is null ? "drop" : "flip in")} {record}", store, [record], []);
        }

        (SoundArchive Archive, string Chunk) Other()
        {
            while (true)
            {
                var other = Pick(Archives, random);
                var its = Pick(other.Chunks, random);
                if (its != chunk) return (other, its);
            }
        }
    }

    static T Pick<T>(ImmutableArray<T> of, Random random) => of[random.Next(of.Length)];

    static byte[] Flip(byte[] bytes, Random random)
    {
        byte[] flipped = [.. bytes];
        flipped[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        return flipped;
    }

    // Most of these leave valid JSON.
    static byte[] Edit(byte[] manifest, Random random)
    {
        var text = Encoding.UTF8.GetString(manifest);
        var digits = Digit().Matches(text);
        var digit = digits[random.Next(digits.Count)];
        var edited = random.Next(6) switch
        {
            0 => text.Replace("\"filesystem\"", "\"volume\"", StringComparison.Ordinal),
            1 => text.Insert(2, "  \"extra\": 1,\n"),
            2 => text.Replace("\"s4\"", "\"s5\"", StringComparison.Ordinal),
            3 => text.Replace("\"conditions\": []", "\"conditions\": [\"redacted\"]", StringComparison.Ordinal),
            4 => text.TrimEnd('\n'),
            _ => text[..digit.Index] + (char)('0' + (digit.Value[0] - '0' + 1 + random.Next(9)) % 10) + text[(digit.Index + 1)..],
        };
        Assert.NotEqual(text, edited);
        return Encoding.UTF8.GetBytes(edited);
    }

    [GeneratedRegex("[0-9]")]
    private static partial Regex Digit();
}
