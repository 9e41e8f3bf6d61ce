using ZfsArchive.Repository;
using ZfsArchive.Status;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Verify;

/// <summary>A manifest that is sound and not the one that this host has seen: told by whoever looks, until somebody says that it is right.</summary>
public sealed class ChangedManifestTests
{
    static readonly string[] s_backup = ["backup", "--stdin", "-q"];

    // The same stream, archived twice at different times: the second manifest is remembered, the first lies there.
    static async Task<TestHost> ChangedAsync(params string[] later)
    {
        var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), s_backup);
        var path = host.Manifests.Single();
        var first = await File.ReadAllBytesAsync(path);
        File.Delete(path);
        host.Clock.Now += TimeSpan.FromDays(2);
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), s_backup);
        foreach (var stream in later) await host.ExpectAsync(0, Golden.Bytes(stream), s_backup);
        await host.ExpectAsync(0, null, "verify");
        Assert.NotEqual(first, await File.ReadAllBytesAsync(path));
        await File.WriteAllBytesAsync(path, first);
        return host;
    }

    static void Says(StringWriter said, string what) => Assert.Contains(what, said.ToString(), StringComparison.Ordinal);

    [Fact]
    public async Task It_is_told_by_verify_by_status_and_by_prune_also_after_another_backup()
    {
        using var host = await ChangedAsync();
        await host.ExpectAsync(20, null, "status");
        Says(host.Out, "is another one than this host has seen");
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), "backup", "--stdin");
        Says(host.Out, "already archived");
        await host.ExpectAsync(20, null, "prune", "--keep-last", "1");
        Says(host.Error, "is another one than this host has seen: nothing was removed");
        await host.ExpectAsync(20, null, "verify");
        Says(host.Out, "it is another manifest than the one this host has seen");
        Says(host.Out, "zfsarchive verify --accept");
    }

    [Fact]
    public async Task Once_accepted_it_is_remembered()
    {
        using var host = await ChangedAsync();
        await host.ExpectAsync(0, null, "verify", "--accept");
        Says(host.Error, "accepted: the manifest of ");
        Says(host.Error, " is another one");
        await host.ExpectAsync(0, null, "verify");
        await host.ExpectAsync(0, null, "status");
        await host.ExpectAsync(0, null, "verify", "--accept");
        Assert.Empty(host.Error.ToString());
    }

    [Fact]
    public async Task One_that_was_removed_on_purpose_is_missed_no_longer_once_that_is_accepted()
    {
        using var host = await ChangedAsync();
        File.Delete(host.Manifests.Single());
        await host.ExpectAsync(20, null, "verify");
        Says(host.Out, "it is gone, and no prune recorded its removal");
        await host.ExpectAsync(0, null, "verify", "--accept");
        Says(host.Error, " is gone");
        await host.ExpectAsync(0, null, "status");
    }

    [Fact]
    public async Task What_is_accepted_of_one_dataset_says_nothing_of_the_others()
    {
        using var host = await ChangedAsync();
        await host.ExpectAsync(0, Golden.Bytes("raw-pass-full"), "backup", "--stdin", "-q");
        foreach (var manifest in host.Manifests) File.Delete(manifest);
        await host.ExpectAsync(20, null, "verify", "tank/chain", "--accept");
        Assert.Single(host.Error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Says(host.Error, "accepted: the manifest of tank/chain@s0");
        await host.ExpectAsync(20, null, "verify");
        Says(host.Out, "encpass");
    }

    // Every five minutes monitoring looks, while by night one archive comes after the other.
    [Fact]
    public async Task What_is_archived_while_somebody_looks_is_not_missed()
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(0, Golden.Bytes("chain-full"), s_backup);
        var store = new InterceptedStore(new DirectoryStore(host.Repo, host.Clock), async (verb, key) =>
        {
            // the catalog has been read when the records are looked for
            if (verb == "list" && key == "records/") await host.ExpectAsync(0, Golden.Bytes("chain-incr1"), s_backup);
        });
        var repository = await ArchiveRepository.OpenAsync(store, host.Folders, RepositoryUse.Read, default);
        Assert.Empty((await StatusLook.FactsAsync(repository, default)).Changed);
        Assert.Equal(2, host.Manifests.Count());
    }

    [Fact]
    public async Task What_is_based_on_another_manifest_is_told_by_status_whatever_this_host_has_seen()
    {
        using var host = await ChangedAsync("chain-incr1");
        await host.ExpectAsync(20, null, "verify", "--accept");
        Says(host.Out, "is not the one it was made on");
        host.Folders = new(host.Beside("state of another host"), host.Beside("its cache"));
        await host.ExpectAsync(20, null, "status");
        Says(host.Out, "is not the one it was made on");
    }
}
