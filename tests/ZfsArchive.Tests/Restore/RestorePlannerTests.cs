using System.Collections.Immutable;
using ZfsArchive.Manifests;
using ZfsArchive.Restore;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;
using static ZfsArchive.Tests.Worlds.Archives;

namespace ZfsArchive.Tests.Restore;

public sealed class RestorePlannerTests
{
    static readonly ImmutableArray<ArchiveEntry> s_path = [Of(1), Of(2, 1), Of(3, 2)];
    static readonly ZfsPool s_pool = new("vault", 1, 1 << 30, new Dictionary<string, string> { ["encryption"] = "active", ["large_dnode"] = "disabled" });

    static TargetFacts Target(ZfsDataset? dataset = null, ZfsSnapshot[]? snapshots = null, ZfsSnapshot[]? pool = null, bool parent = true) =>
        new("vault/r", dataset, [.. snapshots ?? []], [.. pool ?? []], s_pool, parent, "zfs-2.3.9-1");

    static ZfsDataset There(string token = "", long written = 0) => Source("vault/r", guid: 9) with { ReceiveResumeToken = token, Written = written };

    static ZfsSnapshot On(ulong n) => Snapshot(n, "vault/r");

    [Fact]
    public void Onto_nothing_everything_is_received()
    {
        var plan = RestorePlanner.Plan(s_path, Target(), force: false);
        Assert.Null(plan.Refusal);
        Assert.Equal(s_path, plan.Remaining.AsEnumerable());
        Assert.Equal(300, plan.StoredLength);
    }

    [Fact]
    public void What_is_there_by_guid_is_not_received_again()
    {
        Assert.Equal([s_path[2]], RestorePlanner.Plan(s_path, Target(There(), [On(1), On(2)]), false).Remaining.AsEnumerable());
        Assert.Empty(RestorePlanner.Plan(s_path, Target(There(), [On(1), On(2), On(3)]), false).Remaining);
    }

    [Fact]
    public void A_target_without_a_snapshot_of_the_chain_is_refused() =>
        Assert.Contains("exists and has no snapshot of this chain", RestorePlanner.Plan(s_path, Target(There(), [On(77)]), false).Refusal, StringComparison.Ordinal);

    [Fact]
    public void A_changed_target_is_refused_unless_forced()
    {
        var changed = Target(There(written: 4096), [On(1)]);
        Assert.Contains("was changed", RestorePlanner.Plan(s_path, changed, false).Refusal, StringComparison.Ordinal);
        Assert.Null(RestorePlanner.Plan(s_path, changed, force: true).Refusal);
        Assert.Contains("vault/r@s8", RestorePlanner.Plan(s_path, Target(There(), [On(1), On(8)]), false).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_parent_is_refused_with_the_command_that_makes_it() =>
        Assert.Contains("zfs create -p vault", RestorePlanner.Plan(s_path, Target(parent: false), false).Refusal, StringComparison.Ordinal);

    [Fact]
    public void A_pool_that_lacks_a_feature_is_refused_before_a_byte_goes()
    {
        ImmutableArray<ArchiveEntry> path = [Of(1, poolFeatures: ["encryption", "large_dnode", "longname"])];
        var refusal = RestorePlanner.Plan(path, Target(), false).Refusal;
        Assert.Contains("large_dnode, longname", refusal, StringComparison.Ordinal);
        Assert.Contains("zpool set feature@large_dnode=enabled vault", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_clone_needs_its_origin_on_the_pool_and_then_begins_there()
    {
        ImmutableArray<ArchiveEntry> path = [Of(1), Of(2, 1), Of(5, 2, dataset: 7, name: "tank/c", clone: true), Of(6, 5, dataset: 7, name: "tank/c")];
        Assert.Contains("restore that first", RestorePlanner.Plan(path, Target(), false).Refusal, StringComparison.Ordinal);

        var plan = RestorePlanner.Plan(path, Target(pool: [Snapshot(2, "vault/origin")]), false);
        Assert.Null(plan.Refusal);
        Assert.Equal("vault/origin@s2", plan.Origin);
        Assert.Equal(path[2..], plan.Remaining.AsEnumerable());
    }

    [Fact]
    public void The_half_received_state_of_another_stream_is_left_alone() =>
        Assert.Contains("half-received", RestorePlanner.Plan(s_path, Target(There(token: "1-2-3-00")), false).Refusal, StringComparison.Ordinal);

    [Fact]
    public void The_half_received_state_of_the_next_archive_is_received_again()
    {
        var token = File.ReadAllText(Path.Combine(Golden.Folder, "resume.token.txt")).Trim();
        var guid = ulong.Parse(Golden.Entry("resume-part2").GetProperty("streams")[0].GetProperty("toguid").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        var plan = RestorePlanner.Plan([Of(guid)], Target(There(token)), false);
        Assert.Null(plan.Refusal);
        Assert.True(plan.AbortsPartial);
    }

    [Fact]
    public void Too_little_room_is_a_warning() =>
        Assert.Contains("free", Assert.Single(RestorePlanner.Plan([Of(1, stored: 2L << 30)], Target(), false).Warnings), StringComparison.Ordinal);
}
