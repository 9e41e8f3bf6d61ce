using ZfsArchive.Copy;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Verify;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Copy;

/// <summary>Archives carried from one repository into another.</summary>
public sealed class CopyTests(FaultWorld world) : IClassFixture<FaultWorld>, IDisposable
{
    readonly TempFolder _temp = new();

    LocalFolders Folders => new(_temp["state"], _temp["cache"]);

    public void Dispose() => _temp.Dispose();

    async Task<MemoryStore> EmptyAsync()
    {
        var store = new MemoryStore();
        await ArchiveRepository.InitAsync(store, Folders, TimeProvider.System, default);
        return store;
    }

    async Task<(long Sent, CopyPlan Plan)> CopyAsync(IObjectStore from, IObjectStore to)
    {
        var source = await ArchiveRepository.OpenAsync(from, world.NoMemory, RepositoryUse.Read, default);
        var target = await ArchiveRepository.OpenAsync(to, Folders, RepositoryUse.Write, default);
        await using var lease = await Lease.TakeAsync(target, LeaseKind.Shared, "copy", "testhost", TimeProvider.System, default);
        var catalog = await source.CatalogAsync(default);
        var plan = CopyPlan.Make(catalog, await target.CatalogAsync(default), catalog.Graph.Archives);
        var run = new CopyRun(source, target, lease);
        var sent = 0L;
        foreach (var archive in plan.Archives) sent += (await run.ExecuteAsync(archive, plan.Mended.Contains(archive.Id), default)).SentLength;
        return (sent, plan);
    }

    static IEnumerable<string> Content(MemoryStore store) => store.Keys.Where(k => k.StartsWith("manifests/", StringComparison.Ordinal) || k.StartsWith("archives/", StringComparison.Ordinal));

    static void RequireSame(MemoryStore expected, MemoryStore found)
    {
        Assert.Equal(Content(expected), Content(found));
        Assert.All(Content(expected), key => Assert.Equal(expected[key], found[key]));
    }

    [Fact]
    public async Task A_copy_has_the_same_bytes_under_the_same_names_and_a_second_one_has_nothing_to_do()
    {
        var target = await EmptyAsync();
        await CopyAsync(world.Sound, target);
        RequireSame(world.Sound, target);
        var (sent, plan) = await CopyAsync(world.Sound, target);
        Assert.Empty(plan.Archives);
        Assert.Equal((world.Archives.Length, 0L), (plan.There.Length, sent));
    }

    [Fact]
    public async Task It_dies_at_every_change_and_the_next_one_sends_only_what_is_missing()
    {
        var whole = await EmptyAsync();
        var counting = new FailingStore(whole);
        await CopyAsync(world.Sound, counting);
        var streams = StoredTruth.Streams(world.Sound);
        foreach (var after in new[] { false, true })
        {
            for (var n = 1; n <= counting.Changes; n++)
            {
                var target = await EmptyAsync();
                var dying = new FailingStore(target, n, after);
                await Record.ExceptionAsync(() => CopyAsync(world.Sound, dying));
                Assert.All(StoredTruth.Streams(target), s => Assert.Equal(streams[s.Key], s.Value));

                var second = new FailingStore(target);
                await CopyAsync(world.Sound, second);
                RequireSame(world.Sound, target);
                Assert.True(dying.CreatedBytes + second.CreatedBytes <= counting.CreatedBytes + (1 << 16), $"change {n}: {dying.CreatedBytes} and {second.CreatedBytes} of {counting.CreatedBytes}");
            }
        }
    }

    [Fact]
    public async Task What_lies_at_the_target_counts_only_when_it_is_right()
    {
        var chunk = Content(world.Sound).First(k => k.EndsWith(".zst", StringComparison.Ordinal));
        var target = await EmptyAsync();
        var wrong = world.Sound[chunk]!.ToArray();
        wrong[^1] ^= 1;
        target[chunk] = wrong;
        await CopyAsync(world.Sound, target);
        RequireSame(world.Sound, target);
    }

