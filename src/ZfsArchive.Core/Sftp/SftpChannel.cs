using System.Collections.Concurrent;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>
/// Requests and answers over the pipes of one ssh. One thread writes, one reads and watches the time; both end when the channel does,
/// and then every unanswered request fails.
/// </summary>
sealed class SftpChannel : IAsyncDisposable
{
    const int LongestWait = 500;    // milliseconds
    const int HardLimitFactor = 5;

    readonly SshChild _ssh;
    readonly TimeProvider _clock;
    readonly TimeSpan _stallLimit;
    readonly Func<string, SftpFault> _explain;
    readonly RequestQueue _queue = new();
    readonly ConcurrentDictionary<uint, Request> _pending = new();
    readonly ReplyReader _replies;
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource<byte[]> _version = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Thread? _writer;
    long _movedAt;
    uint _oldest;
    long _oldestSince;
    long _lookedAt;
    int _lastId;
    volatile SftpFault? _fault;
    volatile bool _isStopping;

    /// <param name="explain">What ssh's last words mean.</param>
    public SftpChannel(SshChild ssh, TimeSpan stallLimit, TimeProvider clock, Func<string, SftpFault> explain)
    {
        (_ssh, _stallLimit, _clock, _explain) = (ssh, stallLimit, clock, explain);
        _movedAt = clock.GetTimestamp();
        _replies = new(ssh.Output, AwaitReply, () => Volatile.Write(ref _movedAt, _clock.GetTimestamp()));
    }

    public bool IsDead => _fault is not null || _isStopping;

    /// <summary>Done when the channel has ended.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Begins to talk; the server's first packet, without its type.</summary>
    /// <exception cref="SftpFault">What ssh said, when it could not connect.</exception>
    public Task<byte[]> GreetAsync()
    {
        var hello = new PacketWriter(PacketType.Init).UInt32(ProtocolLimits.Version).Finish();
        _queue.Add(new(0, hello, [], default, isBulk: false));
        _writer = new(Write) { IsBackground = true, Name = "sftp writer" };
        _writer.Start();
        new Thread(Read) { IsBackground = true, Name = "sftp reader" }.Start();
        return _version.Task;
    }

    public uint NextId() => (uint)Interlocked.Increment(ref _lastId);

    /// <summary>Sends a request on its way.</summary>
    /// <param name="payload">Bytes that follow the packet's fields and belong to it.</param>
    /// <param name="into">Where the data of the answer go.</param>
    /// <param name="isBulk">Whether it waits for the data that was sent before it.</param>
    public Request Send(PacketWriter packet, ReadOnlyMemory<byte>[]? payload = null, Memory<byte> into = default, bool isBulk = false)
    {
        payload ??= [];
        var request = new Request(packet.Id, packet.Finish(payload.Sum(p => p.Length)), payload, into, isBulk);
        _pending[request.Id] = request;
        if (!_queue.Add(request) || _fault is not null) request.Fail(_fault ?? Lost());
        return request;
    }

    /// <summary>Ends the channel at once; what is unanswered fails with the reason.</summary>
    public void Kill(SftpFault reason)
    {
        _fault ??= reason;
        _isStopping = true;
        _queue.Close();
        _ssh.Kill();
    }

    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        _queue.Close();
        if (_writer is not null) await Task.Run(_writer.Join);
        await _ssh.EndAsync();
        // the ssh of a first channel may hold the pipe of a second one open: the reader does not wait for its end
        _fault ??= Lost();
        if (_writer is not null) await _ended.Task;
        _ssh.Dispose();
    }

    static SftpFault Lost() => new(StoreFailure.Transient, "the connection was closed");

    void Write()
    {
        try
        {
            while (_queue.Next() is { } request)
            {
                if (!request.Begin())
                {
                    _pending.TryRemove(request.Id, out _);
                    continue;
                }
                for (var sent = 0; sent < request.Length && !_isStopping;)
                {
                    var moved = request.Write(_ssh.Input, sent);
                    if (moved == RawPipe.NotNow)
                    {
                        RawPipe.AwaitWritable(_ssh.Input, LongestWait);
                        continue;
                    }
                    sent += moved;
                    Volatile.Write(ref _movedAt, _clock.GetTimestamp());
                }
                request.SentAt = _clock.GetTimestamp();
            }
        }
        catch (IOException)
        {
            // ssh has ended: the reader sees that too, and learns why
        }
    }

    void Read()
    {
        SftpFault? reason = null;
        try
        {
            _version.TrySetResult(_replies.ReadVersion());
            for (;;) Forget(_replies.ReadReply(Asked));
        }
        catch (EndOfStreamException)
        {
            // ssh has ended, and its last words say why
        }
        catch (SftpFault e)
        {
            reason = e;
        }
        catch (Exception e)
        {
            reason = new(StoreFailure.Transient, $"the connection was lost: {e.Message}", e);
        }
        _ = EndAsync(reason);
    }

    async Task EndAsync(SftpFault? reason)
    {
        if (reason is not null) Kill(reason);
        _queue.Close();
        _fault ??= _isStopping ? Lost() : _explain(await _ssh.LastWordsAsync());
        _isStopping = true;
        _version.TrySetException(_fault);
        _ = _version.Task.Exception;
        foreach (var request in _pending.Values) request.Fail(_fault);
        _ended.TrySetResult();
    }

    Request Asked(uint id) =>
        _pending.TryGetValue(id, out var request) ? request : throw SftpFault.Broken($"an answer to request {id}, which was not made");

    // Only when all of its answer is here: a connection that breaks, or stands still, inside the answer still owes it.
    void Forget(Request answered) => _pending.TryRemove(answered.Id, out _);

    // Called by the reader when there is nothing to read.
    void AwaitReply()
    {
        if (_isStopping && _fault is { } fault) throw fault;
        if (IsStalled()) throw new SftpFault(StoreFailure.Transient, $"no answer for {_stallLimit.TotalSeconds:0.#} s");
        RawPipe.AwaitReadable(_ssh.Output, LongestWait);
    }

    // On a slow line an answer may take long, but bytes move; a server that answers everything but one request is given up as well.
    bool IsStalled()
    {
        var now = _clock.GetTimestamp();
        if (_clock.GetElapsedTime(_lookedAt, now) < _stallLimit / 20) return false;
        _lookedAt = now;
        var waiting = _pending.Keys.DefaultIfEmpty().Min();
        if (waiting == 0 || waiting != _oldest)
        {
            (_oldest, _oldestSince) = (waiting, now);
            return false;
        }
        var waited = _clock.GetElapsedTime(_oldestSince, now);
        return waited > _stallLimit && (_clock.GetElapsedTime(Volatile.Read(ref _movedAt), now) > _stallLimit || waited > _stallLimit * HardLimitFactor);
    }
}
