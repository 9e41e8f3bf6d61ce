using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Cli;

/// <summary>What was mistyped is told, and never taken for the name of something.</summary>
public sealed class UnknownWordsTests
{
    [Theory]
    [InlineData("status --nagois", "status has no option '--nagois': did you mean --nagios?")]
    [InlineData("run --quite", "run has no option '--quite': did you mean --quiet?")]
    [InlineData("backup --alow-full tank/chain", "backup has no option '--alow-full': did you mean --allow-full?")]
    [InlineData("backup tank/chain --compres=3", "backup has no option '--compres': did you mean --compress?")]
    [InlineData("status --nagios=tank/chain", "status has no option '--nagios=tank/chain'")]
    [InlineData("backup --first --alow-full tank/chain", "backup has no option '--alow-full': did you mean --allow-full?")]
    [InlineData("status --htlm x", "status has no option '--htlm': did you mean --html?")]
    [InlineData("list --confg x", "list has no option '--confg': did you mean --config?")]
    [InlineData("run -x", "run has no option '-x'\n")]
    [InlineData("run -qx", "run has no option '-qx'\n")]
    [InlineData("status --zzzzzzzz", "status has no option '--zzzzzzzz'\n")]
    [InlineData("restore tank/chain --too vault/r", "restore has no option '--too': did you mean --to?")]
    [InlineData("config show --efective", "config show has no option '--efective': did you mean --effective?")]
    [InlineData("--vershun", "there is no option '--vershun': did you mean --version?")]
    [InlineData("runn", "there is no command 'runn': did you mean run?")]
    [InlineData("runn --quiet home", "there is no command 'runn': did you mean run?")]
    [InlineData("config chek", "config has no command 'chek': did you mean check?")]
    [InlineData("zzzzzzzz", "there is no command 'zzzzzzzz'; commands are init, backup, run, ")]
    public async Task What_is_mistyped_is_wrong_usage_and_names_the_nearest(string line, string words)
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(2, null, line.Split(' '));
        Assert.StartsWith($"zfsarchive: {words}", host.Error.ToString(), StringComparison.Ordinal);
        Assert.Matches("\nzfsarchive: see zfsarchive( [a-z ]+)? --help\n\\z", host.Error.ToString());
        Assert.Equal("", host.Out.ToString());
    }

    [Fact]
    public async Task Each_is_told_and_in_json_too()
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(2, null, "list", "--josn", "--repoo", "x", "--json");
        Assert.Matches("'--josn': did you mean --json\\?\n.*'--repoo': did you mean --repo\\?\n", host.Error.ToString());
        Assert.Contains("\"exitCode\":2", host.Out.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status -- --nagois", "no dataset '--nagois' is archived here")]
    [InlineData("status --max-time -5s", "--max-time takes a time")]
    [InlineData("backup --compress -1 tank/chain", "--compress takes 0 to 19, not -1")]
    [InlineData("list -o -1", "-o takes KEY=VALUE, not '-1'")]
    [InlineData("list --option=-x", "-o takes KEY=VALUE, not '-x'")]
    [InlineData("-oxyz list", "-o takes KEY=VALUE, not 'xyz'")]
    public async Task Behind_a_bare_dash_and_where_it_is_a_value_it_is_none(string line, string words)
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(2, null, line.Split(' '));
        Assert.Contains(words, host.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_dash_is_standard_output_and_letters_stand_together()
    {
        using var host = await TestHost.WithRepositoryAsync();
        await host.ExpectAsync(0, null, "status", "--html", "-");
        Assert.StartsWith("<!DOCTYPE html>", host.Out.ToString(), StringComparison.Ordinal);
        await host.ExpectAsync(20, null, "inspect", "-");
        host.ZfsOf = _ => new FakeZfs();
        await host.ExpectAsync(0, null, "backup", "-nRq", "tank/chain");
        Assert.Equal("", host.Out.ToString());
    }

    // The shell's completion asks with the line as one word.
    [Fact]
    public async Task A_line_that_is_to_be_completed_is_none_that_is_wrong()
    {
        using var host = new TestHost();
        await host.ExpectAsync(0, null, "[suggest:20]", "zfsarchive status --na");
        Assert.Equal("--nagios", host.Out.ToString().Trim());
    }
}
