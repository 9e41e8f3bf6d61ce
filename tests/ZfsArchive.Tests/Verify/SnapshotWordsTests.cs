using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Verify;

public sealed class SnapshotWordsTests
{
    [Fact]
    public void A_few_are_named() => Assert.Equal("tank/a@1, tank/b@2", SnapshotWords.Of(["tank/a@1", "tank/b@2"]));

    [Fact]
    public void Many_of_one_dataset_go_from_the_first_to_the_last() =>
        Assert.Equal("1,200 snapshots: 1,200 from tank/a@0001 to @1200", SnapshotWords.Of(Names("tank/a", 1200)));

    [Fact]
    public void Many_datasets_are_counted_and_one_snapshot_of_one_is_still_named() =>
        Assert.Equal(
            "2,117 snapshots: 9 from d0@0001 to @0009, d1@0001, 2 from d2@0001 to @0002, 3 from d3@0001 to @0003, 2,000 from d4@0001 to @2000 and 102 of 2 more datasets",
            SnapshotWords.Of([.. Names("d0", 9), .. Names("d1", 1), .. Names("d2", 2), .. Names("d3", 3), .. Names("d4", 2000), .. Names("d5", 101), .. Names("d6", 1)]));

    [Fact]
    public void The_words_stay_short_however_much_is_lost() =>
        Assert.InRange(SnapshotWords.Of([.. Enumerable.Range(0, 100).SelectMany(d => Names($"pool/data{d:000}", 1000))]).Length, 1, 400);

    static string[] Names(string dataset, int count) => [.. Enumerable.Range(1, count).Select(i => $"{dataset}@{i:0000}")];
}
