using ZfsArchive.Manifests;
using ZfsArchive.Model;

namespace ZfsArchive.Tests.Manifests;

public sealed class NameTests
{
    const string Sha = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Fact]
    public void An_archive_name_that_is_printed_is_parsed_to_the_same()
    {
        var random = new Random(3);
        for (var i = 0; i < 5000; i++)
        {
            var creation = random.Next(4) switch { 0 => (ulong)random.NextInt64(), 1 => 0UL, 2 => 253402300799UL + (ulong)random.Next(3), _ => (ulong)random.NextInt64(253402300800) };
            var name = ArchiveName.Of(creation, (ulong)random.NextInt64() * 3, random.Next(3) == 0 ? 0 : (ulong)random.NextInt64() | 1) with { Ordinal = random.Next(3) == 0 ? random.Next(1, 1_000_000_000) : 1 };
            Assert.Equal(name, ArchiveName.TryParse(name.Text));
            Assert.Equal(name.Text, ArchiveName.TryParse(name.Text)!.Text);
            Assert.StartsWith(creation > 253402300799 ? "00000000T000000Z_" : DateTimeOffset.FromUnixTimeSeconds((long)creation).ToString("yyyyMMdd'T'HHmmss'Z_'", null), name.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Whatever_is_parsed_is_printed_as_it_was()
    {
        var random = new Random(4);
        string[] good = ["20261120T235610Z_90bcbe4d58b67327_full", "20261120T235610Z_90bcbe4d58b67327_from_6aa79ee30b011355.12", $"000012-{Sha}.zst", "tank-home_90bcbe4d58b67327"];
        const string Letters = "0123456789abcdefghTZ_-.ABF/\n \0";
        for (var i = 0; i < 100_000; i++)
        {
            var text = good[random.Next(good.Length)].ToList();
            for (var change = random.Next(1, 3); change > 0; change--)
            {
                var at = random.Next(text.Count);
                switch (random.Next(3))
                {
                    case 0: text[at] = Letters[random.Next(Letters.Length)]; break;
                    case 1: text.Insert(at, Letters[random.Next(Letters.Length)]); break;
                    default: text.RemoveAt(at); break;
                }
            }
            var mutated = string.Concat(text);
            Assert.True(ArchiveName.TryParse(mutated) is not { } archive || archive.Text == mutated, $"seed 4: archive '{mutated}'");
            Assert.True(ChunkName.TryParse(mutated) is not { } chunk || chunk.Text == mutated, $"seed 4: chunk '{mutated}'");
            Assert.True(DatasetFolder.TryParse(mutated) is not { } folder || folder.Text == mutated, $"seed 4: folder '{mutated}'");
        }
    }

    [Theory]
    [InlineData(""), InlineData("20261120T235610Z_90bcbe4d58b67327"), InlineData("20261120T235610Z_90bcbe4d58b67327_full.1"), InlineData("20261120T235610Z_90bcbe4d58b67327_full.0"), InlineData("20261120T235610Z_90bcbe4d58b67327_full.02"),
        InlineData("20261120T235610Z_90bcbe4d58b67327_full."), InlineData("20261120T235610Z_90BCBE4D58B67327_full"), InlineData("20261120T235610_90bcbe4d58b67327_full"), InlineData("20261120T235610Z_90bcbe4d58b6732_full"),
        InlineData("20261120T235610Z_90bcbe4d58b67327_from"), InlineData("20261120T235610Z_90bcbe4d58b67327_from_full"), InlineData("20261120T235610Z_90bcbe4d58b67327_full\n"), InlineData(" 20261120T235610Z_90bcbe4d58b67327_full"),
        InlineData("20261120T235610Z_90bcbe4d58b67327_full.9999999999"), InlineData("２0261120T235610Z_90bcbe4d58b67327_full")]
    public void A_near_miss_of_an_archive_name_is_refused(string text) => Assert.Null(ArchiveName.TryParse(text));

    [Theory, InlineData(0), InlineData(1), InlineData(999_999), InlineData(1_000_000), InlineData(int.MaxValue)]
    public void A_chunk_name_that_is_printed_is_parsed_to_the_same(int index) => Assert.Equal(new ChunkName(index, Sha), ChunkName.TryParse(new ChunkName(index, Sha).Text));

    [Theory]
    [InlineData($"00000-{Sha}.zst"), InlineData($"0000001-{Sha}.zst"), InlineData($"000001-{Sha}.zs"), InlineData($"000001-{Sha}.zst\n"), InlineData($"000001{Sha}.zst"), InlineData($"-00001-{Sha}.zst"), InlineData($"000001-{Sha}0.zst"),
        InlineData("000001-0123.zst"), InlineData($"2147483648-{Sha}.zst"), InlineData($"000001-{Sha}.ZST"), InlineData($"+00001-{Sha}.zst"), InlineData($"package-{Sha}.zst")]
    public void A_near_miss_of_a_chunk_name_is_refused(string text) => Assert.Null(ChunkName.TryParse(text));

    [Theory]
    [InlineData("rpool/home", "rpool-home"), InlineData("Tank/Über:x.y", "tank--ber-x-y"), InlineData("", "-"), InlineData("a_b", "a-b"),
        InlineData("0123456789012345678901234567890123456789012345678901234567890123456789", "012345678901234567890123456789012345678901234567890123456789")]
    public void A_dataset_has_a_slug_and_its_guid(string name, string slug)
    {
        var folder = DatasetFolder.Of(name, 0xABCDEF);
        Assert.Equal($"{slug}_0000000000abcdef", folder.Text);
        Assert.Equal(0xabcdefUL, folder.Guid);
        Assert.Equal(folder, DatasetFolder.TryParse(folder.Text));
    }

    [Theory]
    [InlineData(""), InlineData("_0123456789abcdef"), InlineData("a_0123456789abcde"), InlineData("a_0123456789ABCDEF"), InlineData("A_0123456789abcdef"), InlineData("a-0123456789abcdef"), InlineData("a_0123456789abcdef\n"), InlineData("a/b_0123456789abcdef"),
        InlineData(".._0123456789abcdef"), InlineData("a_b_0123456789abcdef")]
    public void A_near_miss_of_a_dataset_folder_is_refused(string text) => Assert.Null(DatasetFolder.TryParse(text));

    [Fact]
    public void The_layout_reads_what_it_writes_and_nothing_else()
    {
        var folder = DatasetFolder.Of("tank/home", 5);
        var name = ArchiveName.Of(1_790_000_000, 7, 6) with { Ordinal = 3 };
        Assert.Equal((folder, name), Layout.ParseManifest(Layout.Manifest(folder, name)));
        Assert.Equal((folder, 12), Layout.ParseDataset(Layout.Dataset(folder, 12)));
        Assert.Equal((folder, name, $"000001-{Sha}.zst"), Layout.ParseArchived(Layout.Chunk(folder, name, $"000001-{Sha}.zst")));
        Assert.Equal((folder, name, $"package-{Sha}.zst"), Layout.ParseArchived(Layout.Package(folder, name, Sha)));

        foreach (var bad in new[] { "manifests/x.json", $"manifests/{folder}/{name}.json.bak", $"manifests/{folder}/{name}", $"archives/{folder}/{name}.json", $"manifests/{folder}/sub/{name}.json", $"xmanifests/{folder}/{name}.json" })
            Assert.Null(Layout.ParseManifest(bad));
        foreach (var bad in new[] { "dataset-01.json", "dataset-.json", "dataset--1.json", "dataset-1.jso", "dataset-99999999999.json", "Dataset-1.json", "dataset-+1.json" })
            Assert.Null(Layout.ParseDataset($"manifests/{folder}/{bad}"));
        foreach (var bad in new[] { "", "notes.txt", $"000001-{Sha}.zst.part", $"x/000001-{Sha}.zst", "package-1.zst" })
            Assert.Null(Layout.ParseArchived($"archives/{folder}/{name}/{bad}"));
    }
}
