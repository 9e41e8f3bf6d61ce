namespace ZfsArchive.S3;

/// <summary>
/// Carries requests over connections that serve again, and reads the service's time off the answers. A service that refuses a body may
/// not have read it, and then takes it for the beginning of the next request: after a refusal no connection that carried
/// bodies is used again.
/// </summary>
sealed class Wire(Func<SocketsHttpHandler> sockets, TimeProvider clock) : HttpMessageHandler
{
    /// <summary>Bytes of an answer to a body; a hostile service may send any number.</summary>
    const int LongestAnswer = 1 << 20;
    readonly Connections _plain = new(sockets());
    readonly Lock _turn = new();
    Connections _bodies = new(sockets());
    long _skewTicks = long.MinValue;

    /// <summary>What to add to this machine's time to have the service's; null before its first answer.</summary>
    public TimeSpan? Skew => Interlocked.Read(ref _skewTicks) is var ticks and not long.MinValue ? new(ticks) : null;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // bodies go at once instead of after a question of a round trip
        request.Headers.ExpectContinue = false;
        var response = request.Content is null ? await _plain.SendAsync(request, cancellationToken) : await SendBodyAsync(request, cancellationToken);
        if (response.Headers.Date is { } date) Interlocked.Exchange(ref _skewTicks, (date - clock.GetUtcNow()).Ticks);
        return response;
    }

    async Task<HttpResponseMessage> SendBodyAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var used = Enter();
        try
        {
            var response = await used.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode) Retire(used);
            try
            {
                await response.Content.LoadIntoBufferAsync(LongestAnswer, cancellationToken);
                return response;
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }
        finally
        {
            Leave(used);
        }
    }

    Connections Enter()
    {
        lock (_turn)
        {
            _bodies.Users++;
            return _bodies;
        }
    }

    void Retire(Connections used)
    {
        lock (_turn)
        {
            if (_bodies == used) _bodies = new(sockets());
        }
    }

    void Leave(Connections used)
    {
        lock (_turn)
        {
            if (--used.Users > 0 || used == _bodies) return;
        }
        used.Dispose();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _plain.Dispose();
            _bodies.Dispose();
        }
        base.Dispose(disposing);
    }

    sealed class Connections(SocketsHttpHandler sockets) : HttpMessageInvoker(sockets)
    {
        public int Users { get; set; }
    }
}
