using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>The file operations of a server, over one channel. Every failure is an <see cref="SftpFault"/>.</summary>
sealed class SftpSession : IAsyncDisposable
{
    const int MostNames = 10_000;
    static readonly TimeSpan s_connectExtra = TimeSpan.FromSeconds(2);

    readonly SftpChannel _channel;

    readonly TimeProvider _clock;
    long _roundTrip = long.MaxValue;
    volatile ServerTraits _traits = new(false, false, false, false, false);

    SftpSession(SftpChannel channel, TimeProvider clock) => (_channel, _clock) = (channel, clock);

    /// <summary>Of the quickest question and its answer so far: a slower one may have waited for a processor or behind data.</summary>
    public TimeSpan RoundTrip => new(Volatile.Read(ref _roundTrip));

    /// <summary>What the server told; its limits come one round trip after the rest, and until then the smallest ones hold.</summary>
    public ServerTraits Traits => _traits;

    /// <summary>Done when the limits are known, and so a round trip was measured, where the server tells any. Never fails.</summary>
    public Task Measured { get; private set; } = Task.CompletedTask;

    public bool IsDead => _channel.IsDead;

    public Task Ended => _channel.Ended;

    /// <summary>Starts ssh and greets the server.</summary>
    public static async Task<SftpSession> OpenAsync(IReadOnlyList<string> arguments, SftpOptions options, TimeProvider clock, Func<string, SftpFault> explain)
    {
        var channel = new SftpChannel(SshChild.Start(arguments, clock), options.StallLimit, clock, explain);
        var session = new SftpSession(channel, clock);
        try
        {
            await session.GreetAsync().WaitAsync(options.ConnectLimit + s_connectExtra, clock);
            return session;
        }
        catch (TimeoutException)
        {
            channel.Kill(new(StoreFailure.Transient, $"no connection in {options.ConnectLimit.TotalSeconds:0.#} s"));
            await session.DisposeAsync();
            throw new SftpFault(StoreFailure.Transient, $"no connection in {options.ConnectLimit.TotalSeconds:0.#} s");
        }
        catch (SftpFault)
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public async Task<byte[]> OpenAsync(string path, OpenFlags flags, CancellationToken cancel)
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var packet = Packet(PacketType.Open).Text(path).UInt32((uint)flags);
        return HandleIn(await AskAsync(flags.HasFlag(OpenFlags.Create) ? packet.Permissions(Private) : packet.UInt32(0), cancel));
    }

    public async Task<byte[]> OpenFolderAsync(string path, CancellationToken cancel) => HandleIn(await AskAsync(Packet(PacketType.OpenFolder).Text(path), cancel));

    /// <summary>Sends data; the answer is for <see cref="RequireOk"/>.</summary>
    public Request Write(byte[] handle, long offset, ReadOnlyMemory<byte>[] data) =>
        _channel.Send(Packet(PacketType.Write).Bytes(handle).UInt64((ulong)offset).UInt32((uint)data.Sum(d => d.Length)), data, isBulk: true);

    /// <summary>Asks for data.</summary>
    public Request Read(byte[] handle, long offset, Memory<byte> into) =>
        _channel.Send(Packet(PacketType.Read).Bytes(handle).UInt64((ulong)offset).UInt32((uint)into.Length), into: into);

    /// <summary>Makes durable what was written before it.</summary>
    public Request Sync(byte[] handle) => _channel.Send(Packet(PacketType.Extended).Text("fsync@openssh.com").Bytes(handle), isBulk: true);

    /// <summary>Gives the handle back, behind everything that was sent with it.</summary>
    public Request Close(byte[] handle) => _channel.Send(Packet(PacketType.Close).Bytes(handle), isBulk: true);

    public Request Remove(string path) => _channel.Send(Packet(PacketType.Remove).Text(path), isBulk: true);

    /// <summary>Gives a free name to a file; a taken one is a failure.</summary>
    public Request Rename(string from, string to) => _channel.Send(Packet(PacketType.Rename).Text(from).Text(to));

    /// <summary>Gives a name to a file, whoever had it before.</summary>
    public Request RenameOver(string from, string to) => _channel.Send(Packet(PacketType.Extended).Text("posix-rename@openssh.com").Text(from).Text(to));

    public Request ReadFolder(byte[] handle) => _channel.Send(Packet(PacketType.ReadFolder).Bytes(handle));

