namespace ZfsArchive.SendStream;

/// <summary>The types of a send stream's records (drr_type, offset 0, 4 bytes; OpenZFS zfs_ioctl.h).</summary>
public enum RecordType
{
    Begin = 0,
    Object = 1,
    FreeObjects = 2,
    Write = 3,
    Free = 4,
    End = 5,
    WriteByRef = 6,
    Spill = 7,
    WriteEmbedded = 8,
    ObjectRange = 9,
    Redact = 10,
}

/// <summary>The names of record types as OpenZFS writes them.</summary>
public static class RecordTypes
{
    /// <summary>How many types are known; a larger number in drr_type is an unknown record.</summary>
    public const int Count = 11;

    static readonly string[] s_names =
        ["BEGIN", "OBJECT", "FREEOBJECTS", "WRITE", "FREE", "END", "WRITE_BYREF", "SPILL", "WRITE_EMBEDDED", "OBJECT_RANGE", "REDACT"];

    /// <summary>The name without its DRR_ prefix, such as <c>WRITE_EMBEDDED</c>; <c>TYPE 11</c> for an unknown one.</summary>
    public static string WireName(this RecordType type) => (int)type is >= 0 and < Count ? s_names[(int)type] : $"TYPE {(int)type}";
}