    [Fact]
    public async Task What_cannot_even_be_read_at_the_target_is_replaced()
    {
        var target = await EmptyAsync();
        await CopyAsync(world.Sound, target);
        var broken = world.Archives.First(a => a.Chunks.Length > 1);
        var (key, sound) = (broken.Chunks[1], target[broken.Chunks[1]]!.ToArray());
        target[key] = new byte[sound.Length];
        // a bad sector: whoever looks at what lies there fails, whoever writes anew does not
        var disk = new InterceptedStore(target, (verb, name) => name == key && (verb is "read" or "create")
            ? Task.FromException(new StoreException(StoreFailure.Permanent, "Input/output error")) : Task.CompletedTask);
        var source = await ArchiveRepository.OpenAsync(world.Sound, world.NoMemory, RepositoryUse.Read, default);
        var there = await ArchiveRepository.OpenAsync(disk, Folders, RepositoryUse.Write, default);
        await using var lease = await Lease.TakeAsync(there, LeaseKind.Shared, "copy", "testhost", TimeProvider.System, default);
        var catalog = await source.CatalogAsync(default);
        var plan = CopyPlan.Make(catalog, await there.CatalogAsync(default), catalog.Graph.Archives, new HashSet<string> { broken.Id });
        Assert.Equal([broken.Id], plan.Archives.Select(a => a.Id));
        Assert.True((await new CopyRun(source, there, lease).ExecuteAsync(plan.Archives[0], true, default)).SentLength > 0);
        RequireSame(world.Sound, target);
    }

    [Fact]
    public void A_damaged_manifest_is_not_replaced_by_another_than_was_there()
    {
        var (full, fault) = (Archives.Of(1), new CatalogFault(Layout.Manifest(Archives.Of(1).Folder, Archives.Of(1).Name), "it is cut", null));
        var source = Archives.Catalog(full);
        var target = Archives.Catalog() with { Faults = [fault] };
        Assert.Equal([full.Id], CopyPlan.Make(source, target, [full]).Mended);
        Assert.Equal([full.Id], CopyPlan.Make(source, target, [full], seen: [new(full.Id, full.Sha256, "tank/a@s")]).Mended);
        var refused = CopyPlan.Make(source, target, [full], seen: [new(full.Id, new('f', 64), "tank/a@s")]);
        Assert.Empty(refused.Archives);
        Assert.Contains("the target had another archive by the name", refused.Refused[0].Why, StringComparison.Ordinal);
        var child = Archives.Of(2, 1) is var next ? next with { Head = next.Head with { Base = new(full.Head.Snapshot.Guid, null, full.Id, new('f', 64)) } } : null!;
        Assert.Single(CopyPlan.Make(source, Archives.Catalog(child) with { Faults = [fault] }, [full]).Refused);
    }

    [Fact]
    public async Task A_damaged_chunk_is_not_copied_and_neither_is_its_archive()
    {
        var source = world.Sound.Clone();
        var broken = world.Archives.First(a => a.Chunks.Length > 1);
        var bytes = source[broken.Chunks[1]]!.ToArray();
        bytes[100] ^= 1;
        source[broken.Chunks[1]] = bytes;
        var target = await EmptyAsync();
        var failure = await Assert.ThrowsAsync<DamageException>(() => CopyAsync(source, target));
        Assert.Contains(Path.GetFileName(broken.Chunks[1]), failure.Message, StringComparison.Ordinal);
        Assert.Null(target[broken.Manifest]);
        Assert.Null(target[broken.Chunks[1]]);
    }

    [Fact]
    public void Bases_come_first_and_what_was_archived_twice_is_refused_with_all_that_is_based_on_it()
    {
        static IEnumerable<string> Ids(params IEnumerable<ArchiveEntry> archives) => archives.Select(a => a.Id);
        static ArchiveEntry Linked(ArchiveEntry archive, ArchiveEntry on) => archive with { Head = archive.Head with { Base = new(on.Head.Snapshot.Guid, null, on.Id, on.Sha256) } };
        var full = Archives.Of(1);
        var second = Linked(Archives.Of(2, 1), full);
        var third = Linked(Archives.Of(3, 2), second);
        var other = Archives.Of(9, dataset: 0xdb, name: "tank/b");
        var source = Archives.Catalog(third, second, full, other);

        Assert.Equal(Ids(full, second, third), Ids(CopyPlan.Make(source, Archives.Catalog(), [third]).Archives));
        var resumed = CopyPlan.Make(source, Archives.Catalog(full), source.Graph.Archives);
        Assert.Equal(Ids(second, third, other), Ids(resumed.Archives));
        Assert.Equal(Ids(full), Ids(resumed.There));

        var twice = CopyPlan.Make(source, Archives.Catalog(full with { Sha256 = new('f', 64) }), source.Graph.Archives);
        Assert.Equal(Ids(other), Ids(twice.Archives));
        Assert.Equal(Ids(full, second, third), twice.Refused.Select(r => r.Archive.Id));

        var lost = CopyPlan.Make(Archives.Catalog(second, third), Archives.Catalog(), [third]);
        Assert.Empty(lost.Archives);
        Assert.Contains("in neither repository", lost.Refused[0].Why, StringComparison.Ordinal);
    }

