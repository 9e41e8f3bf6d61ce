using System.Diagnostics;
using ZfsArchive.Processes;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Sftp;

/// <summary>What is special about a folder on another machine.</summary>
public sealed class SftpStoreTests(SftpServerFixture fixture) : IClassFixture<SftpServerFixture>
{
    readonly string _folder = Path.GetRandomFileName();

    string Local => Path.Combine(fixture.Server.Folder, _folder);

    static byte[] Random(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    static async Task<List<string>> ListedAsync(SftpStore store, string prefix)
    {
        var keys = new List<string>();
        await foreach (var info in store.ListAsync(prefix, default)) keys.Add(info.Key.Text);
        return keys;
    }

    SftpStore Open(SftpOptions? options = null)
    {
        Directory.CreateDirectory(Local);
        return new(fixture.Server.Address(_folder), options ?? fixture.Server.Options, TimeProvider.System);
    }

    [SftpFact]
    public async Task The_folder_of_an_archive_goes_with_its_last_chunk_and_others_stay()
    {
        await using var store = Open();
        string[] keys = ["archives/a/b/1", "archives/a/b/2", "leases/1"];
        foreach (var key in keys) await store.CreateAsync(new(key), ObjectBody.OfBytes(Random(3)), default);
        await store.DeleteAsync(new(keys[0]), default);
        Assert.True(Directory.Exists(Path.Combine(Local, "archives/a/b")));
        foreach (var key in keys[1..]) await store.DeleteAsync(new(key), default);
        Assert.False(Directory.Exists(Path.Combine(Local, "archives/a/b")));
        Assert.True(Directory.Exists(Path.Combine(Local, "archives/a")) && Directory.Exists(Path.Combine(Local, "leases")));
        await store.CreateAsync(new(keys[0]), ObjectBody.OfBytes(Random(3)), default);
    }

    [SftpFact]
    public async Task The_place_is_made_with_what_is_missing_above_it_for_its_owner_alone()
    {
        await using var store = new SftpStore(fixture.Server.Address($"{_folder}/a/b"), fixture.Server.Options, TimeProvider.System);
        await store.MakePlaceAsync(default);
        await store.MakePlaceAsync(default);
        await store.CreateAsync(new("x/y/object"), ObjectBody.OfBytes(Random(3)), default);
        foreach (var made in new[] { "", "a", "a/b", "a/b/x", "a/b/x/y" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(Local, made)));
    }

    [SftpFact]
    public async Task A_missing_root_is_absent_and_never_an_empty_listing()
    {
        await using var store = new SftpStore(fixture.Server.Address("unplugged"), fixture.Server.Options, TimeProvider.System);
        var body = ObjectBody.OfBytes(Random(3));
        foreach (var act in new Func<Task>[]
        {
            () => ListedAsync(store, ""), () => ListedAsync(store, "manifests/"), () => ListedAsync(store, "archives/x"),
            () => store.StatAsync(new("a/b"), default), () => store.ReadAsync(new("a/b"), 0, new byte[1], default), () => store.DeleteAsync(new("a/b"), default),
            () => store.CreateAsync(new("a/b"), body, default), () => store.CreateAsync(new("a"), body, default), () => store.ReplaceAsync(new("a"), body, default),
        })
        {
            var failure = await Assert.ThrowsAsync<StoreException>(act);
            Assert.Equal(StoreFailure.Absent, failure.Failure);
            Assert.Contains("unplugged does not exist on 127.0.0.1", failure.Message, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(Path.Combine(fixture.Server.Folder, "unplugged")));
    }

    [SftpFact]
    public async Task A_listing_of_many_folders_is_in_the_order_of_full_names_and_follows_no_links()
    {
        await using var store = Open();
        var keys = new List<string>();
        foreach (var folder in new[] { "a", "a-b", "a.b", "a0", "ab", "A", "_" })
            foreach (var inner in new[] { "x", "x-1", "x.1", "x0" })
                for (var i = 0; i < 60; i++) keys.Add($"{folder}/{inner}/{i}");
        keys.AddRange(["a-", "a..", "a/y", "z"]);
        foreach (var key in keys)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Local, key))!);
            File.WriteAllText(Path.Combine(Local, key), "");
        }
        File.CreateSymbolicLink(Path.Combine(Local, "link"), Path.Combine(Local, "a"));
        foreach (var name in new[] { "a b", ".hidden", "ä", "a/.x.part" }) File.WriteAllText(Path.Combine(Local, name), "");

        foreach (var prefix in new[] { "", "a", "a/", "a/x", "a/x-", "a.b/x.1/", "nothing/" })
            Assert.Equal(keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal), await ListedAsync(store, prefix));
        await foreach (var first in store.ListAsync("", default))
        {
            Assert.Equal("A/x-1/0", first.Key.Text);
            break;
        }
    }

    [SftpFact]
    public async Task A_folder_of_thousands_is_listed_whole()
    {
        await using var store = Open();
        var keys = Enumerable.Range(0, 5000).Select(i => $"many/{i:D6}").ToList();
        Directory.CreateDirectory(Path.Combine(Local, "many"));
        foreach (var key in keys) File.WriteAllText(Path.Combine(Local, key), "x");
        Assert.Equal(keys, await ListedAsync(store, "many/"));
    }

    [SftpFact]
    public async Task Temporary_files_that_are_old_or_of_a_dead_writer_are_swept_and_others_stay()
    {
        await using var store = Open();
        Directory.CreateDirectory(Path.Combine(Local, "archives/x"));
        // of this process, and of one with its number that began at another time
        var (live, dead) = ($"archives/x/.{ProcessMark.Own}-00.part", $"archives/x/.{ProcessMark.Own}9-00.part");
        foreach (var (name, age) in new[] { ("archives/x/.old.part", 61), ("archives/x/.young.part", 30), (live, 0), (dead, 0), ("archives/x/object", 600), (".top.part", 600) })
        {
            File.WriteAllText(Path.Combine(Local, name), "x");
            File.SetLastWriteTimeUtc(Path.Combine(Local, name), TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(-age));
        }
        Assert.Equal(2, await store.SweepAsync("archives/", default));
        Assert.Equal(1, await store.SweepAsync("", default));
        Assert.Equal([live, "archives/x/.young.part", "archives/x/object"], TempFolder.Contents(Local).Keys);
    }

    [SftpFact]
    public async Task The_far_side_hashes_where_it_can()
    {
        await using var store = Open();
        var keys = Enumerable.Range(0, 250).Select(i => new ObjectKey($"d/{i}")).ToList();
        Directory.CreateDirectory(Path.Combine(Local, "d"));
        foreach (var key in keys) File.WriteAllBytes(Path.Combine(Local, key.Text), Random(1000, key.Text.Length));
        Assert.Equal(new StoreCapabilities(true, Sha256Source.Computed), await store.CapabilitiesAsync(default));
        var told = await store.Sha256Async([.. keys, new("d/absent"), new("absent/absent")], default);
        Assert.Equal(keys.ToHashSet(), told.Keys.ToHashSet());
        Assert.All(told, t => Assert.Equal(ObjectBody.OfBytes(Random(1000, t.Key.Text.Length)).Sha256, t.Value));
    }

    [SftpFact]
    public async Task The_time_is_the_far_side_s_and_leaves_nothing()
    {
        await using var store = Open();
        Assert.InRange(await store.TimeAsync(default), TimeProvider.System.GetUtcNow().AddSeconds(-3), TimeProvider.System.GetUtcNow().AddSeconds(3));
        Assert.Empty(TempFolder.Contents(Local));
    }

    [SftpFact]
    public async Task A_body_that_is_paced_is_asked_for_every_piece()
    {
        await using var store = Open();
        var asked = new List<int>();
        var bytes = Random(1_000_000);
        await store.CreateAsync(new("paced"), ObjectBody.OfBytes(bytes) with
        {
            Pace = (count, _) =>
            {
                asked.Add(count);
                return ValueTask.CompletedTask;
            },
        }, default);
        Assert.Equal(bytes.Length, asked.Sum());
        Assert.All(asked, count => Assert.InRange(count, 1, ObjectBody.PacedPiece));
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(Local, "paced")));
    }

    [SftpFact]
    public async Task An_upload_that_is_cancelled_leaves_nothing_and_ends_soon()
    {
        await using var store = Open();
        using var stop = new CancellationTokenSource();
        var waits = ObjectBody.OfBytes(Random(5_000_000)) with { Pace = async (_, cancel) => await Task.Delay(50, cancel) };
        var creating = store.CreateAsync(new("a/object"), waits, stop.Token);
        await Task.Delay(500);
        var since = Stopwatch.StartNew();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => creating);
        Assert.True(since.Elapsed < TimeSpan.FromSeconds(2), $"{since.Elapsed}");
        Assert.Empty(TempFolder.Contents(Local));
    }

    [SftpFact]
    public async Task A_file_in_the_place_of_a_folder_is_permanent_and_names_the_object()
    {
        await using var store = Open();
        File.WriteAllText(Path.Combine(Local, "archives"), "not a folder");
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.CreateAsync(new("archives/a/object"), ObjectBody.OfBytes(Random(3)), default));
        Assert.Equal(StoreFailure.Permanent, failure.Failure);
        Assert.Contains("archives/a/object", failure.Message, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(Local, "folder"));
        failure = await Assert.ThrowsAsync<StoreException>(() => store.ReadAsync(new("folder"), 0, new byte[1], default));
        Assert.Equal(StoreFailure.Permanent, failure.Failure);
    }
}
