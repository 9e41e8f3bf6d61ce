using System.Text;
using ZfsArchive.Config;

namespace ZfsArchive.Tests.Config;

/// <summary>Whatever the file is: it is read, or refused with faults.</summary>
public sealed class RobustnessTests
{
    static readonly byte[] s_good = Encoding.UTF8.GetBytes(GoodFiles.Full);

    // Characters that mean something to YAML come more often.
    static readonly byte[] s_marks = Encoding.UTF8.GetBytes("{}[]:,-?|>&*!#%@'\"\\ \n\t~<0\0\u00e4");

    static void Read(byte[] bytes, string how)
    {
        try
        {
            ConfigurationReader.Read(bytes, "c.yaml");
        }
        catch (ConfigurationException e)
        {
            Assert.NotEmpty(e.Faults);
            Assert.Equal(e.Faults.Length, e.Message.Split('\n').Length);
        }
        catch (Exception e)
        {
            Assert.Fail($"{how}: {e}\n{Encoding.UTF8.GetString(bytes)}");
        }
    }

    [Fact]
    public void Every_beginning_of_a_file()
    {
        for (var length = 0; length < s_good.Length; length++) Read(s_good[..length], $"cut at {length}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Bytes_that_were_changed(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 2000; round++)
        {
            var bytes = s_good.ToArray().ToList();
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                var at = random.Next(bytes.Count);
                var mark = seed % 2 == 0 ? s_marks[random.Next(s_marks.Length)] : (byte)random.Next(256);
                if (random.Next(3) == 0) bytes.RemoveAt(at);
                else if (random.Next(2) == 0) bytes.Insert(at, mark);
                else bytes[at] = mark;
            }
            Read([.. bytes], $"seed {seed}, round {round}");
        }
    }

    [Fact]
    public void Lines_that_were_lost_doubled_or_swapped()
    {
        var random = new Random(5);
        for (var round = 0; round < 2000; round++)
        {
            var lines = GoodFiles.Full.Split('\n').ToList();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var (one, other) = (random.Next(lines.Count), random.Next(lines.Count));
                if (random.Next(2) == 0) lines.RemoveAt(one);
                else if (random.Next(2) == 0) lines.Insert(one, lines[other]);
                else (lines[one], lines[other]) = (lines[other], lines[one]);
            }
            Read(Encoding.UTF8.GetBytes(string.Join('\n', lines)), $"round {round}");
        }
    }

    [Fact]
    public void Words_in_the_place_of_others()
    {
        string[] words = ["null", "~", "[]", "{}", "''", "-1", "true", "*", "a: b", "[[a]]", "{a: {b: c}}", "\"\\n\"", "99999999999999999999", "s3://", "sftp://", "file:///", "ssh://", "%"];
        var values = System.Text.RegularExpressions.Regex.Matches(GoodFiles.Full, @"(?<=[:,\[] )[^\s,\]}]+");
        foreach (System.Text.RegularExpressions.Match value in values)
            foreach (var word in words) Read(Encoding.UTF8.GetBytes(GoodFiles.Full[..value.Index] + word + GoodFiles.Full[(value.Index + value.Length)..]), $"{word} for {value.Value}");
    }
}
