using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Sftp;
using ZfsArchive.Stores;
using ZfsArchive.Tests.S3;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Prune;

/// <summary>Two hosts at once in one repository; one of them may be killed, or sleep past its lease, at any of its calls.</summary>
public sealed class TwoHostsTests : IDisposable
{
    // One more than is asked for at the end: a backup that takes its manifest back may have been counted meanwhile.
    static readonly RetentionPolicy s_policy = new(Last: 3), s_asked = new(Last: 2);
    readonly TempFolder _temp = new();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 8)];

    [Theory, MemberData(nameof(Seeds))]
    public async Task In_memory(int seed)
    {
        var store = new MemoryStore { Time = DateTimeOffset.UtcNow };
        await RunAsync(() => store, seed, rounds: 60);
    }

    [Theory, InlineData(101), InlineData(102)]
    public Task In_a_directory(int seed)
    {
        Directory.CreateDirectory(_temp["repo"]);
        return RunAsync(() => new DirectoryStore(_temp["repo"], TimeProvider.System), seed, rounds: 25);
    }

    [S3Theory, InlineData(201)]
    public Task In_a_bucket(int seed)
    {
        var bucket = S3Server.Shared.NewBucket();
        return RunAsync(() => RealS3.Open(bucket), seed, rounds: 20);
    }

    [SftpTheory, InlineData(301)]
    public async Task On_a_server(int seed)
    {
        using var server = SftpServer.Start();
        await RunAsync(() => new SftpStore(server.Address(), server.Options, TimeProvider.System), seed, rounds: 20);
    }

    async Task RunAsync(Func<IObjectStore> open, int seed, int rounds)
    {
        await using IObjectStore one = open(), other = open();
        var (random, time) = (new Random(seed), new PassedTime());
        var life = new Life(one, other, time, random, [Folders("a"), Folders("b")]);
        await ArchiveRepository.InitAsync(new TimedStore(one, time), Folders("a"), TimeProvider.System, default);
        for (var round = 0; round < rounds; round++) await life.RoundAsync(round);
    }

    LocalFolders Folders(string host) => new(_temp[$"{host}/state"], _temp[$"{host}/cache"]);

    public void Dispose() => _temp.Dispose();

    sealed class Life(IObjectStore one, IObjectStore other, PassedTime time, Random random, LocalFolders[] folders)
    {
        // where it hurts: changes, and the last questions before them
        static readonly ((string Call, string Prefix) Kind, int Most)[] s_moments =
        [
            (("", ""), 60), (("delete", "manifests/"), 2), (("delete", "archives/"), 3), (("stat", "manifests/"), 4), (("create", "manifests/"), 1),
            (("create", "archives/"), 2), (("create", "removed/"), 1), (("stat", "leases/"), 5),
        ];

        readonly HashSet<ulong> _archived = [];
        readonly Dictionary<string, byte[]> _read = [];
        ulong _newest;

        public async Task RoundAsync(int round)
        {
            var (first, second) = Pair();
            var fate = (Fate)random.Next(3);
            var (kind, most) = s_moments[random.Next(s_moments.Length)];
            var sleeper = Start(one, 0, first, fate, kind, random.Next(1, most + 1));
            var (wakingKind, wakingMost) = s_moments[random.Next(s_moments.Length)];
            var waker = Start(other, 1, second, Fate.Lives, wakingKind, 0);
            var wakesAt = random.Next(1, wakingMost + 1);
            waker.Process.OnCall = call =>
            {
                if (call == wakesAt) sleeper.Process.Wake();
            };
            var works = Task.Run(sleeper.Work);
            if (random.Next(2) == 0) await Task.Delay(random.Next(4));
            var works2 = Task.Run(waker.Work);
            await works2;
            sleeper.Process.Wake();
            await works;
            await CheckAsync($"round {round}: {first} ({sleeper.Process.Fate}) against {second}");
            time.Pass(TimeSpan.FromHours(random.Next(1, 30)));
        }

        (string, string) Pair() => random.Next(7) switch
        {
            0 or 1 => ("backup", "prune"),
            2 or 3 => ("prune", "backup"),
            4 => ("prune", "prune"),
            5 => ("verify", "prune"),
            _ => ("cat", "prune"),
        };

        (Process Process, Func<Task> Work) Start(IObjectStore store, int host, string verb, Fate fate, (string Call, string Prefix) kind, int at)
        {
            var leftOut = verb == "prune" && random.Next(6) == 0 ? AnyManifest(store) : null;
            var process = new Process(new TimedStore(store, time, leftOut), time, random.Next(), fate, kind, at);
            var hosts = new TwoHosts($"host{host}", folders[host], s_policy, TimeSpan.FromHours(random.Next(3) * 5));
            var guid = random.Next(2) == 0 && _newest > 3 ? (ulong)random.Next(1, (int)_newest) / 2 * 2 + 2 : ++_newest;
            _newest = ulong.Max(_newest, guid);
            var own = new Random(random.Next());
            return (process, async () =>
            {
                for (var again = 0; again < 3; again++)
                {
                    try
                    {
                        await DoAsync(hosts, verb, process, guid, own);
                        return;
                    }
                    catch (ArchiveException e) when (e.Kind is FailureKind.Locked)
                    {
                        if (process.Fate is Fate.Lives) await Task.Delay(5);
                    }
                    catch (ArchiveException e) when (process.Fate is not Fate.Lives || e.Kind is FailureKind.Damage || e.Message.Contains("nothing was committed", StringComparison.Ordinal))
                    {
                        return;
                    }
                }
            });
        }

        async Task DoAsync(TwoHosts hosts, string verb, Process process, ulong guid, Random own)
        {
            switch (verb)
            {
                case "backup":
                    if (await hosts.BackupAsync(process.Store, guid, own) is { } archived)
                        lock (_archived) _archived.Add(archived);
                    break;
                case "prune":
                    await hosts.PruneAsync(process.Store);
                    break;
                case "verify":
                    var report = await hosts.VerifyAsync(process.Store);
                    if (process.Fate is Fate.Lives) Assert.True(report.Sound, string.Join("; ", report.Findings.Select(f => $"{f.Object}: {f.Reason}")));
                    break;
                default:
                    await hosts.CatAsync(process.Store, own);
                    break;
            }
        }

        string? AnyManifest(IObjectStore store)
        {
            var manifests = KeysAsync(store).GetAwaiter().GetResult().Where(k => k.StartsWith("manifests/", StringComparison.Ordinal) && !k.Contains("/dataset-", StringComparison.Ordinal)).ToList();
            return manifests.Count == 0 ? null : manifests[random.Next(manifests.Count)];
        }

        static async Task<List<string>> KeysAsync(IObjectStore store)
        {
            var keys = new List<string>();
            await foreach (var info in store.ListAsync("", default)) keys.Add(info.Key.Text);
            return keys;
        }

        async Task CheckAsync(string what)
        {
            var keys = await KeysAsync(one);
            foreach (var key in keys.Where(k => k.StartsWith("manifests/", StringComparison.Ordinal)))
            {
                var into = new byte[1 << 16];
                _read[key] = into[..await one.ReadAsync(new(key), 0, into, default)];
            }
            try
            {
                var restorable = new NaiveRepository(() => keys, k => _read[k]).Restorable();
                lock (_archived)
                {
                    // one that was killed may have committed all the same
                    _archived.UnionWith(restorable);
                    var lost = NaivePolicy.Wanted(s_asked, [.. _archived.Order().Select(g => (g, TwoHosts.Taken(g)))], DateTimeOffset.UtcNow).Except(restorable).ToList();
                    Assert.True(lost.Count == 0, $"{string.Join(", ", lost)} lost, {string.Join(", ", restorable.Order())} left");
                }
            }
            catch (Xunit.Sdk.XunitException e)
            {
                throw new InvalidOperationException(what, e);
            }
        }
    }
}
