using ZfsArchive.Processes;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Zfs;

public sealed class ZfsPrefixTests
{
    static readonly string[] _list = ["zfs", "list", "a b"];

    [Fact]
    public void Local_is_the_program_itself() => AssertCommand("local", "zfs", ["list", "a b"]);

    [Fact]
    public void A_program_comes_before_the_command() => AssertCommand(" sudo  -n ", "sudo", ["-n", "zfs", "list", "a b"]);

    [Theory]
    [InlineData("ssh://nas", new string[0], "nas")]
    [InlineData("ssh://nas/", new string[0], "nas")]
    [InlineData("ssh://backup@nas.example.org:2222", new[] { "-p", "2222" }, "backup@nas.example.org")]
    [InlineData("ssh://[fe80::1%eth0]:22", new[] { "-p", "22" }, "fe80::1%eth0")]
    [InlineData("ssh://root@[::1]", new string[0], "root@::1")]
    public void Another_machine_gets_one_quoted_command(string text, string[] port, string destination) =>
        AssertCommand(text, "ssh",
        [
            "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4", "-o", "ConnectTimeout=15",
            .. port, "-T", "--", destination, "env LC_ALL=C PATH=\"$PATH:/usr/local/sbin:/usr/sbin:/sbin\" 'zfs' 'list' 'a b'",
        ]);

    [Fact]
    public void A_program_on_the_other_machine_stands_behind_a_blank() =>
        Assert.Equal("env LC_ALL=C PATH=\"$PATH:/usr/local/sbin:/usr/sbin:/sbin\" 'sudo' '-n' 'zfs' 'list' 'a b'", ZfsPrefix.Parse("ssh://nas sudo -n").Command(_list).Arguments[^1]);

    [Fact]
    public void A_configuration_of_ssh_is_handed_on()
    {
        var arguments = ZfsPrefix.Parse("ssh://nas", "/etc/my ssh").Command(_list).Arguments;

        Assert.Equal("/etc/my ssh", arguments[arguments.ToList().IndexOf("-F") + 1]);
        Assert.DoesNotContain("StrictHostKeyChecking", string.Join(' ', arguments), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("   ", "empty")]
    [InlineData("ssh://", "no host")]
    [InlineData("ssh://user@", "no host")]
    [InlineData("ssh://:22", "no host")]
    [InlineData("ssh://[]", "host '[]'")]
    [InlineData("ssh://nas:", "port ''")]
    [InlineData("ssh://nas:ssh", "port 'ssh'")]
    [InlineData("ssh://nas:0", "port '0'")]
    [InlineData("ssh://nas:65536", "port '65536'")]
    [InlineData("ssh://nas:+22", "port '+22'")]
    [InlineData("ssh://-oProxyCommand=x", "host '-oProxyCommand=x'")]
    [InlineData("ssh://na$s", "host 'na$s'")]
    [InlineData("ssh://nas/tank", "path, '/tank'")]
    [InlineData("ssh://-u@nas", "user '-u'")]
    [InlineData("ssh://us'er@nas", "user 'us'er'")]
    [InlineData("ssh://@nas", "no user")]
    [InlineData("ssh nas", "calls ssh itself")]
    [InlineData("/usr/bin/ssh nas sudo", "calls ssh itself")]
    [InlineData("ssh://nas ssh other", "calls ssh itself")]
    [InlineData("sudo zfs", "added by itself")]
    [InlineData("-n", "not a program")]
    [InlineData("sftp://nas", "not a program")]
    public void What_can_not_be_meant_is_refused_with_a_reason(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => ZfsPrefix.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_password_is_refused_and_not_repeated() =>
        Assert.DoesNotContain("secret", Assert.Throws<FormatException>(() => ZfsPrefix.Parse("ssh://user:secret@nas")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a b'c$HOME", """'a b'\''c$HOME'""")]
    [InlineData("env 'zfs' 'list'", """
        "env 'zfs' 'list'"
        """)]
    [InlineData("", "''")]
    [InlineData("tank/e@s", "tank/e@s")]
    [InlineData("#b", "'#b'")]
    public void A_command_is_shown_as_it_could_be_typed(string word, string shown) => Assert.Equal(shown, ShellQuoting.Display([word]));

    [Fact]
    public void Two_prefixes_that_say_the_same_are_equal()
    {
        Assert.Equal(ZfsPrefix.Parse("sudo -n"), ZfsPrefix.Parse("sudo   -n"));
        Assert.NotEqual(ZfsPrefix.Parse("ssh://nas"), ZfsPrefix.Parse("ssh://nas", "/etc/ssh/other"));
        Assert.Equal(ZfsPrefix.Local, ZfsPrefix.Parse("local"));
        Assert.Equal("sudo -n", ZfsPrefix.Parse("sudo -n").ToString());
    }

    [Theory]
    [InlineData("local")]
    [InlineData("env")]
    [InlineData("ssh://someone@nas:2222")]
    [InlineData("ssh://nas env")]
    public async Task A_name_with_a_blank_a_quote_and_a_dollar_arrives_unchanged(string prefix)
    {
        using var programs = new FakePrograms()
            .With("ssh", "for last; do :; done; exec sh -c \"$last\"")
            .WithZfs("for word; do echo \"$word\"; done > \"$DIR/arguments\"; echo \"$LC_ALL\" > \"$DIR/locale\"");

        await programs.Command(ZfsPrefix.Parse(prefix)).RunAsync(["zfs", "list", "a b'c$HOME", "", "`id` \"\\ *;&|", "'"], default);

        Assert.Equal(["list", "a b'c$HOME", "", "`id` \"\\ *;&|", "'"], programs.LeftLines("arguments"));
        Assert.Equal(["C"], programs.LeftLines("locale"));
    }

    static void AssertCommand(string prefix, string program, string[] arguments)
    {
        var command = ZfsPrefix.Parse(prefix).Command(_list);
        Assert.Equal(program, command.Program);
        Assert.Equal(arguments, command.Arguments);
    }
}
