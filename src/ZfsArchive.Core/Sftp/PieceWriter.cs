using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>
/// Writes pieces of a body to an open file through one channel, as many as it gets: others may take the rest. What it was given is
/// touched until it is settled or abandoned.
/// </summary>
/// <param name="window">Bytes on the way at once.</param>
sealed class PieceWriter(SftpSession session, int window)
{
    readonly Queue<Request> _writes = new();
    int _onTheWay;

    /// <summary>Sends what is left of the body; true when there was something.</summary>
    public async Task<bool> WriteAsync(byte[] handle, ObjectBody body, BodyReader reader, CancellationToken cancel)
    {
        var longest = body.Pace is null ? session.Traits.LongestWrite : int.Min(session.Traits.LongestWrite, ObjectBody.PacedPiece);
        for (var any = false; ; any = true)
        {
            while (_onTheWay > window) await AnsweredAsync(cancel);
            var piece = await reader.NextAsync(longest, cancel);
            if (piece.Length == 0) return any;
            if (body.Pace is { } pace) await pace(piece.Length, cancel);
            var write = session.Write(handle, piece.At, piece.Data);
            _onTheWay += write.Length;
            _writes.Enqueue(write);
        }
    }

    /// <summary>Waits until the server has taken all that was sent.</summary>
    public async Task SettleAsync(CancellationToken cancel)
    {
        while (_writes.Count > 0) await AnsweredAsync(cancel);
    }

    /// <summary>Lets go of the body's memory.</summary>
    public void Abandon()
    {
        while (_writes.TryDequeue(out var write)) write.Abandon();
    }

    async Task AnsweredAsync(CancellationToken cancel)
    {
        var oldest = _writes.Peek();
        SftpSession.RequireOk(await oldest.Answer.WaitAsync(cancel));
        _writes.Dequeue();
        _onTheWay -= oldest.Length;
    }
}
