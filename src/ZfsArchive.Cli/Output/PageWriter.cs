using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace ZfsArchive.Cli.Output;

/// <summary>
/// Writes markup that is HTML and well-formed XML at once. What stands in an interpolated text is markup; every value in its holes is
/// text and gets escaped, so that no name can become markup by being forgotten.
/// </summary>
sealed class PageWriter
{
    readonly StringBuilder _text = new();

    /// <summary>Adds markup with values in it: the pieces have written themselves already.</summary>
    public PageWriter Add([InterpolatedStringHandlerArgument("")] ref Pieces pieces) => this;

    /// <summary>Adds what this program has made as markup, with no value in it that was not escaped.</summary>
    public void AddMarkup(string markup) => _text.Append(markup);

    public override string ToString() => _text.ToString();

    // XML has no place for most control characters and for halves of pairs; characters that turn the direction of writing would let one name look like another.
    void Escape(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '&': _text.Append("&amp;"); break;
                case '<': _text.Append("&lt;"); break;
                case '>': _text.Append("&gt;"); break;
                case '"': _text.Append("&quot;"); break;
                case '\'': _text.Append("&#39;"); break;
                case '\n': _text.Append('\n'); break;
                case < 32 or (>= 127 and < 160) or 0xFFFE or 0xFFFF or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069) or 0x200E or 0x200F: _text.Append('\uFFFD'); break;
                default: _text.Append(rune.ToString()); break;
            }
        }
    }

    /// <summary>The parts of one interpolated text.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct Pieces
    {
        readonly PageWriter _page;

        /// <summary>As the compiler calls it.</summary>
        public Pieces(int literalLength, int formattedCount, PageWriter page) => _page = page;

        public void AppendLiteral(string markup) => _page._text.Append(markup);

        public void AppendFormatted(string? value) => _page.Escape(value ?? "");

        public void AppendFormatted(long value) => _page._text.Append(value.ToString(CultureInfo.InvariantCulture));

        /// <summary>A place in a drawing; tenths are enough.</summary>
        public void AppendFormatted(double value) => _page._text.Append(value.ToString("0.#", CultureInfo.InvariantCulture));
    }
}
