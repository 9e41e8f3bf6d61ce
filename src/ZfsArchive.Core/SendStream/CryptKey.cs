using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZfsArchive.SendStream;

/// <summary>What crypt_keydata of a raw stream's BEGIN tells about its key; never the wrapped keys themselves.</summary>
/// <param name="Suite">DSL_CRYPTO_SUITE by name, such as <c>aes-256-gcm</c>.</param>
/// <param name="KeyGuid">DSL_CRYPTO_GUID: identity of the master key, kept over every change of the passphrase.</param>
/// <param name="KeyFormat"><c>raw</c>, <c>hex</c> or <c>passphrase</c>.</param>
/// <param name="Pbkdf2Salt">Salt of the passphrase, made anew with each change of it; 0 without a passphrase.</param>
/// <param name="ToIvsetGuid">IV set of the snapshot sent (<c>zfs get ivsetguid</c>).</param>
/// <param name="FromIvsetGuid">IV set of the base; 0 for a full or when the base had none.</param>
/// <param name="WrappingId">SHA-256 (hex) over DSL_CRYPTO_MASTER_KEY_1, DSL_CRYPTO_HMAC_KEY_1, DSL_CRYPTO_IV, DSL_CRYPTO_MAC,
/// then pbkdf2salt and pbkdf2iters as little-endian u64: tells which wrapping, and so which passphrase, opens this stream.</param>
public sealed record CryptKey(
    string Suite, ulong KeyGuid, string KeyFormat, ulong Pbkdf2Salt, ulong ToIvsetGuid, ulong FromIvsetGuid, string WrappingId)
{
    /// <exception cref="MalformedRecordException">A member that every receiver needs is missing.</exception>
    public static CryptKey Decode(NvList keydata)
    {
        return new(
            Suite: SuiteName(Number("DSL_CRYPTO_SUITE")),
            KeyGuid: Number("DSL_CRYPTO_GUID"),
            KeyFormat: Number("keyformat") switch { 1 => "raw", 2 => "hex", 3 => "passphrase", var n => $"format {n}" },
            Pbkdf2Salt: keydata.UInt64("pbkdf2salt") ?? 0,
            ToIvsetGuid: keydata.UInt64("to_ivset_guid") ?? 0,
            FromIvsetGuid: keydata.UInt64("from_ivset_guid") ?? 0,
            WrappingId: Wrapping(keydata));

        ulong Number(string name) => keydata.UInt64(name) ?? throw Missing(name);
    }

    static string SuiteName(ulong suite) => suite switch
    {
        3 => "aes-128-ccm",
        4 => "aes-192-ccm",
        5 => "aes-256-ccm",
        6 => "aes-128-gcm",
        7 => "aes-192-gcm",
        8 => "aes-256-gcm",
        _ => $"suite {suite}",
    };

    static string Wrapping(NvList keydata)
    {
        Span<byte> numbers = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(numbers, keydata.UInt64("pbkdf2salt") ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(numbers[8..], keydata.UInt64("pbkdf2iters") ?? 0);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in new[] { "DSL_CRYPTO_MASTER_KEY_1", "DSL_CRYPTO_HMAC_KEY_1", "DSL_CRYPTO_IV", "DSL_CRYPTO_MAC" })
            hash.AppendData(keydata.Bytes(name) ?? throw Missing(name));
        hash.AppendData(numbers);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    static MalformedRecordException Missing(string name) => new($"crypt_keydata has no {name}");
}