    public async Task MakeFolderAsync(string path, CancellationToken cancel)
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        RequireOk(await AskAsync(Packet(PacketType.MakeFolder).Text(path).Permissions(Private), cancel));
    }

    /// <summary>Removes an empty folder; false when it is not empty, or is not there.</summary>
    public async Task<bool> TryRemoveFolderAsync(string path, CancellationToken cancel)
    {
        try
        {
            RequireOk(await AskAsync(Packet(PacketType.RemoveFolder).Text(path), cancel));
            return true;
        }
        catch (SftpFault e) when (e.Status is not null)
        {
            return false;
        }
    }

    /// <summary>What lies there, a link itself and not its target; null when nothing does.</summary>
    public Task<RemoteAttributes?> LookAsync(string path, CancellationToken cancel) => AttributesAsync(Packet(PacketType.Lstat).Text(path), cancel);

    /// <summary>What lies there, or where a link leads to; null when nothing does.</summary>
    public Task<RemoteAttributes?> FollowAsync(string path, CancellationToken cancel) => AttributesAsync(Packet(PacketType.Stat).Text(path), cancel);

    public async Task<RemoteAttributes> LookAtOpenAsync(byte[] handle, CancellationToken cancel) =>
        await AttributesAsync(Packet(PacketType.Fstat).Bytes(handle), cancel) ?? throw new SftpFault(StatusCode.NoSuchFile, "");

    /// <summary>Bytes that this user may still write in the file system of the path.</summary>
    public async Task<long> FreeAsync(string path, CancellationToken cancel)
    {
        var reply = await AskAsync(Packet(PacketType.Extended).Text("statvfs@openssh.com").Text(path), cancel);
        var packet = Body(reply, PacketType.ExtendedReply);
        packet.UInt64();
        var unit = packet.UInt64();
        for (var i = 0; i < 2; i++) packet.UInt64();
        var free = (UInt128)unit * packet.UInt64();
        return free > long.MaxValue ? long.MaxValue : (long)free;
    }

    /// <summary>What READDIR answered; null at the end.</summary>
    public static List<(string Name, RemoteAttributes Attributes)>? NamesIn(Reply reply)
    {
        if (reply.Type is PacketType.Status && StatusIn(reply) is (StatusCode.EndOfFile, _)) return null;
        var packet = Body(reply, PacketType.Name);
        var count = packet.UInt32();
        if (count > MostNames) throw SftpFault.Broken($"{count} names at once");
        var names = new List<(string, RemoteAttributes)>((int)count);
        for (var i = 0; i < count; i++)
        {
            var name = packet.Text();
            packet.Bytes();
            names.Add((name, RemoteAttributes.Read(ref packet)));
        }
        return names;
    }

    /// <summary>Bytes that a READ brought; null at the end of the file.</summary>
    public static int? DataIn(Reply reply)
    {
        if (reply.Type is PacketType.Data) return reply.Data;
        var (status, text) = StatusIn(reply);
        return status is StatusCode.EndOfFile ? null : throw new SftpFault(status, text);
    }

    /// <summary>Whether the server did what it was asked.</summary>
    public static bool IsOk(Reply reply) => StatusIn(reply) is (StatusCode.Ok, _);

    /// <exception cref="SftpFault">The server refused, or could not.</exception>
    public static void RequireOk(Reply reply)
    {
        var (status, text) = StatusIn(reply);
        if (status is not StatusCode.Ok) throw new SftpFault(status, text);
    }

    /// <summary>Ends the channel at once.</summary>
    public void Kill(SftpFault reason) => _channel.Kill(reason);

    public ValueTask DisposeAsync() => _channel.DisposeAsync();

    async Task GreetAsync()
    {
        _traits = TraitsIn(await _channel.GreetAsync());
        // nobody waits for the limits: they are answered before whatever is asked next
        if (_traits.TellsLimits) Measured = MeasureAsync();
    }

    async Task MeasureAsync()
    {
        try
        {
            var reply = await AskAsync(Packet(PacketType.Extended).Text("limits@openssh.com"), CancellationToken.None);
            if (reply.Type is PacketType.Status) return;
            var packet = Body(reply, PacketType.ExtendedReply);
            packet.UInt64();
            var read = packet.UInt64();
            _traits = _traits.With(read, packet.UInt64());
        }
        catch (SftpFault e)
        {
            // an answer that is none of SFTP: nothing else that comes this way can be believed either
            if (!IsDead) _channel.Kill(e);
        }
    }

    static ServerTraits TraitsIn(byte[] hello)
    {
        var packet = new PacketReader(hello);
        var version = packet.UInt32();
        return version >= ProtocolLimits.Version ? ServerTraits.Read(ref packet) : throw new SftpFault(StoreFailure.Permanent, $"the server speaks SFTP {version} only, and 3 is needed");
    }

    async Task<RemoteAttributes?> AttributesAsync(PacketWriter packet, CancellationToken cancel)
    {
        var reply = await AskAsync(packet, cancel);
        if (reply.Type is PacketType.Status && StatusIn(reply) is (StatusCode.NoSuchFile, _)) return null;
        var body = Body(reply, PacketType.Attributes);
        return RemoteAttributes.Read(ref body);
    }

    PacketWriter Packet(PacketType type) => new(type, _channel.NextId());

    async Task<Reply> AskAsync(PacketWriter packet, CancellationToken cancel)
    {
        var since = _clock.GetTimestamp();
        var reply = await _channel.Send(packet).Answer.WaitAsync(cancel);
        var ticks = _clock.GetElapsedTime(since).Ticks;
        if (ticks < Volatile.Read(ref _roundTrip)) Volatile.Write(ref _roundTrip, ticks);
        return reply;
    }

    static byte[] HandleIn(Reply reply)
    {
        var handle = Body(reply, PacketType.Handle).Bytes().ToArray();
        return handle.Length <= ProtocolLimits.LongestHandle ? handle : throw SftpFault.Broken($"a handle of {handle.Length} bytes");
    }

    static PacketReader Body(Reply reply, PacketType expected)
    {
        if (reply.Type == expected) return new(reply.Body);
        if (reply.Type is not PacketType.Status) throw SftpFault.Broken($"an answer of type {(byte)reply.Type} where {(byte)expected} was due");
        var (status, text) = StatusIn(reply);
        throw new SftpFault(status, text);
    }

    static (StatusCode Status, string Text) StatusIn(Reply reply)
    {
        if (reply.Type is not PacketType.Status) throw SftpFault.Broken($"an answer of type {(byte)reply.Type} where a status was due");
        var packet = new PacketReader(reply.Body);
        var status = (StatusCode)packet.UInt32();
        return (status, packet.IsAtEnd ? "" : packet.Text());
    }
}
