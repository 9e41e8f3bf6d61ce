using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Stores;

// What a place that is not there, or not what it should be, looks like.
public sealed partial class DirectoryStoreTests
{
    [Fact]
    public async Task A_missing_root_is_absent_and_never_an_empty_listing()
    {
        var store = new DirectoryStore(Temp["unplugged"], TimeProvider.System);
        var body = ObjectBody.OfBytes(Random(3));
        foreach (var prefix in new[] { "", "manifests/", "archives/x" })
            Assert.Equal(StoreFailure.Absent, (await FailureAsync(async () => await ListedAsync(store, prefix))).Failure);
        foreach (var key in new[] { "zfsarchive.json", "manifests/a/b.json" })
        {
            Assert.Equal(StoreFailure.Absent, (await FailureAsync(() => store.StatAsync(new(key), default))).Failure);
            Assert.Equal(StoreFailure.Absent, (await FailureAsync(() => store.ReadAsync(new(key), 0, new byte[1], default))).Failure);
            Assert.Equal(StoreFailure.Absent, (await FailureAsync(() => store.CreateAsync(new(key), body, default))).Failure);
            Assert.Equal(StoreFailure.Absent, (await FailureAsync(() => store.ReplaceAsync(new(key), body, default))).Failure);
            Assert.Equal(StoreFailure.Absent, (await FailureAsync(() => store.DeleteAsync(new(key), default))).Failure);
        }
        Assert.False(Directory.Exists(Temp["unplugged"]));
    }

    // As with a disk that fails: what cannot be looked at must never pass for absent, for its chunks would go.
    [Fact]
    public async Task What_cannot_be_looked_at_is_a_failure_and_not_absent()
    {
        var store = OpenAt(Root);
        File.CreateSymbolicLink(Path.Combine(Root, "manifests"), "manifests");
        Assert.Equal(StoreFailure.Permanent, (await FailureAsync(() => store.StatAsync(new("manifests/a/b.json"), default))).Failure);
        Assert.Equal(StoreFailure.Permanent, (await FailureAsync(async () => await ListedAsync(store, "manifests/"))).Failure);
    }

    [Fact]
    public async Task A_file_in_the_place_of_a_folder_is_denied_or_permanent_and_names_the_object()
    {
        var store = OpenAt(Root);
        File.WriteAllText(Path.Combine(Root, "archives"), "not a folder");
        foreach (var act in new Func<ObjectKey, Task>[]
        {
            key => store.CreateAsync(key, ObjectBody.OfBytes(Random(3)), default),
            key => store.ReplaceAsync(key, ObjectBody.OfBytes(Random(3)), default),
        })
        {
            var failure = await FailureAsync(() => act(new("archives/a/object")));
            Assert.True(failure.Failure is StoreFailure.Denied or StoreFailure.Permanent, $"{failure.Failure}: {failure.Message}");
            Assert.Contains("archives/a/object", failure.Message, StringComparison.Ordinal);
        }
    }
}
