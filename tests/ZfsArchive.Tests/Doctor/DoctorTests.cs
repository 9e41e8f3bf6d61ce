using System.Runtime.CompilerServices;
using ZfsArchive.Doctor;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Doctor;

/// <summary>A doctor has to see what a place does wrong.</summary>
public sealed class DoctorTests
{
    static async Task<Diagnosis> ExamineAsync(IObjectStore store, TimeProvider? clock = null) =>
        await new DoctorRun(store, "testhost", clock ?? new StillClock { Now = await store.TimeAsync(default) }, new Random(1).NextBytes).ExecuteAsync(default);

    static ProbeResult Probe(Diagnosis diagnosis, string name) => Assert.Single(diagnosis.Probes, p => p.Name == name);

    [Fact]
    public async Task A_place_that_keeps_its_promises_is_good_and_nothing_is_left_in_it()
    {
        var store = new MemoryStore();
        var diagnosis = await ExamineAsync(store);
        Assert.True(diagnosis.IsGood);
        Assert.Equal(["round trip", "what was written", "range reads", "list after write", "atomic create", "checksums", "clock", "overwrite", "delete", "speed"], diagnosis.Probes.Select(p => p.Name));
        Assert.Empty(diagnosis.Left);
        Assert.Empty(store.Keys);
    }

    [Fact]
    public async Task What_a_killed_doctor_has_left_the_next_one_removes_but_not_what_another_is_working_with()
    {
        var store = new MemoryStore();
        var (old, foreign, young) = ("records/probe-0123456789abcdef-1", "records/probe-mine", "records/probe-0123456789abcdef-2");
        foreach (var key in new[] { old, foreign }) await store.CreateAsync(new(key), ObjectBody.OfBytes(new byte[] { 1 }), default);
        store.Time += TimeSpan.FromHours(2);
        await store.CreateAsync(new(young), ObjectBody.OfBytes(new byte[] { 1 }), default);
        await ExamineAsync(store);
        Assert.Equal([young, foreign], store.Keys);
    }

    [Fact]
    public async Task Two_winners_of_one_name_are_seen()
    {
        var probe = Probe(await ExamineAsync(new Overwriting(new MemoryStore())), "atomic create");
        Assert.Equal(ProbeState.Note, probe.State);
        Assert.Contains("only one host", probe.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listing_that_is_late_is_seen()
    {
        var diagnosis = await ExamineAsync(new Forgetful(new MemoryStore()));
        Assert.Equal(ProbeState.Bad, Probe(diagnosis, "list after write").State);
        Assert.False(diagnosis.IsGood);
    }

    [Fact]
    public async Task Other_bytes_are_seen()
    {
        var diagnosis = await ExamineAsync(new Garbling(new MemoryStore()));
        Assert.All(["what was written", "range reads", "speed"], name => Assert.Equal(ProbeState.Bad, Probe(diagnosis, name).State));
    }

    [Fact]
    public async Task Who_may_only_create_is_told_so_and_what_stays_is_named()
    {
        var diagnosis = await ExamineAsync(new InterceptedStore(new MemoryStore(), (verb, key) =>
            verb == "delete" ? Task.FromException(new StoreException(StoreFailure.Denied, $"{key}: denied")) : Task.CompletedTask));
        Assert.Equal((ProbeState.Note, "refused"), (Probe(diagnosis, "delete").State, Probe(diagnosis, "delete").Found));
        Assert.NotEmpty(diagnosis.Left);
        Assert.True(diagnosis.IsGood);
    }

    [Fact]
    public async Task A_clock_that_is_wrong_is_seen()
    {
        var store = new MemoryStore();
        var clock = new StillClock { Now = await store.TimeAsync(default) + TimeSpan.FromMinutes(5) };
        Assert.Equal((ProbeState.Note, "-300 s against this machine's"), (Probe(await ExamineAsync(store, clock), "clock").State, Probe(await ExamineAsync(store, clock), "clock").Found));
        clock.Now += TimeSpan.FromHours(1);
        Assert.Equal(ProbeState.Bad, Probe(await ExamineAsync(store, clock), "clock").State);
    }

    [Fact]
    public async Task A_place_that_takes_nothing_is_a_failure_and_no_diagnosis() =>
        await Assert.ThrowsAsync<StoreException>(() => ExamineAsync(new InterceptedStore(new MemoryStore(), (verb, key) =>
            verb == "create" ? Task.FromException(new StoreException(StoreFailure.Denied, $"{key}: denied")) : Task.CompletedTask)));

    [Fact]
    public async Task The_verb_prints_a_table_and_keeps_a_record_that_proves_itself()
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(0, null, "doctor");
        Assert.Contains("atomic create     ok    one winner of 20", host.Out.ToString(), StringComparison.Ordinal);
        var record = Assert.Single(Directory.GetFiles(Path.Combine(host.Repo, "records")));
        Assert.Matches("doctor-[0-9TZ]+-[0-9a-f]{16}\\.json$", record);
        ZfsArchive.Manifests.SealedJson.Check(ZfsArchive.Manifests.SealedJson.ObjectPrefix($"records/{Path.GetFileName(record)}"), File.ReadAllBytes(record), "record");
        await host.ExpectAsync(0, null, "verify");
        await host.ExpectAsync(0, null, "doctor", "--json");
        Assert.Contains("\"good\":true", host.Out.ToString(), StringComparison.Ordinal);

        Directory.CreateDirectory(host.Beside("fresh"));
        await host.ExpectAsync(0, null, "doctor", "--repo", host.Beside("fresh"));
        Assert.Contains("no repository here yet", host.Out.ToString(), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(host.Beside("fresh"), "*", SearchOption.AllDirectories));
        await host.ExpectAsync(10, null, "doctor", "--repo", host.Beside("none"));
        Assert.Contains("is the disk mounted?", host.Error.ToString(), StringComparison.Ordinal);
    }

    sealed class Overwriting(IObjectStore inner) : WrappingStore(inner)
    {
        public override async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
        {
            await Inner.ReplaceAsync(key, body, cancel);
            return CreateOutcome.Created;
        }
    }

    sealed class Forgetful(IObjectStore inner) : WrappingStore(inner)
    {
        public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
        {
            await Task.CompletedTask;
            yield break;
        }
    }

    sealed class Garbling(IObjectStore inner) : WrappingStore(inner)
    {
        public override async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
        {
            var read = await Inner.ReadAsync(key, offset, into, cancel);
            if (read > 0) into.Span[0] ^= 1;
            return read;
        }
    }
}
