namespace ZfsArchive.Sftp;

/// <summary>
/// What waits to be written to one channel: small questions pass the data of uploads, so that a look at one object does not wait for
/// megabytes of another.
/// </summary>
sealed class RequestQueue
{
    readonly object _gate = new();
    readonly Queue<Request> _small = [];
    readonly Queue<Request> _bulk = [];
    bool _isClosed;

    /// <summary>False when the channel has ended.</summary>
    public bool Add(Request request)
    {
        lock (_gate)
        {
            if (_isClosed) return false;
            (request.IsBulk ? _bulk : _small).Enqueue(request);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Waits for the next one; null when the channel has ended.</summary>
    public Request? Next()
    {
        lock (_gate)
        {
            while (!_isClosed)
            {
                if (_small.TryDequeue(out var request) || _bulk.TryDequeue(out request)) return request;
                Monitor.Wait(_gate);
            }
            return null;
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
