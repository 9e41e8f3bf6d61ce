using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit.Abstractions;
using ZfsArchive.SendStream;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Manifests;

/// <summary>
/// What the real program writes, held against manifests-schema.json by a validator that is not ours: python3-jsonschema (Debian).
/// Without it these tests fail in CI and say elsewhere that they did nothing.
/// </summary>
public sealed class SchemaTests(SchemaTests.Archived archived, ITestOutputHelper output) : IClassFixture<SchemaTests.Archived>
{
    [Fact]
    public async Task Every_manifest_fits_the_schema()
    {
        if (await IsMissingValidatorAsync()) return;

        var faults = await Validator.FaultsAsync(archived.Manifests);

        Assert.Empty(faults);
    }

    [Fact]
    public void Every_kind_of_stream_is_among_them()
    {
        var manifests = archived.Manifests.Select(Read).ToList();

        foreach (var condition in new[] { "redacted", "resuming", "base-missing", "opaque" })
            Assert.Contains(manifests, m => Conditions(m).Contains(condition));
        foreach (var (kind, raw) in new[] { ("full", true), ("full", false), ("incremental", true), ("incremental", false) })
            Assert.Contains(manifests, m => (string?)m["kind"] == kind && (bool)m["encryption"]!["raw"]! == raw && Conditions(m).Length == 0);
        Assert.Contains(manifests, m => m["package"] is not null);
        Assert.Contains(manifests, m => (string?)m["dataset"]!["type"] == "volume");
        Assert.Contains(manifests, m => m["chunks"]!.AsArray().Count > 1 && m["chunking"]!["target"] is not null);
    }

    [Fact]
    public async Task What_breaks_the_schema_is_refused_and_unknown_members_are_not()
    {
        if (await IsMissingValidatorAsync()) return;
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllText(archived.Manifests.First(m => (string?)Read(m)["kind"] == "incremental" && Conditions(Read(m)).Length == 0));
        var files = new List<string>();
        foreach (var (name, change) in s_broken)
        {
            var manifest = JsonNode.Parse(whole)!.AsObject();
            change(manifest);
            files.Add(Path.Combine(folder.Path, name));
            File.WriteAllText(files[^1], manifest.ToJsonString());
        }
        var tolerated = JsonNode.Parse(whole)!.AsObject();
        tolerated["later"] = new JsonObject { ["a"] = 1 };
        tolerated["stream"]!["later"] = true;
        tolerated["chunks"]![0]!["later"] = "x";
        files.Add(Path.Combine(folder.Path, "unknown members"));
        File.WriteAllText(files[^1], tolerated.ToJsonString());

        var faults = await Validator.FaultsAsync(files);

        Assert.Equal([.. s_broken.Select(b => b.Name).Order(StringComparer.Ordinal)], faults.Select(f => Path.GetFileName(f.File)).Order(StringComparer.Ordinal));
    }

    static readonly (string Name, Action<JsonObject> Change)[] s_broken =
    [
        ("another format", m => m["format"] = 2),
        ("a guid as a number", m => m["snapshot"]!["guid"] = 5),
        ("a guid with a leading zero", m => m["snapshot"]!["guid"] = "05"),
        ("an unknown kind", m => m["kind"] = "part"),
        ("a full with a base", m => m["kind"] = "full"),
        ("no base and no condition", m => m["base"] = null),
        ("an unknown condition", m => m["stream"]!["conditions"] = new JsonArray("odd")),
        ("opaque from nowhere", m => m["stream"]!["conditions"] = new JsonArray("opaque")),
        ("no END", m => m["stream"]!["endChecksum"] = null),
        ("a hash in capitals", m => m["sha256"] = new string('A', 64)),
        ("a chunk beyond 96 MiB", m => m["chunks"]![0]!["length"] = (96 << 20) + 1),
        ("a chunk without a hash", m => m["chunks"]![0]!["name"] = "000000.zst"),
        ("no chunks", m => m["chunks"] = new JsonArray()),
        ("a first record of two", m => m["chunks"]![0]!["firstRecord"] = new JsonArray("WRITE", 1)),
        ("a first record of no type", m => m["chunks"]![0]!["firstRecord"] = new JsonArray("DRR_WRITE", 1, 2)),
        ("a day for a time", m => m["created"]!["at"] = "2026-11-21"),
        ("a package elsewhere", m => m["package"] = "../package"),
        ("raw without a wrapping", m => (m["encryption"]!["raw"], m["encryption"]!["wrappingId"]) = (true, null)),
        ("no totals", m => m.Remove("totals")),
        ("no signature member", m => m.Remove("signature")),
    ];

