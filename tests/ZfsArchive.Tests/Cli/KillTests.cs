using System.Diagnostics;
using System.Text.Json;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Cli;

/// <summary>The real program is killed at random moments of a backup.</summary>
[Trait("Category", "Kill")]
public sealed class KillTests
{
    const int Kills = 50;
    const int MiB = 1 << 20;

    // 16 chunks as they are read and 8 as they are packed, each with its last record beyond the target
    const long InFlight = 24 * (MiB + (129 << 10));

    static readonly string[] s_backup = ["backup", "--stdin", "--allow-plaintext", "--chunk-size", "1", "--json"];

    [Fact]
    public async Task A_backup_that_is_killed_lies_nowhere_and_the_next_one_completes()
    {
        var program = await PublishedProgram.PathAsync();
        var input = new SyntheticStream { Blocks = 480 }.Bytes();
        var total = await WholeAsync(program, input);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var killedMidway = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            using var temp = new TempFolder();
            await RunAsync(program, temp, [], 0, "init");
            // One in five is killed about when it commits.
            var fed = kill % 5 == 0 ? input.Length : random.Next(input.Length);
            var wait = TimeSpan.FromMilliseconds(kill % 5 == 0 ? random.Next(400) : random.Next(40));
            var what = $"seed {seed}, kill {kill}, {fed} bytes fed, {wait.TotalMilliseconds} ms later";
            await KilledAsync(program, temp, input, fed, wait);

            var left = StoredTruth.Streams(temp["repo"]);
            Assert.All(left.Values, s => Assert.True(s.AsSpan().SequenceEqual(input), what));
            if (left.Count == 0) killedMidway++;
            var (named, unfinished) = Stored(temp);
            Assert.True(unfinished <= InFlight, $"{what}: {unfinished} bytes in unfinished files");

            using var result = JsonDocument.Parse(await RunAsync(program, temp, input, 0, s_backup));
            var sent = result.RootElement.GetProperty("archives")[0].GetProperty("sentLength").GetInt64();
            Assert.True(named + sent == total, $"{what}: {named} bytes were stored, and {sent} of {total} were sent again");
            var streams = StoredTruth.Streams(temp["repo"]);
            Assert.True(Assert.Single(streams).Value.AsSpan().SequenceEqual(input), what);
            // heads that were read stay: they are no run's
            var spools = Directory.Exists(temp["cache"]) ? Directory.GetFiles(temp["cache"]).Where(f => !f.EndsWith(".heads", StringComparison.Ordinal)).ToList() : [];
            Assert.True(spools.Count == 0, $"{what}: spools are left: {string.Join(", ", spools)}");
        }
        Assert.True(killedMidway > Kills / 2, $"seed {seed}: only {killedMidway} of {Kills} were killed midway");
    }

    static async Task<long> WholeAsync(string program, byte[] input)
    {
        using var temp = new TempFolder();
        await RunAsync(program, temp, [], 0, "init");
        await RunAsync(program, temp, input, 0, s_backup);
        return Stored(temp).Named;
    }

    static (long Named, long Unfinished) Stored(TempFolder temp)
    {
        if (!Directory.Exists(Path.Combine(temp["repo"], "archives"))) return (0, 0);
        var files = new DirectoryInfo(Path.Combine(temp["repo"], "archives")).GetFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 });
        return (files.Where(f => f.Extension == ".zst").Sum(f => f.Length), files.Where(f => f.Extension == ".part").Sum(f => f.Length));
    }

    static async Task KilledAsync(string program, TempFolder temp, byte[] input, int feed, TimeSpan wait)
    {
        using var process = Process.Start(PublishedProgram.Start(program, temp, s_backup))!;
        var reading = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input.AsMemory(0, feed));
            await process.StandardInput.BaseStream.FlushAsync();
            if (feed == input.Length) process.StandardInput.Close();
        }
        catch (IOException)
        {
            // it has said all and gone
        }
        await Task.Delay(wait);
        process.Kill();
        await process.WaitForExitAsync();
        await reading;
    }

    static async Task<string> RunAsync(string program, TempFolder temp, byte[] input, int expected, params string[] arguments)
    {
        using var process = Process.Start(PublishedProgram.Start(program, temp, arguments))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.BaseStream.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == expected, $"zfsarchive {string.Join(' ', arguments)}: exit {process.ExitCode}\n{await error}");
        return await output;
    }
}
