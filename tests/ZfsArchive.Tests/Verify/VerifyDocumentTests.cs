using System.Text.Json;
using ZfsArchive.Verify;

namespace ZfsArchive.Tests.Verify;

/// <summary>The record of what was verified, as it is stored.</summary>
public sealed class VerifyDocumentTests
{
    static readonly DateTimeOffset s_time = new(2027, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    static VerifyDocument Stored(string line) => new(s_time, "h", [s_time, s_time.AddDays(1)], new Dictionary<string, string> { ["f/a"] = line }, new Dictionary<string, IReadOnlyList<DamagedObject>>());

    [Fact]
    public void What_is_stored_comes_back()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var record = new VerifyRecord(s_time, "host", [.. Enumerable.Range(0, random.Next(5)).Select(n => Archive(random, n))]);
            var text = JsonSerializer.SerializeToUtf8Bytes(VerifyDocument.Of(record), VerifyJson.Default.VerifyDocument);
            var back = JsonSerializer.Deserialize(text, VerifyJson.Default.VerifyDocument)!.ToRecord();
            Assert.Equal((record.At, record.Host), (back.At, back.Host));
            foreach (var (was, is_) in record.Archives.Zip(back.Archives))
            {
                Assert.Equal((was.Archive, was.ManifestSha256), (is_.Archive, is_.ManifestSha256));
                Assert.Equal(was.Ranges, is_.Ranges);
                Assert.Equal(was.Damaged, is_.Damaged);
            }
        }
    }

    [Fact]
    public void It_is_a_line_for_each_archive()
    {
        var archives = new[] { new VerifiedArchive("f/a", "0abc", [new(0, 4, VerifyLevel.Stream, s_time.AddDays(1)), new(4, 9, VerifyLevel.Data, s_time)], []) };
        var document = VerifyDocument.Of(new(s_time, "h", archives));
        Assert.Equal("0abc 0-4:stream:1 4-9:data:0", Assert.Single(document.Archives).Value);
        Assert.Empty(document.Damaged);
    }

    [Theory]
    [InlineData("0abc 0-4:stream:2")]
    [InlineData("0abc 0-4:stream:-1")]
    [InlineData("0abc 0-4:deep:0")]
    [InlineData("0abc 0-4:7:0")]
    [InlineData("0abc 4-4:data:0")]
    [InlineData("0abc 0-4:data:0 3-5:data:0")]
    [InlineData("0abc 0-4:data")]
    [InlineData("0abc  0-4:data:0")]
    [InlineData("0abc 0-99999999999999999999:data:0")]
    public void A_line_that_is_none_is_refused(string line) => Assert.Throws<FormatException>(() => Stored(line).ToRecord());

    static VerifiedArchive Archive(Random random, int number)
    {
        var ranges = new List<VerifiedRange>();
        for (long at = random.Next(3); ranges.Count < number; at = ranges[^1].To + random.Next(2))
            ranges.Add(new(at, at + random.Next(1, 1000), (VerifyLevel)random.Next(4), s_time.AddHours(random.Next(3))));
        DamagedObject[] damaged = random.Next(3) == 0 ? [new("archives/f/a/1.zst", "its bytes \"are\" wrong", VerifyLevel.Data, s_time)] : [];
        return new($"folder/archive{number}", new string((char)('a' + number), 64), ranges, damaged);
    }
}
