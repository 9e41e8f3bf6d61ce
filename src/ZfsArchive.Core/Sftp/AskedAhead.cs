namespace ZfsArchive.Sftp;

/// <summary>What was asked before it is known to be wanted.</summary>
static class AskedAhead
{
    /// <summary>It may fail when nobody waits for it any more.</summary>
    public static T Observed<T>(this T task) where T : Task
    {
        _ = task.ContinueWith(t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return task;
    }
}
