using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Worlds;

/// <summary>A store that asks before each call, by what it is and which object it is about, and tells what was created.</summary>
/// <param name="before">May wait, or throw.</param>
sealed class InterceptedStore(IObjectStore inner, Func<string, string, Task> before) : WrappingStore(inner)
{
    readonly Channel<string> _created = Channel.CreateUnbounded<string>();

    /// <summary>The next object that was created.</summary>
    public async Task<string> NextCreatedAsync() => await _created.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public override async Task<CreateOutcome> CreateAsync(ObjectKey key, ObjectBody body, CancellationToken cancel)
    {
        await before("create", key.Text);
        var outcome = await Inner.CreateAsync(key, body, cancel);
        _created.Writer.TryWrite(key.Text);
        return outcome;
    }

    public override async Task<int> ReadAsync(ObjectKey key, long offset, Memory<byte> into, CancellationToken cancel)
    {
        await before("read", key.Text);
        return await Inner.ReadAsync(key, offset, into, cancel);
    }

    public override async Task<ObjectInfo?> StatAsync(ObjectKey key, CancellationToken cancel)
    {
        await before("stat", key.Text);
        return await Inner.StatAsync(key, cancel);
    }

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        await before("list", prefix);
        await foreach (var info in Inner.ListAsync(prefix, cancel))
        {
            await before("list", info.Key.Text);
            yield return info;
        }
    }

    public override async Task DeleteAsync(ObjectKey key, CancellationToken cancel)
    {
        await before("delete", key.Text);
        await Inner.DeleteAsync(key, cancel);
    }
}
