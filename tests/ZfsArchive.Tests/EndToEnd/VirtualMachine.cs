using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.EndToEnd;

[CollectionDefinition(Name)]
public sealed class VirtualMachines : ICollectionFixture<VirtualMachine>
{
    public const string Name = "virtual machine";
}

/// <summary>A second guest beside the first, so that the nights do not wait for the rest.</summary>
[CollectionDefinition(Name)]
public sealed class NightMachines : ICollectionFixture<VirtualMachine>
{
    public const string Name = "virtual machine of the nights";
}

/// <summary>One guest with a real OpenZFS for all tests of a collection; started before the first, stopped after the last.</summary>
public sealed class VirtualMachine : IAsyncLifetime
{
    static readonly TimeSpan s_short = TimeSpan.FromMinutes(1);
    static int s_machines;
    readonly string _name = $"test-{Environment.ProcessId}-{Interlocked.Increment(ref s_machines)}";

    /// <summary>tools/vm/zfs-vm, when there is an image that it can start.</summary>
    public static string? Tool { get; } = Environment.GetEnvironmentVariable("ZFS_VM") is { Length: > 0 } tool ? tool : null;

    public static string WhyNot { get; } =
        Environment.GetEnvironmentVariable("ZFS_VM_WHY") is { Length: > 0 } why ? $"no virtual machine: {why}" : "no virtual machine: ZFS_VM is not set; tools/test sets it";

    /// <summary>For <c>ssh -F</c>; the guest is the host zfs-vm there.</summary>
    public string SshConfiguration { get; private set; } = "";

    public async Task InitializeAsync()
    {
        if (Tool is not null) await StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (Tool is null) return;
        await Child.RunAsync(Tool, ["stop", "--name", _name], s_short);
        // its console and the like; the name is never used again
        if (Path.GetDirectoryName(SshConfiguration) is { Length: > 0 } folder && Path.GetFileName(folder) == _name) Directory.Delete(folder, recursive: true);
    }

    /// <summary>
    /// Runs a scenario. The emulator dies once in a while, and what the program then says is no finding: so the scenario is run
    /// once more, from its beginning in a new guest, when the guest is gone. A failure in a living guest counts.
    /// </summary>
    internal async Task PlayAsync(Func<World, Task> scenario)
    {
        if (Tool is null) Assert.Fail(WhyNot);
        try
        {
            using var world = new World(this);
            await scenario(world);
        }
        catch (Exception) when (!IsAlive())
        {
            await Child.RunAsync(Tool, ["stop", "--name", _name], s_short);
            await StartAsync();
            using var world = new World(this);
            await scenario(world);
        }
    }

    /// <summary>Starts commands in the guest, in bash, which stops at the first that fails.</summary>
    internal Child StartScript(string script, TimeSpan? limit = null) =>
        Child.Start("ssh", ["-F", SshConfiguration, "-T", "--", "zfs-vm", $"bash -euo pipefail -c {Quote(script)}"], limit ?? TimeSpan.FromMinutes(2));

    internal async Task<Ended> TryAsync(string script, TimeSpan? limit = null)
    {
        using var child = StartScript(script, limit);
        return await child.EndAsync();
    }

    internal async Task<Ended> RunAsync(string script, TimeSpan? limit = null) => (await TryAsync(script, limit)).Must(0);

    /// <summary>Copies a file into the guest.</summary>
    internal async Task CopyAsync(string file, string target) =>
        (await Child.RunAsync("sh", ["-c", "exec ssh -F \"$1\" -T -- zfs-vm \"cat > $3\" < \"$2\"", "sh", SshConfiguration, file, Quote(target)], TimeSpan.FromMinutes(3))).Must(0);

    internal static string Quote(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    bool IsAlive()
    {
        var status = Child.RunAsync(Tool!, ["ssh", "--name", _name, "test", "-e", "/dev/zfs"], s_short);
        try
        {
            return status.GetAwaiter().GetResult().Code == 0;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    async Task StartAsync()
    {
        var started = (await Child.RunAsync(Tool!, ["start", "--name", _name, "--mem", "1536"], TimeSpan.FromMinutes(6))).Must(0);
        SshConfiguration = started.Lines.Select(l => l.Split(' ', 2)).Single(l => l[0] == "ssh_config")[1];
        var scripts = Path.Combine(Golden.Root, "tests", "ZfsArchive.Tests", "EndToEnd", "guest");
        (await Child.RunAsync("sh", ["-c", "tar -C \"$1\" -c . | ssh -F \"$2\" zfs-vm 'mkdir -p /root/guest && tar -C /root/guest -x --no-same-owner'", "sh", scripts, SshConfiguration], s_short)).Must(0);
    }
}
