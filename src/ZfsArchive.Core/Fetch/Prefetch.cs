using System.Runtime.CompilerServices;

namespace ZfsArchive.Fetch;

/// <summary>Parallel work whose results are wanted in order.</summary>
public static class Prefetch
{
    /// <summary>Runs up to <paramref name="window"/> fetches ahead and gives their results in the order of the source; what is not taken is disposed.
    /// Fetches begin in that order too, so the one that is waited for is never behind others in a queue for room.</summary>
    public static async IAsyncEnumerable<TResult> PrefetchAsync<T, TResult>(
        this IEnumerable<T> source, int window, Func<T, CancellationToken, Task<TResult>> fetch, [EnumeratorCancellation] CancellationToken cancel = default)
        where TResult : IDisposable
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var underway = new Queue<Task<TResult>>(window);
        try
        {
            foreach (var item in source)
            {
                if (underway.Count == window) yield return await underway.Dequeue();
                underway.Enqueue(fetch(item, stop.Token));
            }
            while (underway.TryDequeue(out var next)) yield return await next;
        }
        finally
        {
            await stop.CancelAsync();
            foreach (var task in underway)
            {
                Task settled = task;
                await settled.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (task.IsCompletedSuccessfully) (await task).Dispose();
            }
        }
    }
}
