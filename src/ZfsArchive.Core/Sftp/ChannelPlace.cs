namespace ZfsArchive.Sftp;

/// <summary>Where a channel is, or may be.</summary>
sealed class ChannelPlace(ChannelPool pool, int connection, int channel)
{
    public ChannelPool Pool => pool;

    public int Connection => connection;

    public int Channel => channel;

    /// <summary>Whether it joins the connection of another one.</summary>
    public bool IsFurther => channel > 0;

    /// <summary>The newest attempt.</summary>
    public Task<SftpSession>? Opening { get; set; }

    /// <summary>Of the connection that this place began.</summary>
    public string? Socket { get; set; }

    /// <summary>Operations that use it.</summary>
    public int Load { get; set; }

    public DateTimeOffset RefusedUntil { get; set; }

    public bool IsOpen => Opening is { IsCompletedSuccessfully: true } && IsOpenOrOpening;

    public bool IsOpenOrOpening => Opening is { } opening && (!opening.IsCompleted || (opening.IsCompletedSuccessfully && !opening.GetAwaiter().GetResult().IsDead));
}
