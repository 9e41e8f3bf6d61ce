using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>Why a request or a connection failed, before it is known which object and which act that hit.</summary>
sealed class SftpFault : Exception
{
    const int LongestText = 300;

    public SftpFault(StoreFailure failure, string cause, Exception? inner = null)
        : base(cause, inner) => Failure = failure;

    /// <summary>The server's word.</summary>
    public SftpFault(StatusCode status, string text)
        : base(Cause(status, text))
    {
        Status = status;
        Failure = status switch
        {
            StatusCode.NoSuchFile => StoreFailure.Absent,
            StatusCode.PermissionDenied => StoreFailure.Denied,
            StatusCode.NoConnection or StatusCode.ConnectionLost => StoreFailure.Transient,
            _ => StoreFailure.Permanent,
        };
    }

    public StoreFailure Failure { get; }

    /// <summary>The status of the answer; null when there was none.</summary>
    public StatusCode? Status { get; }

    /// <summary>The server broke the protocol: nothing more can be understood on this channel.</summary>
    public static SftpFault Broken(string what) => new(StoreFailure.Permanent, $"the server does not keep to the protocol: {what}");

    /// <summary>Text from another machine, fit for a message: one line, no control characters, not too long.</summary>
    public static string Printable(string text)
    {
        var line = string.Concat(text.Trim().Select(c => char.IsControl(c) ? '?' : c));
        return line.Length <= LongestText ? line : string.Concat(line.AsSpan(0, LongestText), "…");
    }

    static string Cause(StatusCode status, string text) => status switch
    {
        StatusCode.NoSuchFile => "it is not there",
        StatusCode.PermissionDenied => "permission denied",
        _ => $"the server says '{(text.Length > 0 ? Printable(text) : status.ToString())}' (status {(uint)status})",
    };
}
