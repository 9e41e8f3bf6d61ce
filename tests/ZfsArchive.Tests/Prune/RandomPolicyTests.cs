using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Prune;
using ZfsArchive.Repository;
using ZfsArchive.Retention;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Prune;

/// <summary>Policies, failures and clocks at random: nothing that is wanted by the true time goes, and nothing that stays is broken.</summary>
public sealed class RandomPolicyTests
{
    const int Steps = 22;

    /// <summary>So far the store's clock may be from the true one.</summary>
    static readonly TimeSpan s_drift = TimeSpan.FromHours(12);

    public static TheoryData<int> Tens => [.. Enumerable.Range(0, 20)];

    [Theory, MemberData(nameof(Tens))]
    public async Task Ten_lives(int ten)
    {
        for (var seed = ten * 10; seed < ten * 10 + 10; seed++)
        {
            using var life = await Life.NewAsync(seed);
            await life.LiveAsync();
        }
    }

    sealed class Life(PruneWorld world, Random random, RetentionPolicy policy, ChainRule chain) : IDisposable
    {
        readonly SourceWorld _source = new(world, policy, chain);
        readonly NaiveRepository _truth = new(() => world.Store.Keys, k => world.Store[k]!);
        readonly TempFolder _temp = new();
        readonly TimeSpan _grace = TimeSpan.FromHours(random.Next(14 * 24));
        DateTimeOffset _now = world.Store.Time;
        readonly List<string> _did = [];

        public static async Task<Life> NewAsync(int seed)
        {
            var random = new Random(seed);
            var policy = new RetentionPolicy(
                Some(random, 4), Some(random, 30), Some(random, 10), Some(random, 6), Some(random, 6), Some(random, 3), random.Next(3) == 0 ? TimeSpan.FromHours(random.Next(1, 400)) : null);
            var chain = new ChainRule(random.Next(2) == 0 ? ChainKind.Linear : ChainKind.Tiered, random.Next(2) == 0 ? TimeSpan.FromDays(random.Next(1, 40)) : null, random.Next(2) == 0 ? random.Next(1, 15) : null);
            return new(await PruneWorld.NewAsync(), random, policy.IsEmpty ? new(Last: 2) : policy, chain);
        }

        static int Some(Random random, int most) => random.Next(2) == 0 ? 0 : random.Next(1, most + 1);

        public async Task LiveAsync()
        {
            for (var step = 0; step < Steps; step++)
            {
                Snapshots();
                if (random.Next(6) == 0) await UploadHalfAsync();
                if (random.Next(8) != 0) await _source.NightAsync(allowFull: random.Next(4) != 0);
                Check("backup");
                Lose();
                for (var prunes = random.Next(3); prunes > 0; prunes--) await PruneAsync();
            }
        }

        void Snapshots()
        {
            for (var count = random.Next(1, 7); count > 0; count--)
            {
                _now += TimeSpan.FromMinutes(random.Next(10) == 0 ? random.Next(60 * 24 * 60) : random.Next(60 * 30));
                var wrong = random.Next(25) == 0 ? TimeSpan.FromDays(random.Next(1, 700)) : TimeSpan.Zero;
                _source.Take(_now + wrong);
                if (wrong > TimeSpan.Zero) _did.Add($"a snapshot from {_now + wrong:u}");
            }
            _now += TimeSpan.FromMinutes(50);
            world.Store.Time = _now + (2 * random.NextDouble() - 1) * s_drift;
            world.Wall.Now = _now;
        }

        async Task UploadHalfAsync()
        {
            var entry = _source.NextFull(_now);
            var bytes = PruneWorld.Chunk(entry.Head.Snapshot.Guid, 0);
            var name = $"000000-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))}.zst";
            await world.Store.CreateAsync(new(Layout.Chunk(entry.Folder, entry.Name, name)), ObjectBody.OfBytes(bytes), default);
        }

        void Lose()
        {
            switch (random.Next(6))
            {
                case 0:
                    _source.Destroy(left: 0);
                    _source.DestroyBookmarks();
                    break;
                case 1:
                    _source.DestroyBookmarks();
                    break;
                case 2:
                    _source.DestroyAt(random.Next(4));
                    break;
                default:
                    _source.Destroy(left: random.Next(1, 10));
                    break;
            }
        }

        async Task PruneAsync()
        {
            // a clock that is a little wrong is a clock; one that jumps does so by days
            world.Wall.Now = random.Next(3) != 0 ? _now : _now + TimeSpan.FromDays(random.Next(2, 730) * (random.Next(2) * 2 - 1));
            var failing = new FailingStore(world.Store, random.Next(2) == 0 ? random.Next(1, 25) : 0, random.Next(2) == 0);
            var folders = random.Next(4) == 0 ? new LocalFolders(_temp["state"], _temp["cache"]) : null;
            _did.Add($"prune at {world.Wall.Now:u} (it is {_now:u}, in the store {world.Store.Time:u})");
            try
            {
                await world.PruneAsync(policy, store: failing, folders: folders, grace: _grace);
            }
            catch (ArchiveException e) when (e.Kind is FailureKind.Locked || failing.Dead)
            {
                _did.Add($"refused: {e.Message}");
            }
            Check("prune");
            world.Wall.Now = _now;
        }

        void Check(string after)
        {
            var lost = NaivePolicy.Wanted(policy, _source.Archived, _now + s_drift).Except(_truth.Restorable()).ToList();
            Assert.True(lost.Count == 0, $"after a {after}: {string.Join(", ", lost)} of {policy}, {chain} lost; {string.Join("; ", _did)}");
        }

        public void Dispose()
        {
            world.Dispose();
            _temp.Dispose();
        }
    }
}
