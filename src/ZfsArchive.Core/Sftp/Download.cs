using System.Security.Cryptography;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>Reads an open file, with many requests on the way at once.</summary>
static class Download
{
    /// <summary>Bytes on the way at once.</summary>
    const int Window = 8 << 20;

    /// <summary>Fills the memory from an offset on; returns how much there was.</summary>
    /// <param name="length">Length of the file as it was told; what is beyond is looked for, but not guessed.</param>
    public static async Task<int> FillAsync(SftpSession session, byte[] handle, long offset, long length, Memory<byte> into, CancellationToken cancel)
    {
        var expected = (int)long.Clamp(length - offset, 0, into.Length);
        var onTheWay = new Queue<Request>();
        try
        {
            var (asked, filled) = (0, 0);
            while (filled < into.Length)
            {
                while (asked < into.Length && asked - filled < Window && (asked < expected || filled == asked || asked == expected))
                    asked += Ask(Piece(asked < expected ? expected - asked : into.Length - asked));
                var oldest = onTheWay.Peek();
                if (SftpSession.DataIn(await oldest.Answer.WaitAsync(cancel)) is not { } read || read == 0) return filled;
                onTheWay.Dequeue();
                filled += read;
                if (read == oldest.Wanted) continue;
                // short: what was asked for behind it is asked for again, behind what came
                Abandon(onTheWay);
                asked = filled;
            }
            return filled;

            int Piece(int left) => int.Min(left, session.Traits.LongestRead);

            int Ask(int count)
            {
                onTheWay.Enqueue(session.Read(handle, offset + asked, into.Slice(asked, count)));
                return count;
            }
        }
        finally
        {
            Abandon(onTheWay);
        }
    }

    /// <summary>SHA-256 of an open file, 64 hexadecimal digits.</summary>
    public static async Task<string> Sha256Async(SftpSession session, byte[] handle, long length, CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[(int)long.Clamp(length + 1, 1, Window)];
        for (long at = 0; ;)
        {
            var read = await FillAsync(session, handle, at, length, buffer, cancel);
            hash.AppendData(buffer, 0, read);
            at += read;
            if (read < buffer.Length) return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    static void Abandon(Queue<Request> requests)
    {
        while (requests.TryDequeue(out var request)) request.Abandon();
    }
}
