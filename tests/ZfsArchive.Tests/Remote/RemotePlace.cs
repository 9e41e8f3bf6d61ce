using System.Net;
using ZfsArchive.Servers;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Remote;

/// <summary>An empty place on a real server, and the worlds in which the application reaches it: directly, or through a proxy.</summary>
abstract class RemotePlace
{
    /// <summary>Places so far: no two have the same name.</summary>
    static int s_places;

    protected string Name { get; } = $"place{Interlocked.Increment(ref s_places)}";

    /// <summary>Where the server listens.</summary>
    public abstract EndPoint Server { get; }

    /// <summary>What messages call it when it is reached directly.</summary>
    public abstract string Location { get; }

    /// <summary>A world whose repository is this place.</summary>
    /// <param name="port">Of a proxy on this machine; null for the server itself.</param>
    public abstract TestHost NewHost(int? port = null);

    /// <summary>Every object as the server has it, by its key: fetched without the code that is tested.</summary>
    public abstract Task<Dictionary<string, byte[]>> ObjectsAsync();

    /// <summary>Puts an object there, without the code that is tested.</summary>
    public abstract Task PutAsync(string key, byte[] bytes);

    public FaultProxy NewProxy() => new(Server);

    /// <summary>The place as a repository.</summary>
    public async Task<TestHost> NewRepositoryAsync()
    {
        var host = NewHost();
        await host.ExpectAsync(0, null, "init");
        return host;
    }
}
