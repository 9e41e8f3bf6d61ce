using System.Text.Json;
using ZfsArchive.Backup;
using ZfsArchive.Fetch;
using ZfsArchive.Repository;
using ZfsArchive.SendStream;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Backup;

/// <summary>What goes in by <c>backup --stdin</c> comes out by <c>cat</c>, and by the programs that a person has.</summary>
public sealed class RoundTripTests
{
    const int Big = 320;

    public static TheoryData<string> Whole => Golden.Whole;
    public static TheoryData<string> Damaged => Golden.Damaged;

    static string[] Backup(params string[] more) => ["backup", "--stdin", .. more];

    static bool NeedsPlaintext(IEnumerable<BeginRecord> begins) => begins.Any(b => !b.Features.Raw);

    // In an empty repository: its base did not come before it in the same package.
    static bool NeedsInsist(IReadOnlyList<BeginRecord> begins) =>
        begins.Where((b, i) => b.Features.Redacted || b.Features.Resuming || (b.FromGuid != 0 && begins.Take(i).All(p => p.ToGuid != b.FromGuid))).Any();

    static async Task<byte[]> CatAsync(TestHost host, string what, string? archive = null)
    {
        await host.ExpectAsync(0, null, archive is null ? ["cat", what] : ["cat", what, "--archive", archive]);
        return host.Output.ToArray();
    }

    static List<JsonElement> Results(TestHost host) => [.. JsonDocument.Parse(host.Out.ToString()).RootElement.GetProperty("archives").EnumerateArray()];

    static string Short(JsonElement result) => result.GetProperty("archive").GetString()!.Split('/')[1];

    [Theory, MemberData(nameof(Whole))]
    public async Task A_real_stream_comes_back_as_it_was_and_only_with_the_leave_it_needs(string name)
    {
        using var host = await TestHost.WithRepositoryAsync();
        var bytes = Golden.Bytes(name);
        var parts = StoredTruth.Substreams(bytes);
        var begins = parts.Select(p => p.Begin).ToList();
        string[] leave = [.. NeedsPlaintext(begins) ? ["--allow-plaintext"] : Array.Empty<string>(), .. NeedsInsist(begins) ? ["--insist"] : Array.Empty<string>()];

        for (var without = 0; without < leave.Length; without++)
        {
            await host.ExpectAsync(2, bytes, Backup([.. leave.Where((_, i) => i != without)]));
            Assert.Contains(leave[without], host.Error.ToString(), StringComparison.Ordinal);
            Assert.Empty(host.Manifests);
        }
        await host.ExpectAsync(0, bytes, Backup(leave));
        Assert.Equal(parts.Count, host.Manifests.Count());
        foreach (var (begin, part) in parts) Assert.Equal(part, await CatAsync(host, begin.ToName));
        Assert.Equal(parts.Select(p => Convert.ToHexString(p.Bytes)).Order(), StoredTruth.Streams(host.Repo).Values.Select(Convert.ToHexString).Order());
        await host.ExpectAsync(0, null, "verify");

        // A package keeps its own header beside each of its archives.
        var headers = Directory.GetFiles(Path.Combine(host.Repo, "archives"), "package-*.zst", SearchOption.AllDirectories);
        Assert.Equal(Golden.Entry(name).GetProperty("expected").GetProperty("package").GetBoolean() ? parts.Count : 0, headers.Length);
    }

