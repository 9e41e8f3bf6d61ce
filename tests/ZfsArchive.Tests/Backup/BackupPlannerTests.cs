using ZfsArchive.Backup;
using ZfsArchive.Manifests;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;
using static ZfsArchive.Tests.Worlds.Archives;

namespace ZfsArchive.Tests.Backup;

public sealed class BackupPlannerTests
{
    static readonly BackupPolicy s_policy = new(FirstArchive.Oldest, AllowPlaintext: false, AllowFull: false, Adopt: false);

    static BackupPlan Plan(ZfsSnapshot[] snapshots, ArchiveEntry[] archived, ZfsBookmark[]? bookmarks = null, BackupPolicy? policy = null, ZfsDataset? dataset = null, ZfsSnapshot? origin = null) =>
        BackupPlanner.Plan(new(dataset ?? Source(), 1, [.. snapshots], [.. bookmarks ?? []], origin, null), Catalog(archived), policy ?? s_policy);

    static IEnumerable<(string, string?)> Steps(BackupPlan plan) => plan.Steps.Select(s => (s.Snapshot.Name, s.Base?.Name));

    [Fact]
    public void The_first_run_sends_a_full_of_the_oldest_and_an_incremental_of_each_after_it()
    {
        var plan = Plan([Snapshot(1), Snapshot(2), Snapshot(3)], []);
        Assert.Null(plan.Refusal);
        Assert.Equal([("tank/a@s1", null), ("tank/a@s2", "tank/a@s1"), ("tank/a@s3", "tank/a@s2")], Steps(plan));
    }

    [Fact]
    public void Or_of_the_newest_alone_and_says_what_it_left_out()
    {
        var plan = Plan([Snapshot(1), Snapshot(2)], [], policy: s_policy with { First = FirstArchive.Newest });
        Assert.Equal([("tank/a@s2", null)], Steps(plan));
        Assert.Equal("tank/a@s1", Assert.Single(plan.Skipped).Name);
    }

    [Fact]
    public void Nothing_new_is_nothing_to_do() => Assert.Empty(Plan([Snapshot(1)], [Of(1)]).Steps);

    [Fact]
    public void No_snapshot_is_nothing_to_do() => Assert.Empty(Plan([], []).Steps);

    [Fact]
    public void Only_what_is_younger_than_the_newest_archived_is_sent()
    {
        var plan = Plan([Snapshot(1), Snapshot(2), Snapshot(3), Snapshot(4)], [Of(1), Of(3, 1)]);
        Assert.Equal([("tank/a@s4", "tank/a@s3")], Steps(plan));
        Assert.Equal("tank/a@s2", Assert.Single(plan.Skipped).Name);
    }

    [Fact]
    public void A_bookmark_stands_in_for_a_destroyed_base() =>
        Assert.Equal([("tank/a@s3", "tank/a#b2")], Steps(Plan([Snapshot(3)], [Of(1), Of(2, 1)], [Bookmark(1), Bookmark(2)])));

    [Fact]
    public void A_snapshot_is_taken_rather_than_its_own_bookmark() =>
        Assert.Equal([("tank/a@s3", "tank/a@s2")], Steps(Plan([Snapshot(2), Snapshot(3)], [Of(2)], [Bookmark(2)])));