    static async Task<(TestHost Host, string There)> CopiedAsync()
    {
        var host = await TestHost.WithRepositoryAsync();
        foreach (var name in new[] { "chain-full", "chain-incr1" }) await host.ExpectAsync(0, Golden.Bytes(name), "backup", "--stdin", "--allow-plaintext");
        var there = host.Beside("second");
        await host.ExpectAsync(0, null, "init", "--repo", there);
        await host.ExpectAsync(0, null, "copy", "--to", there);
        await host.ExpectAsync(0, null, "verify", "--repo", there);
        return (host, there);
    }

    static async Task FlipAsync(string path)
    {
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
    }

    public static TheoryData<string> Parts => ["archives", "manifests"];

    [Theory, MemberData(nameof(Parts))]
    public async Task What_verify_found_damaged_a_copy_from_a_whole_repository_mends(string part)
    {
        var (host, there) = await CopiedAsync();
        using var _ = host;
        var path = Directory.EnumerateFiles(Path.Combine(there, part), "*_full*", new EnumerationOptions { RecurseSubdirectories = true, ReturnSpecialDirectories = false })
            .Concat(Directory.EnumerateFiles(Path.Combine(there, part), "*.zst", SearchOption.AllDirectories)).First(f => f.Contains("_full", StringComparison.Ordinal));
        var whole = await File.ReadAllBytesAsync(path);
        await FlipAsync(path);
        await host.ExpectAsync(20, null, "verify", "--repo", there);
        Assert.Contains("zfsarchive copy --from THAT --to THIS", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(20, null, "list", "--repo", there);
        await host.ExpectAsync(0, null, "copy", "--to", there, "--dry-run");
        Assert.Contains("would mend tank/chain@s0", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(0, null, "copy", "--to", there);
        Assert.Contains("mended: tank/chain@s0", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Contains("until it is verified again", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Equal(whole, await File.ReadAllBytesAsync(path));
        await host.ExpectAsync(0, null, "verify", "--repo", there);
        await host.ExpectAsync(0, null, "copy", "--to", there);
        Assert.Contains("nothing to do: 2 archives there already", host.Out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_verb_copies_says_so_and_goes_on_behind_what_cannot_be_copied()
    {
        using var host = await TestHost.WithRepositoryAsync();
        foreach (var name in new[] { "chain-full", "chain-incr1", "raw-pass-full" }) await host.ExpectAsync(0, Golden.Bytes(name), "backup", "--stdin", "--allow-plaintext");
        var to = host.Beside("second");
        await host.ExpectAsync(0, null, "init", "--repo", to);
        await host.ExpectAsync(0, null, "copy", "--to", to, "tank/chain", "--dry-run");
        Assert.Contains("would copy tank/chain@s0", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(0, null, "copy", "--to", to, "tank/chain@s1");
        Assert.Contains("copied: tank/chain@s1 (incremental)", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(0, null, "verify", "--repo", to);
        Assert.Contains("2 archives", host.Out.ToString(), StringComparison.Ordinal);

        var chunk = Directory.EnumerateFiles(host.Repo, "*.zst", SearchOption.AllDirectories).Single(f => f.Contains("encpass", StringComparison.Ordinal));
        File.WriteAllText(chunk, "damaged");
        await host.ExpectAsync(0, Golden.Bytes("chain-incr2"), "backup", "--stdin", "--allow-plaintext");
        await host.ExpectAsync(20, null, "copy", "--to", to);
        Assert.Contains("copied: tank/chain@s2", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Contains("tank/encpass@s1 is not copied", host.Error.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(2, null, "copy", "--to", host.Repo);
        await host.ExpectAsync(10, null, "copy", "--to", host.Beside("nothing"));
    }
}
