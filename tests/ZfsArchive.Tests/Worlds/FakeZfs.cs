using ZfsArchive.SendStream;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Worlds;

/// <summary>
/// A zfs of this process: one encrypted source dataset whose snapshots are golden streams, and targets that remember what they
/// received. What was asked of it stands in <see cref="Calls"/>.
/// </summary>
sealed class FakeZfs : IZfs
{
    static readonly string[] s_chain = ["chain-full", "chain-incr1", "chain-incr2", "chain-incr3", "chain-incr4"];
    readonly string[] _streams;
    readonly List<BeginRecord> _begins;
    readonly Dictionary<string, List<ZfsSnapshot>> _received = [];

    /// <param name="streams">Golden streams of the source's snapshots, each based on the one before; none: a chain of five.</param>
    public FakeZfs(params string[] streams)
    {
        _streams = streams.Length > 0 ? streams : s_chain;
        _begins = [.. _streams.Select(BeginOf)];
        SnapshotCount = _streams.Length;
    }

    public List<string> Calls { get; } = [];
    public List<ZfsBookmark> Bookmarks { get; } = [];
    public Dictionary<string, string> Set { get; } = [];

    /// <summary>How many snapshots the source has.</summary>
    public int SnapshotCount { get; set; }

    /// <summary>Snapshots that were destroyed at the source.</summary>
    public HashSet<int> Destroyed { get; } = [];

    public string DatasetName { get; set; } = "tank/chain";

    public ulong DatasetGuid { get; set; } = 0xc4a1;

    /// <summary>What stands after the @ of each snapshot.</summary>
    public Func<int, string> SnapshotName { get; set; } = n => $"s{n}";

    /// <summary>What a send of this snapshot gives instead of its stream.</summary>
    public Func<int, byte[], byte[]> Tamper { get; set; } = (_, bytes) => bytes;

    /// <summary>How a send ends.</summary>
    public Func<int, ZfsException?> SendEnd { get; set; } = _ => null;

    /// <summary>How every release ends.</summary>
    public ZfsException? ReleaseEnd { get; set; }

    /// <summary>All that was written to receives, by snapshot, finished or not.</summary>
    public List<MemoryStream> Fed { get; } = [];

    public ulong GuidOf(int n) => _begins[n].ToGuid;

    static BeginRecord BeginOf(string name)
    {
        var walker = new StreamWalker();
        walker.Feed(Golden.Bytes(name));
        return walker.Ended[0].Begin!;
    }

    ZfsSnapshot Snapshot(int n) => new($"{DatasetName}@{SnapshotName(n)}", _begins[n].ToGuid, (ulong)n + 10, (long)_begins[n].Creation, _begins[n].Crypt!.ToIvsetGuid, 0);

    public Task<ZfsVersionText> VersionAsync(CancellationToken cancel) => Task.FromResult(new ZfsVersionText("zfs-2.3.9-1", "zfs-kmod-2.3.9-1"));

