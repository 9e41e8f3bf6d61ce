using System.Security.Cryptography;
using ZfsArchive.Model;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Stores;

public sealed partial class DirectoryStoreTests : ObjectStoreConformance
{
    string Root => Temp["store"];

    protected override IObjectStore NewStore() => OpenAt(Root);

    static DirectoryStore OpenAt(string root)
    {
        Directory.CreateDirectory(root);
        return new(root, TimeProvider.System);
    }

    string[] Leftovers() => Directory.GetFiles(Root, "*.part", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 });

    static async Task<StoreException> FailureAsync(Func<Task> act) => await Assert.ThrowsAsync<StoreException>(act);

    [Fact]
    public async Task The_folder_of_an_archive_goes_with_its_last_chunk_and_others_stay()
    {
        var store = OpenAt(Root);
        string[] keys = ["archives/a/b/1", "archives/a/b/2", "leases/1"];
        foreach (var key in keys) await store.CreateAsync(new(key), ObjectBody.OfBytes(Random(3)), default);
        await store.DeleteAsync(new(keys[0]), default);
        Assert.True(Directory.Exists(Path.Combine(Root, "archives/a/b")));
        foreach (var key in keys[1..]) await store.DeleteAsync(new(key), default);
        Assert.False(Directory.Exists(Path.Combine(Root, "archives/a/b")));
        Assert.True(Directory.Exists(Path.Combine(Root, "archives/a")) && Directory.Exists(Path.Combine(Root, "leases")));
        await store.CreateAsync(new(keys[0]), ObjectBody.OfBytes(Random(3)), default);
    }

    [Fact]
    public async Task Temporary_files_are_not_listed_and_are_swept_when_nobody_holds_them()
    {
        var store = OpenAt(Root);
        await store.CreateAsync(new("archives/a/object"), ObjectBody.OfBytes(Random(3)), default);
        Directory.CreateDirectory(Path.Combine(Root, "manifests"));
        var free = Path.Combine(Root, "archives/a/.abandoned.part");
        var held = Path.Combine(Root, "archives/a/.held.part");
        var elsewhere = Path.Combine(Root, "manifests/.other.part");
        foreach (var path in new[] { free, held, elsewhere }) File.WriteAllBytes(path, Random(100));
        Assert.Equal(["archives/a/object"], await ListedAsync(store, ""));

        using (File.OpenHandle(held, FileMode.Open, FileAccess.Write, FileShare.None))
        {
            Assert.Equal(1, await store.SweepAsync("archives/", default));
            Assert.Equal([held, elsewhere], Leftovers().Order(StringComparer.Ordinal));
        }
        Assert.Equal(1, await store.SweepAsync("archives/", default));
        Assert.Equal([elsewhere], Leftovers());
        Assert.Equal(1, await store.SweepAsync("", default));
        Assert.Equal(["archives/a/object"], await ListedAsync(store, ""));
    }

    [Fact]
    public async Task Names_that_are_no_keys_are_not_listed()
    {
        var store = OpenAt(Root);
        Directory.CreateDirectory(Path.Combine(Root, "lost+found"));
        foreach (var name in new[] { "lost+found/x", "a b", ".hidden", "ok" }) File.WriteAllText(Path.Combine(Root, name), "x");
        Assert.Equal(["ok"], await ListedAsync(store, ""));
    }

    // A folder sorts as the keys below it do: behind what begins like it and goes on with what comes before a slash.
    [Fact]
    public async Task Keys_are_listed_in_order_across_folders()
    {
        var store = OpenAt(Root);
        string[] keys = ["a-b/1", "a.b", "a/1", "a/b/1", "a/b-", "a0", "ab", "b/x/y/z"];
        foreach (var key in keys) await store.CreateAsync(new(key), ObjectBody.OfBytes(Random(10)), default);
        foreach (var prefix in new[] { "", "a", "a/", "a/b", "a/b/", "b/x/y", "c/" })
            Assert.Equal(keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal), await ListedAsync(store, prefix));
    }

    [Fact]
    public async Task A_folder_that_goes_during_a_listing_is_left_out_and_a_disk_that_goes_is_a_failure()
    {
        var store = OpenAt(Root);
        foreach (var key in new[] { "m/a/1", "m/b/1", "m/c/1", "m/d/1" }) await store.CreateAsync(new(key), ObjectBody.OfBytes(Random(10)), default);
        var listed = new List<string>();
        await foreach (var info in store.ListAsync("m/", default))
        {
            listed.Add(info.Key.Text);
            if (listed.Count == 1) Directory.Delete(Path.Combine(Root, "m/b"), recursive: true);
        }
        Assert.Equal(["m/a/1", "m/c/1", "m/d/1"], listed);

        var failure = await FailureAsync(async () =>
        {
            await foreach (var _ in store.ListAsync("m/", default))
                if (Directory.Exists(Path.Combine(Root, "m"))) Directory.Delete(Path.Combine(Root, "m"), recursive: true);
        });
        Assert.Equal(StoreFailure.Absent, failure.Failure);
    }

    [Fact]
    public async Task A_write_that_fails_leaves_no_temporary_file()
    {
        var store = OpenAt(Root);
        await FailureAsync(() => store.CreateAsync(new("a/object"), ObjectBody.OfFile(Temp["no such body"], 3, new('0', 64)), default));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.CreateAsync(new("a/object"), ObjectBody.OfBytes(Random(100)), new(true)));
        Directory.CreateDirectory(Path.Combine(Root, "a/taken"));
        await FailureAsync(() => store.ReplaceAsync(new("a/taken"), ObjectBody.OfBytes(Random(100)), default));
        await FailureAsync(() => store.CreateAsync(new("a/taken"), ObjectBody.OfBytes(Random(100)), default));
        Assert.Empty(Leftovers());
        Assert.Empty(await ListedAsync(store, ""));
    }

    [Fact]
    public async Task A_conflict_leaves_no_temporary_file()
    {
        var store = OpenAt(Root);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(async () =>
        {
            try
            {
                await store.CreateAsync(new("a/object"), ObjectBody.OfBytes(Random(100, i)), default);
            }
            catch (StoreException)
            {
            }
        })));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task A_folder_that_may_not_be_written_is_denied_or_permanent_and_names_the_object()
    {
        var store = OpenAt(Root);
        var folder = Path.Combine(Root, "archives");
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            // root ignores permissions, and then this proves nothing: the test before it does
            if (Environment.IsPrivilegedProcess) return;
            foreach (var key in new[] { "archives/object", "archives/a/object" })
            {
                var failure = await FailureAsync(() => store.CreateAsync(new(key), ObjectBody.OfBytes(Random(3)), default));
                Assert.True(failure.Failure is StoreFailure.Denied or StoreFailure.Permanent, $"{failure.Failure}: {failure.Message}");
                Assert.Contains(key, failure.Message, StringComparison.Ordinal);
                Assert.Contains("run as the user whose folder it is", failure.Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public async Task What_the_disk_holds_is_the_object_and_nothing_else()
    {
        var store = OpenAt(Root);
        await store.CreateAsync(new("archives/a/object"), ObjectBody.OfBytes(Random(70_000)), default);
        Assert.Equal(
            new Dictionary<string, string> { ["archives/a/object"] = Convert.ToHexStringLower(SHA256.HashData(Random(70_000))) },
            TempFolder.Contents(Root));
    }

    [Fact]
    public async Task A_store_failure_is_a_failure_of_the_act_and_no_damage()
    {
        var failure = await FailureAsync(() => OpenAt(Root).ReadAsync(new("nothing"), 0, new byte[1], default));
        Assert.Equal(FailureKind.Failed, failure.Kind);
    }
}
