using ZfsArchive.Cli;
using ZfsArchive.Cli.Output;
using ZfsArchive.Repository;
using ZfsArchive.Tests.Worlds;
using ZfsArchive.Zfs;

namespace ZfsArchive.Tests.Cli;

/// <summary>Manners at a terminal: narrow ones, and those that know ASCII only.</summary>
public sealed class TerminalTests
{
    [Theory]
    [InlineData(false, "a…b\n", "a…b\n")]
    [InlineData(true, "a…b\n", "a...b\n")]
    [InlineData(true, "größe", "größe")]
    [InlineData(true, "\u001b[31m…", "?[31m...")]
    public void Letters_that_a_locale_does_not_have_are_not_written(bool isAscii, string text, string written)
    {
        using var inner = new StringWriter();
        using var writer = new PlainWriter(inner, isAscii);
        writer.Write(text);
        foreach (var c in text) writer.Write(c);
        Assert.Equal(written + written, inner.ToString());
    }

    [Theory]
    [InlineData(null, null, null, true)]
    [InlineData(null, null, "C", true)]
    [InlineData(null, null, "de_DE.UTF-8", false)]
    [InlineData(null, "C.utf8", null, false)]
    [InlineData("C", "C.utf8", "de_DE.UTF-8", true)]
    [InlineData(null, null, "de_DE.ISO-8859-1", true)]
    public void The_first_variable_that_says_anything_names_the_locale(string? all, string? type, string? language, bool isAscii) =>
        Assert.Equal(isAscii, PlainWriter.IsAscii(name => name switch { "LC_ALL" => all, "LC_CTYPE" => type, _ => language }));

    [Theory]
    [InlineData(40)]
    [InlineData(20)]
    [InlineData(200)]
    public void Progress_stays_on_its_line(int columns)
    {
        using var host = new Terminal(columns);
        using (var line = new ProgressLine(host, "tank/a/dataset/with/a/long/name@zfsarchive_2026-11-21", 5L << 40)) line.Report(1L << 40);
        var shown = host.Error.ToString().Split('\r', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, shown.Length);
        Assert.All(shown, s => Assert.InRange(s.Length, 1, columns - 1));
        Assert.StartsWith("tank/a/dataset", shown[0], StringComparison.Ordinal);
        Assert.True(string.IsNullOrWhiteSpace(shown[1]));
    }

    sealed class Terminal(int columns) : IHost, IDisposable
    {
        readonly TestHost _inner = new();

        public StringWriter Error { get; } = new();

        public int? TerminalWidth => columns;

        public string DefaultConfiguration => _inner.DefaultConfiguration;

        public bool ShowsProgress => true;

        public Stream Input => _inner.Input;

        public Stream Output => _inner.Output;

        public TextWriter Out => _inner.Out;

        TextWriter IHost.Error => Error;

        public TimeProvider Clock => _inner.Clock;

        public CancellationToken Stop => default;

        public string HostName => _inner.HostName;

        public LocalFolders Folders => _inner.Folders;

        public string? Environment(string name) => _inner.Environment(name);

        public IZfs Zfs(ZfsPrefix prefix) => _inner.Zfs(prefix);

        public void Dispose()
        {
            Error.Dispose();
            _inner.Dispose();
        }
    }
}