    [Theory]
    [InlineData("chain-full", "chain-incr1", "chain-incr2", "chain-incr3", "chain-incr4", "chain-i-wide", "chain-from-bookmark")]
    [InlineData("chain-full", "chain-I-package")]
    [InlineData("raw-pass-full", "raw-pass-incr-empty", "raw-pass-incr-newkey")]
    [InlineData("plain-full", "plain-incr", "plain-incr-empty")]
    [InlineData("zvol-raw-full", "zvol-raw-incr")]
    [InlineData("zvol-plain-full", "zvol-plain-incr")]
    [InlineData("R-raw-full", "R-raw-incr-I")]
    [InlineData("R-raw-full", "R-raw-incr-i")]
    public async Task A_chain_archived_in_its_order_needs_no_insisting(params string[] names)
    {
        using var host = await TestHost.WithRepositoryAsync();
        foreach (var name in names) await host.ExpectAsync(0, Golden.Bytes(name), Backup(name.Contains("plain", StringComparison.Ordinal) ? ["--allow-plaintext"] : []));
        foreach (var name in names)
        {
            foreach (var (begin, part) in StoredTruth.Substreams(Golden.Bytes(name)))
            {
                await host.ExpectAsync(0, null, "list", "--json");
                var edge = Model.ArchiveName.Of(begin.Creation, begin.ToGuid, begin.FromGuid).Edge;
                var candidates = Results(host).Where(a => Short(a).StartsWith(edge, StringComparison.Ordinal)).ToList();
                Assert.All(candidates, c => Assert.True(c.GetProperty("restorable").GetBoolean()));
                var found = new List<byte[]>();
                foreach (var candidate in candidates) found.Add(await CatAsync(host, begin.ToName, Short(candidate)));
                Assert.Contains(found, f => f.AsSpan().SequenceEqual(part));
            }
        }
        await host.ExpectAsync(0, null, "verify");
    }

    [Fact]
    public async Task A_person_with_jq_zstd_and_sha256sum_gets_the_same_bytes_and_names()
    {
        using var host = await TestHost.WithRepositoryAsync();
        var made = new SyntheticStream { Blocks = 40 }.Bytes();
        await host.ExpectAsync(0, made, Backup("--allow-plaintext", "--chunk-size", "1"));
        foreach (var name in new[] { "chain-full", "chain-I-package", "R-raw-full" }) await host.ExpectAsync(0, Golden.Bytes(name), Backup());
        await host.ExpectAsync(0, Golden.Bytes("plain-full"), Backup("--allow-plaintext", "--compress", "0"));

        var streams = StoredTruth.Streams(host.Repo);
        Assert.Contains(streams.Values, s => s.AsSpan().SequenceEqual(made));
        foreach (var (key, stream) in streams)
        {
            var archive = key["manifests/".Length..^".json".Length];
            var output = await Shell.RunAsync(Path.Combine(host.Repo, "archives", archive), $$"""
                M=../../../{{key}}
                jq -r '.chunks[].name' $M | while read -r n; do
                    h=$(sha256sum < "$n" | cut -c1-64)
                    case $n in *-$h.zst) ;; *) echo "$n has $h" >&2; exit 1 ;; esac
                    zstd -dc "$n"
                done
                seal=$( (printf 'zfsarchive manifest 1\n%s\n' '{{archive}}'; head -n -3 $M) | sha256sum | cut -c1-64)
                [ "$seal" = "$(jq -r .sha256 $M)" ]
                """);
            Assert.Equal(stream, output);
        }
    }

    [Theory]
    [InlineData("lz4-full", "lz4-full-c", "lz4-full-e")]
    [InlineData("large-full-Lec", "large-full-w")]
    [InlineData("large-dnode-full", "large-dnode-full-c")]
    [InlineData("plain-full", "plain-full-w")]
    public async Task One_snapshot_sent_in_other_ways_stands_beside_itself_unless_it_is_the_same_stream(params string[] names)
    {
        using var host = await TestHost.WithRepositoryAsync();
        var seen = new List<(string Archive, byte[] Bytes)>();
        foreach (var name in names)
        {
            var bytes = Golden.Bytes(name);
            await host.ExpectAsync(0, bytes, Backup("--allow-plaintext", "--json"));
            var result = Assert.Single(Results(host));
            if (seen.Any(s => s.Bytes.AsSpan().SequenceEqual(bytes)))
            {
                Assert.Equal("already archived", result.GetProperty("state").GetString());
                Assert.Equal(0, result.GetProperty("sentLength").GetInt64());
            }
            else
            {
                Assert.Equal("archived", result.GetProperty("state").GetString());
                seen.Add((Short(result), bytes));
                Assert.Equal(seen.Count, Model.ArchiveName.TryParse(Short(result))!.Ordinal);
            }
        }
        foreach (var (archive, bytes) in seen) Assert.Equal(bytes, await CatAsync(host, StoredTruth.Substreams(bytes)[0].Begin.ToName, archive));
        if (seen.Count > 1) await host.ExpectAsync(2, null, "cat", StoredTruth.Substreams(seen[0].Bytes)[0].Begin.ToName);
        Assert.Equal(seen.Count, host.Manifests.Count());
    }

