using System.Runtime.InteropServices;

namespace ZfsArchive.Chunks;

/// <summary>The system's libzstd (zstd.h). Sizes are size_t; a result is an error where <see cref="IsError"/> says so.</summary>
static partial class ZstdLibrary
{
    const string Library = "libzstd.so.1";

    /// <summary>ZSTD_c_compressionLevel.</summary>
    public const int CompressionLevel = 100;

    [LibraryImport(Library, EntryPoint = "ZSTD_versionNumber")]
    public static partial uint VersionNumber();

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    public static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    public static partial nint ErrorName(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    public static partial nint CreateCompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    public static partial nuint FreeCompressor(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setParameter")]
    public static partial nuint SetParameter(nint context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress2")]
    public static unsafe partial nuint Compress(nint context, byte* destination, nuint capacity, byte* source, nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    public static partial nint CreateDecompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    public static partial nuint FreeDecompressor(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressDCtx")]
    public static unsafe partial nuint Decompress(nint context, byte* destination, nuint capacity, byte* source, nuint size);

    /// <summary>Content size of the frame, or 2^64-1 (unknown) or 2^64-2 (no frame).</summary>
    [LibraryImport(Library, EntryPoint = "ZSTD_getFrameContentSize")]
    public static unsafe partial ulong FrameContentSize(byte* source, nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_findFrameCompressedSize")]
    public static unsafe partial nuint FrameCompressedSize(byte* source, nuint size);
}
