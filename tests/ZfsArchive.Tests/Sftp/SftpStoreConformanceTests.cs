using ZfsArchive.Sftp;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Sftp;

/// <summary>One sshd for all tests of a class.</summary>
public sealed class SftpServerFixture : IDisposable
{
    readonly Lazy<SftpServer> _server = new(() => SftpServer.Start());

    internal SftpServer Server => _server.Value;

    public void Dispose()
    {
        if (_server.IsValueCreated) _server.Value.Dispose();
    }
}

public sealed class SftpStoreConformanceTests(SftpServerFixture fixture) : ObjectStoreConformance, IClassFixture<SftpServerFixture>
{
    readonly string _folder = Path.GetRandomFileName();
    readonly List<SftpStore> _stores = [];

    protected override IObjectStore NewStore()
    {
        Directory.CreateDirectory(Path.Combine(fixture.Server.Folder, _folder));
        var store = new SftpStore(fixture.Server.Address(_folder), fixture.Server.Options, TimeProvider.System);
        lock (_stores) _stores.Add(store);
        return store;
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var store in _stores) store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        base.Dispose(disposing);
    }
}
