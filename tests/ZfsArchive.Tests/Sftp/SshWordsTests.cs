using ZfsArchive.Sftp;
using ZfsArchive.Stores;

namespace ZfsArchive.Tests.Sftp;

public sealed class SshWordsTests
{
    static readonly SshCommand s_command = new(new("me", "box.example", 23, "repository"), new());

    [Theory]
    [InlineData("ssh: Could not resolve hostname box.example: Temporary failure in name resolution", StoreFailure.Transient)]
    [InlineData("ssh: connect to host box.example port 23: Connection refused", StoreFailure.Transient)]
    [InlineData("ssh: connect to host box.example port 23: Connection timed out", StoreFailure.Transient)]
    [InlineData("kex_exchange_identification: read: Connection reset by peer\nConnection reset by 10.0.0.1 port 23", StoreFailure.Transient)]
    [InlineData("Timeout, server box.example not responding.", StoreFailure.Transient)]
    [InlineData("", StoreFailure.Transient)]
    [InlineData("me@box.example: Permission denied (publickey,password).", StoreFailure.Denied)]
    [InlineData("Received disconnect from 10.0.0.1 port 23:2: Too many authentication failures", StoreFailure.Denied)]
    [InlineData("No ED25519 host key is known for box.example and you have requested strict checking.\nHost key verification failed.", StoreFailure.Denied)]
    [InlineData("subsystem request failed on channel 0", StoreFailure.Permanent)]
    [InlineData("Unable to negotiate with 10.0.0.1 port 23: no matching cipher found. Their offer: aes128-cbc", StoreFailure.Permanent)]
    public void Last_words_have_a_meaning(string words, StoreFailure meaning) => Assert.Equal(meaning, SshWords.Explain(words, s_command).Failure);

    [Fact]
    public void What_to_do_about_a_refused_key_is_said() =>
        Assert.Contains("`ssh-copy-id -p 23 me@box.example`", SshWords.Explain("me@box.example: Permission denied (publickey).", s_command).Message, StringComparison.Ordinal);

    [Fact]
    public void No_option_of_a_user_can_open_what_is_not_wanted()
    {
        foreach (var arguments in new[] { s_command.First(null), s_command.First("/s"), s_command.Further("/s"), s_command.Run("true") })
        {
            foreach (var wanted in new[] { "BatchMode=yes", "StrictHostKeyChecking=yes", "ClearAllForwardings=yes", "ControlPersist=no" }) Assert.Contains(wanted, arguments);
            Assert.Equal("me@box.example", arguments[arguments.ToList().IndexOf("--") + 1]);
        }
        Assert.Contains("ProxyCommand=false", s_command.Further("/s"));
    }
}
