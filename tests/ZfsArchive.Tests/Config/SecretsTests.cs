using System.Text;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Config;

/// <summary>Secrets are read from private places only, and never told.</summary>
public sealed class SecretsTests
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    static string Write(TempFolder temp, string content, UnixFileMode mode = Private)
    {
        var path = temp["secret"];
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, mode);
        return path;
    }

    static string OfFile(string path) => new Secrets(_ => null).Read(new(SecretKind.File, path));

    static string Refused(Func<string> read)
    {
        var failure = Assert.Throws<ArchiveException>(read);
        Assert.Equal(FailureKind.Usage, failure.Kind);
        Assert.DoesNotContain("hunter2", failure.ToString(), StringComparison.Ordinal);
        return failure.Message;
    }

    [Theory]
    [InlineData("hunter2", "hunter2")]
    [InlineData("hunter2\n", "hunter2")]
    [InlineData("hunter2\r\n", "hunter2")]
    [InlineData("hunter2\n\n", "hunter2\n")]
    [InlineData(" hünter2 ", " hünter2 ")]
    public void One_newline_at_the_end_does_not_belong_to_it(string content, string secret)
    {
        using var temp = new TempFolder();
        Assert.Equal(secret, OfFile(Write(temp, content)));
        Assert.Equal(secret, new Secrets(name => name == "KEY" ? content : null).Read(new(SecretKind.Environment, "KEY")));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead, "640")]
    [InlineData(UnixFileMode.OtherRead, "604")]
    [InlineData(UnixFileMode.OtherWrite, "602")]
    [InlineData(UnixFileMode.GroupRead | UnixFileMode.OtherRead, "644")]
    public void What_others_may_touch_is_refused(UnixFileMode more, string mode)
    {
        using var temp = new TempFolder();
        var path = Write(temp, "hunter2", Private | more);
        Assert.Equal($"{path} has the mode {mode}: a secret is for its owner only: chmod 600 {path}", Refused(() => OfFile(path)));
        Assert.Equal("hunter2", OfFile(Write(temp, "hunter2", UnixFileMode.UserRead)));
    }

    [Fact]
    public void What_belongs_to_another_user_is_refused()
    {
        // only root can give a file away
        if (!Environment.IsPrivilegedProcess) return;
        using var temp = new TempFolder();
        var path = Write(temp, "hunter2");
        using (var chown = System.Diagnostics.Process.Start("chown", ["12345", path])) chown.WaitForExit();
        Assert.Contains($"{path} belongs to user 12345", Refused(() => OfFile(path)), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_secret_is_refused()
    {
        using var temp = new TempFolder();
        Assert.EndsWith("is not there", Refused(() => OfFile(temp["none"])), StringComparison.Ordinal);
        Assert.Contains("is a folder", Refused(() => OfFile(temp.Path)), StringComparison.Ordinal);
        foreach (var empty in new[] { "", "\n", "\r\n" }) Assert.EndsWith("is empty", Refused(() => OfFile(Write(temp, empty))), StringComparison.Ordinal);
        Assert.Contains("larger than 64 KiB", Refused(() => OfFile(Write(temp, new string('a', (64 << 10) + 1)))), StringComparison.Ordinal);
        var path = Write(temp, "");
        File.WriteAllBytes(path, [.. "hunter2"u8, 0xFF]);
        Assert.Contains("is not UTF-8", Refused(() => OfFile(path)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_has_to_be_set()
    {
        var secrets = new Secrets(name => name == "EMPTY" ? "" : null);
        Assert.Contains("the variable NONE, in which a secret is kept, is not set", Refused(() => secrets.Read(new(SecretKind.Environment, "NONE"))), StringComparison.Ordinal);
        Assert.Contains("the variable EMPTY, in which a secret is kept, is empty", Refused(() => secrets.Read(new(SecretKind.Environment, "EMPTY"))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_credential_is_where_systemd_puts_it()
    {
        using var temp = new TempFolder();
        File.WriteAllBytes(temp["s3"], Encoding.UTF8.GetBytes("hunter2\n"));
        Assert.Equal("hunter2", new Secrets(name => name == "CREDENTIALS_DIRECTORY" ? temp.Path : null).Read(new(SecretKind.Credential, "s3")));
        Assert.Contains("LoadCredential=s3:", Refused(() => new Secrets(_ => null).Read(new(SecretKind.Credential, "s3"))), StringComparison.Ordinal);
        Assert.EndsWith("none is not there", Refused(() => new Secrets(_ => temp.Path).Read(new(SecretKind.Credential, "none"))), StringComparison.Ordinal);
    }
}
