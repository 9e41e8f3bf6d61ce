using System.Text;

namespace ZfsArchive.Cli.Output;

/// <summary>
/// Names and properties come from stores that may be hostile: a control character in them must not command the terminal.
/// </summary>
sealed class PlainWriter(TextWriter inner) : TextWriter
{
    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => inner.Write(Plain(value));

    public override void Write(char[] buffer, int index, int count) => inner.Write(string.Create(count, (buffer, index), static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++) span[i] = Plain(source.buffer[source.index + i]);
    }));

    public override void Write(string? value)
    {
        if (value is not null) Write(value.ToCharArray(), 0, value.Length);
    }

    public override void Flush() => inner.Flush();

    static char Plain(char c) => char.IsControl(c) && c is not ('\n' or '\r' or '\t') ? '?' : c;
}
