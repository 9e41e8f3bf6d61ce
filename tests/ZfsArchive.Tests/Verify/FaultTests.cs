using System.Text.Json;
using ZfsArchive.Fetch;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Verify;

/// <summary>Single faults made at random: each is found, and what it costs is exactly what can no longer be restored.</summary>
public sealed class FaultTests(FaultWorld world) : IClassFixture<FaultWorld>
{
    const int PerGroup = 50;

    async Task<VerifyReport> VerifyAsync(MemoryStore store, VerifyLevel level = VerifyLevel.Stream, bool remembers = true)
    {
        var repository = await world.OpenAsync(store, remembers);
        return await new VerifyRun(repository, level).ExecuteAsync(await repository.CatalogAsync(default), _ => true, default);
    }

    [Fact]
    public async Task A_sound_repository_is_found_sound_at_every_level()
    {
        foreach (var level in Enum.GetValues<VerifyLevel>())
        {
            var report = await VerifyAsync(world.Sound, level);
            Assert.Empty(report.Findings);
            Assert.Empty(report.Lost);
            Assert.Equal(world.Archives.Length, report.Archives);
            Assert.Equal(world.Archives.Sum(a => a.Chunks.Length), report.Chunks);
        }
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8), InlineData(9)]
    public async Task Every_single_fault_is_found_and_costs_what_it_costs(int group)
    {
        for (var i = 0; i < PerGroup; i++)
        {
            var seed = group * PerGroup + i;
            var fault = world.Make(seed % FaultWorld.Kinds, new Random(seed));
            var what = $"seed {seed}: {fault.What}";
            var report = await VerifyAsync(fault.Store);
            what += $"\n{string.Join("\n", report.Findings)}";

            Assert.False(report.Sound, what);
            foreach (var key in fault.Changed)
            {
                Assert.True(report.Findings.Any(f => f.Object == key && f.Severity is Severity.Damage), $"{key} is not among the findings\n{what}");
                var owner = world.Archives.FirstOrDefault(a => a.Manifest == key || a.Chunks.Contains(key));
                foreach (var finding in report.Findings.Where(f => f.Object == key))
                    RequireSame(owner is null ? [] : world.LostWithout(new HashSet<string> { owner.Id }), finding.Costs, $"costs of {key}\n{what}");
            }
            foreach (var finding in report.Findings.Where(f => !fault.Changed.Contains(f.Object)))
                Assert.True(finding.Costs.IsEmpty, $"{finding.Object} was not changed and costs something\n{what}");
            RequireSame(world.LostWithout(fault.Unusable), report.Lost, what);
            await RequireFeedStopsAsync(fault, what);
        }
    }

    static void RequireSame(IEnumerable<string> expected, IEnumerable<string> found, string what) =>
        Assert.True(expected.SequenceEqual(found), $"expected: {string.Join(", ", expected)}\nfound: {string.Join(", ", found)}\n{what}");

    // A damaged archive gives a right beginning and never its end; all others give all of theirs.
    async Task RequireFeedStopsAsync(MadeFault fault, string what)
    {
        var repository = await world.OpenAsync(fault.Store);
        var catalog = await repository.CatalogAsync(default);
        using var fetcher = new ChunkFetcher(fault.Store, ChunkFetcher.StandardParallel);
        foreach (var entry in catalog.Graph.Archives)
        {
            var right = world.Archives.Single(a => a.Id == entry.Id).Stream;
            var output = new MemoryStream();
            try
            {
                await new ArchiveFeed(repository, fetcher, 3).WriteAsync(entry, output, null, default);
                Assert.True(fault.BytesRemain || !fault.Unusable.Contains(entry.Id), $"{entry.Id} was written to its end\n{what}");
                Assert.True(output.ToArray().AsSpan().SequenceEqual(right), $"{entry.Id} came out as other bytes\n{what}");
            }
            catch (ArchiveException e) when (e.Kind is FailureKind.Damage)
            {
                Assert.True(fault.Unusable.Contains(entry.Id), $"{entry.Id} is refused: {e.Message}\n{what}");
                RequirePrefix(right, output.ToArray(), what);
            }
        }
    }

    static void RequirePrefix(byte[] right, byte[] written, string what) =>
        Assert.True(written.Length < right.Length && right.AsSpan().StartsWith(written), $"what was written ({written.Length} bytes) is no strict prefix\n{what}");

    [Fact]
    public async Task The_program_says_damage_by_its_exit_code_and_stops_before_the_first_wrong_byte()
    {
        for (var kind = 0; kind < FaultWorld.Kinds; kind++)
        {
            var seed = 1000 + kind;
            var fault = world.Make(kind, new Random(seed));
            var what = $"seed {seed}: {fault.What}";
            using var host = new TestHost { Folders = world.Folders };
            fault.Store.WriteTo(host.Repo);

            await host.ExpectAsync(20, null, "verify", "--json");
            var report = JsonDocument.Parse(host.Out.ToString()).RootElement.GetProperty("report");
            RequireSame(world.LostWithout(fault.Unusable), report.GetProperty("lost").EnumerateArray().Select(l => l.GetString()!), what);
            await host.ExpectAsync(20, null, "verify", "--quiet");
            foreach (var archive in world.Archives.Where(a => fault.Unusable.Contains(a.Id) && fault.Store[a.Manifest] is not null))
            {
                // An archive whose manifest is damaged while its snapshot has another one may be called unknown.
                var manifestDamaged = fault.Changed.Contains(archive.Manifest);
                if (fault.BytesRemain) continue;
                if (manifestDamaged && world.Archives.Count(a => a.To == archive.To) > 1) continue;
                await host.ExpectAsync(20, null, "cat", archive.Snapshot, "--archive", archive.Id);
                RequirePrefix(archive.Stream, host.Output.ToArray(), what);
            }
        }
    }

    [Fact]
    public async Task A_damaged_descriptor_is_damage()
    {
        var store = world.Sound.Clone();
        var text = store["zfsarchive.json"]!;
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            byte[] flipped = [.. text];
            flipped[random.Next(text.Length)] ^= (byte)(1 << random.Next(8));
            store["zfsarchive.json"] = flipped;
            using var host = new TestHost { Folders = world.Folders };
            store.WriteTo(host.Repo);
            await host.ExpectAsync(20, null, "verify");
        }
    }

    [Fact]
    public async Task A_manifest_that_vanished_unknown_to_this_host_shows_as_chunks_without_a_manifest()
    {
        foreach (var archive in world.Archives)
        {
            var store = world.Sound.Clone();
            store[archive.Manifest] = null;
            var report = await VerifyAsync(store, remembers: false);
            Assert.Contains(report.Findings, f => f.Archive == archive.Id && f.Object == $"archives/{archive.Id}" && f.Severity is Severity.Note);
            // Whoever stands on it says that it is gone.
            var isNamed = world.Archives.Any(a => a.From == archive.To && report.Findings.Any(f => f.Archive == a.Id && f.Severity is Severity.Damage));
            Assert.Equal(isNamed, !report.Sound);
        }
    }

    [Fact]
    public async Task Each_level_finds_what_it_looks_at()
    {
        var archive = world.Archives.First(a => a.Chunks.Length > 2);
        var store = world.Sound.Clone();
        store[archive.Chunks[1]] = null;
        Assert.True((await VerifyAsync(store, VerifyLevel.Chain)).Sound);
        Assert.False((await VerifyAsync(store, VerifyLevel.Objects)).Sound);

        store[archive.Chunks[1]] = new byte[world.Sound[archive.Chunks[1]]!.Length];
        Assert.True((await VerifyAsync(store, VerifyLevel.Objects)).Sound);
        Assert.False((await VerifyAsync(store, VerifyLevel.Data)).Sound);
    }

    [Fact]
    public async Task Strange_names_are_told_and_left_alone()
    {
        var store = world.Sound.Clone();
        foreach (var key in new[] { "manifests/readme.txt", "manifests/x/y.json", "archives/x", $"archives/{world.Archives[0].Id}/notes.txt", "archives/zz/yy/xx" }) store[key] = [1];
        var report = await VerifyAsync(store);
        Assert.True(report.Sound);
        Assert.Equal(5, report.Findings.Count(f => f.Severity is Severity.Note));
    }
}
