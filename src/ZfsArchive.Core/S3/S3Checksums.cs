using System.Security.Cryptography;
using ZfsArchive.Stores;

namespace ZfsArchive.S3;

/// <summary>Checksums as S3 writes them.</summary>
static class S3Checksums
{
    /// <summary>A checksum in base64 as hexadecimal digits; null when it is none of so many bytes.</summary>
    public static string? Hex(string? base64, int bytes)
    {
        Span<byte> decoded = stackalloc byte[64];
        return base64 is not null && Convert.TryFromBase64String(base64, decoded, out var length) && length == bytes ? Convert.ToHexStringLower(decoded[..length]) : null;
    }

    /// <summary>What the service keeps may be an MD5; what proves the object is its SHA-256.</summary>
    public static async Task<string> Md5Async(ObjectBody body, CancellationToken cancel)
    {
        await using var bytes = body.OpenRead();
#pragma warning disable CA5351 // see above
        return Convert.ToHexStringLower(await MD5.HashDataAsync(bytes, cancel));
#pragma warning restore CA5351
    }

#pragma warning disable CA5351 // see above
    public static string Md5(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351
}
