using ZfsArchive.Cli;
using ZfsArchive.Cli.Output;
using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Repository;
using ZfsArchive.Status;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Status;

public sealed class StatusBuilderTests
{
    static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    static (Health Health, int Code) Of(StatusFacts facts, StatusPromise promise) => Reports.Report(facts, promise) is var report ? (report.Health, StatusVerdict.ExitCode(report)) : default;

    static List<ArchiveEntry> Chain(int count, double newestDaysAgo)
    {
        var chain = new List<ArchiveEntry>();
        for (var i = count - 1; i >= 0; i--) chain.Add(Reports.Archive((ulong)(count - i), newestDaysAgo + i, chain.LastOrDefault()));
        return chain;
    }

    [Theory]
    [InlineData(0.5, Health.Ok, 0)]
    [InlineData(1.5, Health.Warning, 21)]
    [InlineData(2.5, Health.Critical, 21)]
    [InlineData(-1, Health.Warning, 21)]
    public void The_newest_may_be_as_old_as_promised(double daysAgo, Health health, int code) => Assert.Equal((health, code), Of(Reports.Facts(Chain(3, daysAgo)), Reports.Promise(s_day)));

    [Fact]
    public void Without_a_promise_nothing_is_too_old() => Assert.Equal((Health.Ok, 0), Of(Reports.Facts(Chain(3, 4000)), Reports.Promise()));

    [Fact]
    public void What_has_to_be_there_and_never_was_is_late() => Assert.Equal((Health.Critical, 21), Of(Reports.Facts(Chain(1, 0)), Reports.Promise(s_day, null, "tank/a", "tank/b")));

    [Fact]
    public void What_was_not_verified_within_the_cycle_is_overdue()
    {
        var chain = Chain(60, 0.1);
        var history = new VerifyHistoryOf(chain.Take(30)).At(10);
        Assert.Equal((Health.Ok, 0), Of(Reports.Facts(chain, history), Reports.Promise(null, TimeSpan.FromDays(31))));
        var report = Reports.Report(Reports.Facts(chain, history), Reports.Promise(null, TimeSpan.FromDays(20)));
        Assert.Equal((Health.Warning, 21), (report.Health, StatusVerdict.ExitCode(report)));
        Assert.StartsWith("9 archives were not verified within 20 days", report.Repositories[0].Remarks[0].Text, StringComparison.Ordinal);
        Assert.Equal((60L * 4 << 20, 30L * 4 << 20, null), (report.Repositories[0].StoredLength, report.Repositories[0].VerifiedLength, report.Repositories[0].OldestVerification));
    }

    [Fact]
    public void Damage_comes_before_what_is_late()
    {
        var chain = Chain(3, 10);
        var history = new VerifyHistory(null).Verified(chain[1], 1, damage: "its bytes are wrong");
        var report = Reports.Report(Reports.Facts(chain, history), Reports.Promise(s_day));
        Assert.Equal((Health.Critical, ExitCodes.Damage), (report.Health, StatusVerdict.ExitCode(report)));
        Assert.Contains(report.Remarks, r => r.Remark.Text == $"{chain[1].SnapshotName}: chunk 1: its bytes are wrong; run verify to see what it costs");
        Assert.Equal("its bytes are wrong", report.Repositories[0].Datasets[0].Graph[1].Damage);
    }

    [Fact]
    public void What_vanished_and_what_is_stranded_is_damage()
    {
        var chain = Chain(3, 0);
        var report = Reports.Report(Reports.Facts([chain[0], chain[2]], changed: [new(chain[1].Id, chain[1].Sha256, chain[1].SnapshotName)]));
        Assert.Equal(ExitCodes.Damage, StatusVerdict.ExitCode(report));
        Assert.Contains(report.Remarks, r => r.Remark.Text.Contains("was here and is gone", StringComparison.Ordinal));
        Assert.Contains(report.Remarks, r => r.Remark.Text.StartsWith("1 archive of tank/a cannot be restored", StringComparison.Ordinal));
        Assert.Equal((1, chain[0].Head.Snapshot.Name), (report.Repositories[0].Datasets[0].Snapshots, report.Repositories[0].Datasets[0].NewestSnapshot));
        Assert.False(report.Repositories[0].Datasets[0].Graph[1].IsRestorable);
    }

    [Fact]
    public void The_chain_growth_and_verification_are_those_of_the_newest()
    {
        var chain = Chain(11, 0.5);
        var history = new VerifyHistoryOf(chain.Take(10)).At(3);
        var dataset = Reports.Report(Reports.Facts(chain, history)).Repositories[0].Datasets[0];
        Assert.Equal((11, 11, 11L * 4 << 20, null), (dataset.Snapshots, dataset.ChainLength, dataset.RestoreLength, dataset.VerifiedAt));
        Assert.Equal(10 * (4 << 20) / (9.5 - 1.0 / 24), dataset.GrowthADay, 1.0);
        history.Verified(chain[10], 1, 0, 2);
        dataset = Reports.Report(Reports.Facts(chain, history)).Repositories[0].Datasets[0];
        Assert.Equal((0.5, 1.0), (dataset.Graph[10].VerifiedShare, dataset.Graph[9].VerifiedShare));
        history.Verified(chain[10], 1);
        Assert.Equal(Reports.Now.AddDays(-3), Reports.Report(Reports.Facts(chain, history)).Repositories[0].Datasets[0].VerifiedAt);
    }

    [Fact]
    public void Pruned_snapshots_are_gaps_unless_they_are_still_here()
    {
        var (gone, again) = (Reports.Archive(90, 40), Reports.Archive(1, 2));
        RemovedArchive[] removed = [new(gone.Id, gone.Sha256, gone.SnapshotName), new(gone.Id, null, null), new($"{again.Folder}/{again.Name.Edge}.2", "x", "y"), new($"{gone.Folder}/{Reports.Archive(91, 41).Name}", null, null)];
        var dataset = Reports.Report(Reports.Facts(Chain(2, 2), removed: removed)).Repositories[0].Datasets[0];
        Assert.Equal(Reports.Now.AddDays(-40), Assert.Single(dataset.Pruned));
    }

    [Fact]
    public void A_known_evil_is_not_hidden_by_an_unknown_one()
    {
        var away = StatusBuilder.Unreachable("far", "sftp://far/zfs", "it does not answer", isOptional: false);
        Assert.Equal((Health.Unknown, 1), Reports.Report(away) is var one ? (one.Health, StatusVerdict.ExitCode(one)) : default);
        var late = StatusBuilder.Of(Reports.Facts(Chain(1, 9)), Reports.Promise(s_day), Reports.Now);
        Assert.Equal((Health.Critical, 21), Reports.Report(away, late) is var both ? (both.Health, StatusVerdict.ExitCode(both)) : default);
        var optional = StatusBuilder.Unreachable("disk", "/mnt/disk", "it is not mounted", isOptional: true);
        Assert.Equal((Health.Ok, 0), Reports.Report(optional) is var well ? (well.Health, StatusVerdict.ExitCode(well)) : default);
    }

    [Fact]
    public void Clocks_that_differ_are_told_and_fail_nothing() => Assert.Equal((Health.Warning, 0), Of(Reports.Facts(Chain(1, 0), storeTime: Reports.Now.AddHours(1)), Reports.Promise()));

    /// <summary>Archives that were verified whole.</summary>
    sealed class VerifyHistoryOf(IEnumerable<ArchiveEntry> archives)
    {
        public VerifyHistory At(double daysAgo) => archives.Aggregate(new VerifyHistory(null), (history, archive) => history.Verified(archive, daysAgo));
    }
}