    [Theory, InlineData("chain-full"), InlineData("R-raw-full"), InlineData("plain-full"), InlineData("zvol-raw-full"), InlineData("made")]
    public async Task The_same_stream_again_writes_nothing(string name)
    {
        using var host = await TestHost.WithRepositoryAsync();
        var bytes = name == "made" ? new SyntheticStream { Blocks = 40 }.Bytes() : Golden.Bytes(name);
        string[] arguments = Backup("--allow-plaintext", "--chunk-size", "1", "--json");
        await host.ExpectAsync(0, bytes, arguments);
        var before = TempFolder.Contents(host.Repo);

        await host.ExpectAsync(0, bytes, arguments);
        Assert.All(Results(host), r => Assert.Equal(("already archived", 0L), (r.GetProperty("state").GetString()!, r.GetProperty("sentLength").GetInt64())));
        Assert.Equal(before, TempFolder.Contents(host.Repo));
    }

    [Theory, MemberData(nameof(Damaged))]
    public async Task A_damaged_stream_leaves_no_manifest(string name)
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(20, Golden.Bytes(name), Backup("--allow-plaintext", "--insist"));
        await host.ExpectAsync(20, Golden.Bytes(name), Backup("--allow-plaintext", "--insist", "--expect-length", $"{Golden.Bytes(name).Length}"));
        Assert.Empty(host.Manifests);
        Assert.Empty(Directory.GetFiles(host.Folders.Cache));
    }

    [Theory, InlineData("chain-full"), InlineData("R-raw-full"), InlineData("plain-full"), InlineData("raw-pass-full-p")]
    public async Task What_follows_the_end_of_a_stream_is_damage(string name)
    {
        using var host = await TestHost.WithRepositoryAsync();
        var bytes = Golden.Bytes(name);
        foreach (var tail in new[] { [0], new byte[312], Golden.Bytes("chain-full"), "\n"u8.ToArray() })
        {
            await host.ExpectAsync(20, [.. bytes, .. tail], Backup("--allow-plaintext", "--insist"));
            Assert.Empty(host.Manifests);
        }
    }

    [Fact]
    public async Task What_is_not_what_was_expected_is_not_committed()
    {
        using var host = await TestHost.WithRepositoryAsync();
        var bytes = Golden.Bytes("R-raw-full");
        var sha256 = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes));
        await host.ExpectAsync(20, bytes, Backup("--expect-sha256", new('0', 64)));
        await host.ExpectAsync(20, bytes, Backup("--expect-length", $"{bytes.Length - 1}"));
        Assert.Empty(host.Manifests);
        await host.ExpectAsync(0, bytes, Backup("--expect-sha256", sha256, "--expect-length", $"{bytes.Length}"));
        Assert.Equal(8, host.Manifests.Count());
    }

    [Fact]
    public async Task A_big_stream_is_cut_into_many_chunks_at_record_boundaries()
    {
        using var host = await TestHost.WithRepositoryAsync();
        var bytes = new SyntheticStream { Blocks = Big }.Bytes();
        await host.ExpectAsync(0, bytes, Backup("--allow-plaintext", "--chunk-size", "1", "--json"));
        Assert.Equal(bytes, await CatAsync(host, "tank/made@s1"));

        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Assert.Single(host.Manifests)));
        var lines = manifest.RootElement.GetProperty("chunks").EnumerateArray().ToList();
        Assert.InRange(lines.Count, 36, 41);
        long at = 0;
        foreach (var line in lines)
        {
            var length = line.GetProperty("length").GetInt64();
            if (line.GetProperty("name").GetString() != lines[^1].GetProperty("name").GetString()) Assert.InRange(length, 1 << 20, (1 << 20) + (128 << 10) + 312);
            var walker = new SubstreamWalker();
            walker.Feed(bytes.AsSpan(0, (int)at));
            Assert.True(walker.AtBoundary);
            if (at > 0) Assert.Equal(walker.Checksum.ToString(), line.GetProperty("checksum").GetString());
            at += length;
        }
        Assert.Equal(bytes.Length, at);
        var compressed = manifest.RootElement.GetProperty("totals").GetProperty("compressedChunks").GetInt64();
        Assert.InRange(compressed, 10, lines.Count - 5);
    }

    [Theory, InlineData(0), InlineData(20), InlineData(100), InlineData(127)]
    public async Task A_stream_that_differs_late_stands_beside_the_first_with_all_its_chunks(int changedBlock)
    {
        using var host = await TestHost.WithRepositoryAsync();
        var first = new SyntheticStream { Blocks = 128 };
        var second = first with { ChangedBlock = changedBlock };
        var third = first with { Blocks = 120 };
        foreach (var stream in new[] { first, second, third }) await host.ExpectAsync(0, stream.Bytes(), Backup("--allow-plaintext", "--chunk-size", "1"));
        var edge = Model.ArchiveName.Of(first.Creation, first.ToGuid, 0).Edge;
        Assert.Equal(first.Bytes(), await CatAsync(host, "tank/made@s1", edge));
        Assert.Equal(second.Bytes(), await CatAsync(host, "tank/made@s1", $"{edge}.2"));
        Assert.Equal(third.Bytes(), await CatAsync(host, "tank/made@s1", $"{edge}.3"));
        Assert.Equal(3, StoredTruth.Streams(host.Repo).Count);
        await host.ExpectAsync(0, null, "verify");
    }

    [Fact]
    public async Task An_opaque_stream_needs_a_word_from_outside_and_comes_back_as_it_was()
    {
        using var host = await TestHost.WithRepositoryAsync();
        var bytes = new SyntheticStream { Blocks = 40, UnknownBefore = 12 }.Bytes();
        await host.ExpectAsync(2, bytes, Backup("--allow-plaintext"));
        await host.ExpectAsync(2, bytes, Backup("--allow-plaintext", "--insist"));
        Assert.Empty(host.Manifests);
        await host.ExpectAsync(0, bytes, Backup("--allow-plaintext", "--insist", "--expect-length", $"{bytes.Length}", "--chunk-size", "1"));
        Assert.Equal(bytes, await CatAsync(host, "tank/made@s1"));
        await host.ExpectAsync(0, null, "verify");
        await host.ExpectAsync(0, null, "list", "--json");
        Assert.False(Assert.Single(Results(host)).GetProperty("restorable").GetBoolean());
    }

    [Fact]
    public async Task An_opaque_stream_that_is_the_beginning_of_another_is_not_taken_for_it()
    {
        using var host = await TestHost.WithRepositoryAsync();
        var bytes = new SyntheticStream { Blocks = 40, UnknownBefore = 2 }.Bytes();
        await host.ExpectAsync(0, bytes, Backup("--allow-plaintext", "--insist", "--expect-length", $"{bytes.Length}", "--chunk-size", "1"));
        var lengths = JsonDocument.Parse(File.ReadAllBytes(host.Manifests.Single())).RootElement.GetProperty("chunks").EnumerateArray().Select(c => c.GetProperty("length").GetInt64());
        var part = bytes[..(int)lengths.Take(3).Sum()];
        await host.ExpectAsync(0, part, Backup("--allow-plaintext", "--insist", "--expect-length", $"{part.Length}", "--chunk-size", "1", "--json"));
        var result = Assert.Single(Results(host));
        Assert.Equal("archived", result.GetProperty("state").GetString());
        Assert.Equal(part, await CatAsync(host, "tank/made@s1", Short(result)));
        Assert.Equal(2, StoredTruth.Streams(host.Repo).Count);
    }

    [Theory, InlineData(1), InlineData(5), InlineData(30)]
    public async Task A_schedule_that_changes_to_larger_chunks_keeps_every_byte(int largeFrom)
    {
        using var temp = new TempFolder();
        var store = new MemoryStore();
        var repository = await ArchiveRepository.InitAsync(store, new(temp["state"], temp["cache"]), TimeProvider.System, default);
        await using var lease = await Lease.TakeAsync(repository, LeaseKind.Shared, "backup", "testhost", TimeProvider.System, default);
        var bytes = new SyntheticStream { Blocks = 160 }.Bytes();
        var settings = new WriterSettings(new(1 << 20, 2 << 20, largeFrom), null, 1, "test", "testhost", null, null);
        var catalog = await repository.CatalogAsync(default);
        var order = new StdinOrder(catalog, new(null, AllowPlaintext: true, Insist: false, null, null), () => null);
        var written = Assert.Single(await new ArchiveWriter(repository, lease, catalog, settings, TimeProvider.System).WriteAsync(new MemoryStream(bytes), order, null, default));

        Assert.Equal(bytes, Assert.Single(StoredTruth.Streams(store)).Value);
        using var manifest = (await repository.OpenManifestAsync(written.Archive.Folder, written.Archive.Name, default))!;
        var lengths = manifest.Chunks().Select(c => c.Length).SkipLast(1).ToList();
        Assert.All(lengths.Take(largeFrom), l => Assert.InRange(l, 1 << 20, (1 << 20) + (256 << 10)));
        Assert.All(lengths.Skip(largeFrom), l => Assert.InRange(l, 2 << 20, (2 << 20) + (256 << 10)));
        var output = new MemoryStream();
        using var fetcher = new ChunkFetcher(store, ChunkFetcher.StandardParallel);
        await new ArchiveFeed(repository, fetcher, 3).WriteAsync(written.Archive, output, null, default);
        Assert.Equal(bytes, output.ToArray());
    }

    [Fact]
    public async Task A_stream_that_comes_in_small_pieces_is_cut_the_same_way()
    {
        var bytes = new SyntheticStream { Blocks = 20 }.Bytes();
        using var whole = await TestHost.WithRepositoryAsync();
        using var pieces = await TestHost.WithRepositoryAsync();
        await whole.ExpectAsync(0, bytes, Backup("--allow-plaintext", "--chunk-size", "1"));
        pieces.Input = new SlowStream(bytes, seed: 3);
        Assert.Equal(0, await pieces.RunAsync(Backup("--allow-plaintext", "--chunk-size", "1")));
        Assert.Equal(
            Directory.GetFiles(Path.Combine(whole.Repo, "archives"), "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order(StringComparer.Ordinal),
            Directory.GetFiles(Path.Combine(pieces.Repo, "archives"), "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_given_name_stands_for_the_top_of_a_package()
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(0, Golden.Bytes("R-raw-full"), Backup("--dataset", "backup/of tree"));
        var parts = StoredTruth.Substreams(Golden.Bytes("R-raw-full"));
        foreach (var (begin, part) in parts)
            Assert.Equal(part, await CatAsync(host, begin.ToName.Replace("tank/tree", "backup/of tree", StringComparison.Ordinal)));
    }

    /// <summary>Gives one to a few bytes at a time.</summary>
    sealed class SlowStream(byte[] bytes, int seed) : Stream
    {
        readonly Random _random = new(seed);
        int _at;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => _at; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var length = int.Min(bytes.Length - _at, int.Min(count, _random.Next(3) == 0 ? 1 : _random.Next(1, 5000)));
            bytes.AsSpan(_at, length).CopyTo(buffer.AsSpan(offset));
            _at += length;
            return length;
        }

        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
