using System.Security.Cryptography;

namespace ZfsArchive.Stores;

/// <summary>What the bytes of an object are, by reading them.</summary>
public static class StoredHash
{
    const int ReadAtOnce = 4 << 20;

    /// <summary>SHA-256 of the first <paramref name="length"/> bytes, 64 hexadecimal digits; null when there are fewer.</summary>
    /// <exception cref="StoreException">Kind Absent: there is no such object.</exception>
    public static async Task<string?> Sha256Async(IObjectStore store, ObjectKey key, long length, CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[(int)long.Min(ReadAtOnce, length)];
        for (long at = 0; at < length;)
        {
            var read = await store.ReadAsync(key, at, buffer.AsMemory(0, (int)long.Min(buffer.Length, length - at)), cancel);
            if (read == 0) return null;
            hash.AppendData(buffer, 0, read);
            at += read;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
