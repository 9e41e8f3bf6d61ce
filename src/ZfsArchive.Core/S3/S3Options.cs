namespace ZfsArchive.S3;

/// <summary>How an S3 service is spoken to.</summary>
public sealed record S3Options
{
    /// <summary>The service, when it is not AWS.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Region; null for the one of the environment or profile, and <c>us-east-1</c> for a service of its own address.</summary>
    public string? Region { get; init; }

    /// <summary>A profile of the shared AWS files.</summary>
    public string? Profile { get; init; }

    /// <summary>Access key, secret key and session token (or null), when they are given; else the usual AWS places are asked.</summary>
    public (string AccessKey, string SecretKey, string? Token)? Keys { get; init; }

    /// <summary>The bucket's name in the path and not in the host's name; null for: yes at a service of its own address.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>Storage class of chunks, for example <c>STANDARD_IA</c>; all else is always readable at once. Null for the bucket's own.</summary>
    public string? StorageClass { get; init; }

    /// <summary>What to do about MD5 where a service keeps no SHA-256.</summary>
    public Md5Use Md5 { get; init; }

    /// <summary>A file with certificates (PEM) of authorities that are trusted beside the system's.</summary>
    public string? CaBundle { get; init; }

    /// <summary>How long nothing may move before a request is given up.</summary>
    public TimeSpan StallLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a connection may take.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(8);
}

/// <summary>MD5 is the only checksum that many services keep. Making it costs twice the time of a SHA-256.</summary>
public enum Md5Use
{
    /// <summary>
    /// Made and sent along (Content-MD5) unless the service was seen to refuse bodies that do not have the SHA-256 they are signed with;
    /// then what it keeps is taken from its answers.
    /// </summary>
    WhereNeeded,

    /// <summary>Made for every object, sent along and compared.</summary>
    Always,

    /// <summary>Neither made nor remembered: <c>verify --level objects</c> can then compare sizes only.</summary>
    Never,
}