    [Fact]
    public void A_bookmark_without_an_IV_set_is_no_base_of_a_raw_stream()
    {
        var plan = Plan([Snapshot(3)], [Of(2)], [Bookmark(2, ivset: 0)]);
        Assert.Contains("--allow-full", plan.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_renamed_snapshot_is_still_the_same() => Assert.Empty(Plan([Snapshot(1, name: "renamed")], [Of(1)]).Steps);

    [Fact]
    public void A_snapshot_of_the_same_name_and_another_guid_is_another() =>
        Assert.Equal([("tank/a@s1", null)], Steps(Plan([Snapshot(7, name: "s1")], [Of(1)], policy: s_policy with { AllowFull = true })));

    [Fact]
    public void Two_snapshots_of_one_second_are_ordered_by_createtxg()
    {
        ZfsSnapshot late = Snapshot(2) with { Creation = 500 }, early = Snapshot(1) with { Creation = 500 };
        Assert.Equal([("tank/a@s1", null), ("tank/a@s2", "tank/a@s1")], Steps(Plan([late, early], [])));
    }

    [Fact]
    public void Without_a_base_a_full_needs_to_be_allowed_and_the_sentence_says_how()
    {
        var plan = Plan([Snapshot(5)], [Of(1), Of(2, 1)]);
        Assert.Empty(plan.Steps);
        Assert.Equal("base snapshot tank/a@s2 (guid 2) is gone and no bookmark holds it: the next archive of tank/a will be a full; run with --allow-full", plan.Refusal);
        Assert.False(plan.RefusalIsUsage);
        Assert.Equal([("tank/a@s5", null)], Steps(Plan([Snapshot(5)], [Of(1)], policy: s_policy with { AllowFull = true })));
    }

    [Fact]
    public void A_base_that_the_repository_cannot_restore_is_no_base()
    {
        // s3's own base is not archived
        var plan = Plan([Snapshot(3), Snapshot(4)], [Of(1), Of(3, 2)]);
        Assert.Contains("cannot be restored", plan.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_of_another_key_or_IV_set_is_no_base()
    {
        Assert.NotNull(Plan([Snapshot(1), Snapshot(2)], [Of(1, key: 99)]).Refusal);
        Assert.NotNull(Plan([Snapshot(1), Snapshot(2)], [Of(1, ivset: 99)]).Refusal);
    }

    [Fact]
    public void Raw_and_not_raw_do_not_mix()
    {
        var plan = Plan([Snapshot(1), Snapshot(2)], [Of(1, raw: false)]);
        Assert.Contains("raw and not raw do not mix", plan.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dataset_that_is_not_encrypted_is_refused_unless_allowed()
    {
        var plain = Source(encryption: "off");
        var plan = Plan([Snapshot(1)], [], dataset: plain);
        Assert.True(plan.RefusalIsUsage);
        Assert.Contains("--allow-plaintext", plan.Refusal, StringComparison.Ordinal);
        Assert.Single(Plan([Snapshot(1)], [], dataset: plain, policy: s_policy with { AllowPlaintext = true }).Steps);
    }

    [Fact]
    public void A_clone_goes_on_from_the_archived_snapshot_of_its_origin()
    {
        var clone = Source("tank/c", guid: 7, origin: "tank/a@s2");
        var plan = Plan([Snapshot(5, "tank/c"), Snapshot(6, "tank/c")], [Of(1), Of(2, 1)], dataset: clone, origin: Snapshot(2));
        Assert.Equal([("tank/c@s5", "tank/a@s2"), ("tank/c@s6", "tank/c@s5")], Steps(plan));
        Assert.Equal([("tank/c@s5", null)], Steps(Plan([Snapshot(5, "tank/c")], [Of(1)], dataset: clone, origin: Snapshot(2))));
    }

    [Fact]
    public void A_replica_with_the_same_snapshots_is_continued_only_when_adopted()
    {
        var replica = Source("vault/a", guid: 7);
        var plan = Plan([Snapshot(1, "vault/a"), Snapshot(2, "vault/a")], [Of(1)], dataset: replica);
        Assert.Contains("--adopt", plan.Refusal, StringComparison.Ordinal);
        Assert.Equal([("vault/a@s2", "vault/a@s1")], Steps(Plan([Snapshot(1, "vault/a"), Snapshot(2, "vault/a")], [Of(1)], dataset: replica, policy: s_policy with { Adopt = true })));
    }

    [Fact]
    public void An_archive_with_a_condition_does_not_count_as_archived() =>
        Assert.Equal([("tank/a@s1", null)], Steps(Plan([Snapshot(1)], [Of(1, conditions: ["redacted"])])));
}