    async Task<bool> IsMissingValidatorAsync()
    {
        if (await Validator.MissingAsync() is not { } why) return false;
        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", why);
        output.WriteLine($"not tested: {why}");
        return true;
    }

    static JsonObject Read(string file) => JsonNode.Parse(File.ReadAllText(file))!.AsObject();

    static string[] Conditions(JsonObject manifest) => [.. manifest["stream"]!["conditions"]!.AsArray().Select(c => (string)c!)];

    /// <summary>A repository that holds one of each kind of stream.</summary>
    public sealed class Archived : IAsyncLifetime
    {
        // Bases before what needs them, but for plain-incr-empty.
        static readonly string[] s_streams =
        [
            "chain-full", "chain-incr1", "chain-incr2", "chain-incr3", "chain-incr4", "chain-i-wide", "plain-incr-empty", "plain-full", "plain-incr", "lz4-full-e", "large-full-Lec",
            "zstd-full-c", "R-raw-full", "R-raw-incr-I", "holds-props-full", "redacted-full", "resume-part2", "zvol-plain-full", "zvol-plain-incr", "zvol-raw-full", "zvol-raw-incr",
        ];

        readonly string _folder = Directory.CreateTempSubdirectory("zfsarchive schema ").FullName;

        public IReadOnlyList<string> Manifests { get; private set; } = [];

        public async Task InitializeAsync()
        {
            await ArchiveAsync(["init"], []);
            foreach (var name in s_streams) await ArchiveAsync(["backup", "--stdin", "--allow-plaintext", "--insist"], Golden.Bytes(name));
            await ArchiveAsync(["backup", "--stdin", "--allow-plaintext", "--chunk-size", "1", "--dataset", "tank/large"], Large(Golden.Bytes("plain-full")));
            var opaque = Opaque(Golden.Bytes("plain-full"));
            await ArchiveAsync(["backup", "--stdin", "--allow-plaintext", "--insist", "--dataset", "tank/opaque", "--expect-length", $"{opaque.Length}"], opaque);
            Manifests = [.. Directory.EnumerateFiles(Path.Combine(_folder, "repository", "manifests"), "2*.json", SearchOption.AllDirectories)];
        }

        public Task DisposeAsync()
        {
            Directory.Delete(_folder, recursive: true);
            return Task.CompletedTask;
        }

        Task ArchiveAsync(string[] arguments, byte[] input)
        {
            var program = Environment.GetEnvironmentVariable("ZFSARCHIVE_BIN") is { Length: > 0 } given ? given : Path.Combine(Golden.Root, "tools", "zfsarchive");
            return Child.RunAsync(program, [.. arguments, "--repo", Path.Combine(_folder, "repository")], input, new()
            {
                ["ZFSARCHIVE_STATE"] = Path.Combine(_folder, "state"),
                ["ZFSARCHIVE_CACHE"] = Path.Combine(_folder, "cache"),
            });
        }

        // A stream with a record that no OpenZFS knows, which the running checksum proves, and something behind it.
        static byte[] Opaque(byte[] stream)
        {
            var begin = stream[..RecordHeader.Size];
            var unknown = new byte[RecordHeader.Size];
            unknown[0] = 99;
            return [.. begin, .. Summed(begin, unknown), .. "whatever this is"u8];
        }