    public Task<IReadOnlyList<ZfsDataset>> DatasetsAsync(string root, bool recursive, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<ZfsDataset>>([new(DatasetName, DatasetKind.Filesystem, DatasetGuid, "aes-256-gcm", _begins[0].Crypt!.KeyGuid, "passphrase", DatasetName, "unavailable", "", false, "", 0)]);

    public Task<ZfsDataset?> TryDatasetAsync(string name, CancellationToken cancel) => Task.FromResult(
        name == "vault" ? new ZfsDataset("vault", DatasetKind.Filesystem, 1, "off", 0, "none", "", "", "", false, "", 0)
        : _received.ContainsKey(name) ? new ZfsDataset(name, DatasetKind.Filesystem, 2, "aes-256-gcm", 3, "passphrase", name, "unavailable", "", false, "", 0)
        : null);

    public Task<IReadOnlyList<ZfsSnapshot>> SnapshotsAsync(string dataset, CancellationToken cancel) => Task.FromResult<IReadOnlyList<ZfsSnapshot>>(
        dataset == DatasetName ? [.. Enumerable.Range(0, SnapshotCount).Where(n => !Destroyed.Contains(n)).Select(Snapshot)] : [.. _received.GetValueOrDefault(dataset) ?? []]);

    public Task<IReadOnlyList<ZfsBookmark>> BookmarksAsync(string dataset, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<ZfsBookmark>>([.. Bookmarks.Select(b => b with { Name = $"{dataset}{b.Name[b.Name.IndexOf('#', StringComparison.Ordinal)..]}" })]);

    public async Task<(IReadOnlyList<ZfsSnapshot> Snapshots, IReadOnlyList<ZfsBookmark> Bookmarks)> SnapshotsAndBookmarksAsync(string dataset, CancellationToken cancel) =>
        (await SnapshotsAsync(dataset, cancel), await BookmarksAsync(dataset, cancel));

    /// <summary>Datasets that have a user property, with its value.</summary>
    public List<(string Dataset, string Value)> Having { get; } = [];

    public Task<IReadOnlyList<(string Dataset, string Value)>> HavingAsync(string property, CancellationToken cancel) => Task.FromResult<IReadOnlyList<(string, string)>>(Having);

    public Task DestroySnapshotAsync(string snapshot, CancellationToken cancel)
    {
        Destroyed.Add(NumberOf(snapshot));
        return Called($"destroy {snapshot}");
    }

    public Task<IReadOnlyList<ZfsSnapshot>> AllSnapshotsAsync(string pool, CancellationToken cancel) => Task.FromResult<IReadOnlyList<ZfsSnapshot>>([.. _received.Values.SelectMany(s => s)]);

    public Task<IReadOnlyList<ZfsProperty>> PropertiesAsync(string dataset, CancellationToken cancel) => Task.FromResult<IReadOnlyList<ZfsProperty>>(
        dataset == DatasetName ? [new("recordsize", "4096", "local"), new("mountpoint", "/srv", "local"), new("compression", "off", "default")] : []);

    public Task<ZfsPool> PoolAsync(string pool, CancellationToken cancel) => Task.FromResult(new ZfsPool(
        pool, 5, 1L << 40, new Dictionary<string, string> { ["encryption"] = "active", ["lz4_compress"] = "active", ["large_dnode"] = "enabled" }));

    public Task<long?> EstimateAsync(SendRequest request, CancellationToken cancel) => Task.FromResult<long?>(12345);

    public IZfsSend StartSend(SendRequest request)
    {
        Calls.Add($"send {request.Base} {request.Snapshot}".Replace("  ", " ", StringComparison.Ordinal));
        var n = NumberOf(request.Snapshot);
        return new Send(Tamper(n, Golden.Bytes(_streams[n])), SendEnd(n));
    }

    public IZfsReceive StartReceive(ReceiveRequest request)
    {
        Calls.Add($"receive {request.Dataset}");
        foreach (var (name, value) in request.Properties) Set[name] = value;
        var input = new MemoryStream();
        Fed.Add(input);
        return new Receive(input, () =>
        {
            var begin = new StreamWalker();
            begin.Feed(input.ToArray());
            var n = _begins.FindIndex(b => b.ToGuid == begin.Ended[0].Begin!.ToGuid);
            if (!_received.TryGetValue(request.Dataset, out var list)) _received[request.Dataset] = list = [];
            list.Add(Snapshot(n) with { Name = $"{request.Dataset}@s{n}" });
        });
    }

    public Task HoldAsync(string tag, string snapshot, CancellationToken cancel) => Called($"hold {snapshot}");
    public Task ReleaseAsync(string tag, string snapshot, CancellationToken cancel) => ReleaseEnd is { } end ? Task.FromException(end) : Called($"release {snapshot}");
    public Task<IReadOnlyList<ZfsHold>> HoldsAsync(string snapshot, CancellationToken cancel) => Task.FromResult<IReadOnlyList<ZfsHold>>([]);

    public Task BookmarkAsync(string snapshot, string bookmark, CancellationToken cancel)
    {
        var n = NumberOf(snapshot);
        Bookmarks.Add(new(bookmark, GuidOf(n), (ulong)n + 10, (long)_begins[n].Creation, _begins[n].Crypt!.ToIvsetGuid));
        return Called($"bookmark {snapshot}");
    }

    public Task DestroyBookmarkAsync(string bookmark, CancellationToken cancel)
    {
        Bookmarks.RemoveAll(b => b.Name[b.Name.IndexOf('#', StringComparison.Ordinal)..] == bookmark[bookmark.IndexOf('#', StringComparison.Ordinal)..]);
        return Called($"destroy {bookmark}");
    }
    public Task SnapshotAsync(IReadOnlyList<string> names, CancellationToken cancel) => Called($"snapshot {string.Join(' ', names)}");

    public Task SetAsync(string dataset, IReadOnlyDictionary<string, string> properties, CancellationToken cancel)
    {
        foreach (var (name, value) in properties) Set[name] = value;
        return Called($"set {dataset} {string.Join(' ', properties.Select(p => $"{p.Key}={p.Value}"))}");
    }

    public Task InheritAsync(string dataset, string property, CancellationToken cancel)
    {
        Set.Remove(property);
        return Called($"inherit {property}");
    }

    public Task AbortReceiveAsync(string dataset, CancellationToken cancel) => Called($"abort {dataset}");
    public Task ChangeKeyInheritAsync(string dataset, CancellationToken cancel) => Called($"change-key {dataset}");

    int NumberOf(string snapshot) => Enumerable.Range(0, _streams.Length).First(n => snapshot.EndsWith($"@{SnapshotName(n)}", StringComparison.Ordinal));

    Task Called(string what)
    {
        Calls.Add(what);
        return Task.CompletedTask;
    }

    sealed class Send(byte[] bytes, ZfsException? end) : IZfsSend
    {
        public Stream Output { get; } = new MemoryStream(bytes);
        public Task FinishAsync(CancellationToken cancel) => end is null ? Task.CompletedTask : Task.FromException(end);
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    sealed class Receive(MemoryStream input, Action finished) : IZfsReceive
    {
        public Stream Input => input;

        public Task FinishAsync(CancellationToken cancel)
        {
            finished();
            return Task.CompletedTask;
        }

        public Task<ZfsException> FailureAsync(CancellationToken cancel) => Task.FromResult(new ZfsException("cannot receive: incomplete stream"));
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