        // BEGIN, three blocks of a mebibyte, END: three chunks of the smallest size.
        static byte[] Large(byte[] stream)
        {
            const int Block = 1 << 20;
            var bytes = new List<byte>(stream[..RecordHeader.Size]);
            for (var block = 0; block < 3; block++)
            {
                var write = new byte[RecordHeader.Size];
                write[0] = (byte)RecordType.Write;
                BinaryPrimitives.WriteUInt64LittleEndian(write.AsSpan(8), 2);
                BinaryPrimitives.WriteUInt64LittleEndian(write.AsSpan(24), (ulong)(block * Block));
                BinaryPrimitives.WriteUInt64LittleEndian(write.AsSpan(32), Block);
                bytes.AddRange(Summed(bytes.ToArray(), write));
                bytes.AddRange(Enumerable.Range(0, Block).Select(i => (byte)(i * (block + 3))));
            }
            var end = new byte[RecordHeader.Size];
            end[0] = (byte)RecordType.End;
            Put(end.AsSpan(8), Sum(bytes.ToArray()));
            return [.. bytes, .. Summed(bytes.ToArray(), end)];
        }

        static byte[] Summed(byte[] before, byte[] header)
        {
            Put(header.AsSpan(RecordHeader.ChecksumOffset), Sum([.. before, .. header[..RecordHeader.ChecksumOffset]]));
            return header;
        }

        static Fletcher4State Sum(byte[] bytes)
        {
            var sum = new Fletcher4(bigEndian: false);
            sum.Append(bytes);
            return sum.State;
        }

        static void Put(Span<byte> to, Fletcher4State sum)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(to, sum.A);
            BinaryPrimitives.WriteUInt64LittleEndian(to[8..], sum.B);
            BinaryPrimitives.WriteUInt64LittleEndian(to[16..], sum.C);
            BinaryPrimitives.WriteUInt64LittleEndian(to[24..], sum.D);
        }
    }

    /// <summary>python3 with jsonschema.</summary>
    static class Validator
    {
        // Prints one line of JSON for each file that does not fit: its name and where it breaks what.
        const string Script = """
            import json, sys
            from jsonschema import Draft202012Validator
            schema = json.load(open(sys.argv[1]))
            Draft202012Validator.check_schema(schema)
            validator = Draft202012Validator(schema)
            for name in json.load(sys.stdin):
                for error in validator.iter_errors(json.load(open(name))):
                    print(json.dumps([name, error.json_path + ": " + error.message]))
                    break
            """;

        /// <summary>Why there is no validator, or null.</summary>
        public static async Task<string?> MissingAsync()
        {
            try
            {
                await Child.RunAsync("python3", ["-c", "from jsonschema import Draft202012Validator"], []);
                return null;
            }
            catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                return $"python3 with jsonschema (4 or newer) is missing: install it (Debian: apt-get install python3-jsonschema); {e.Message}";
            }
        }

        public static async Task<List<(string File, string Fault)>> FaultsAsync(IReadOnlyList<string> files)
        {
            Assert.NotEmpty(files);
            var lines = await Child.RunAsync("python3", ["-c", Script, Path.Combine(Golden.Root, "manifests-schema.json")], JsonSerializer.SerializeToUtf8Bytes(files));
            return [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonSerializer.Deserialize<string[]>(l)!).Select(p => (p[0], p[1]))];
        }
    }

    /// <summary>A program run to its end.</summary>
    static class Child
    {
        /// <exception cref="InvalidOperationException">It ended otherwise; its words.</exception>
        public static async Task<string> RunAsync(string program, string[] arguments, byte[] input, Dictionary<string, string>? environment = null)
        {
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var (name, value) in environment ?? []) start.Environment[name] = value;
            using var process = Process.Start(start)!;
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            try
            {
                await process.StandardInput.BaseStream.WriteAsync(input);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // it ended before it read all: its exit status tells
            }
            await process.WaitForExitAsync();
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await error}");
        }
    }

    sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("zfsarchive schema ").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
