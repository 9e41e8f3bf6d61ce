using System.Text;

namespace ZfsArchive.Bench;

/// <summary>What the blocks of a stream hold: the same bytes for the same kind and seed, and no block twice.</summary>
sealed class Blocks(bool compressible, int seed)
{
    static readonly string[] s_keywords =
        ["if (", ") return ", "var ", " = ", ";\n        ", "foreach (var ", " in ", "public static ", "await ", ".Length", " != null", "(int ", " => ", "new ", "\n    }\n\n    ", "{\n        "];

    readonly Random _random = new(seed);
    readonly byte[][] _words = Words(new Random(seed + 1), 20_000);
    readonly byte[][] _names = Words(new Random(seed + 2), 600);
    readonly byte[][] _keywords = [.. s_keywords.Select(Encoding.ASCII.GetBytes)];
    long _number;

    public void Fill(Span<byte> block)
    {
        var kind = compressible ? _number++ % 10 : 9;
        switch (kind)
        {
            case < 4: Text(block); break;
            case < 7: Code(block); break;
            case < 9: Runs(block); break;
            default: _random.NextBytes(block); break;
        }
    }

    // Common words are short and come often, as in a language.
    void Text(Span<byte> block)
    {
        for (var at = 0; at < block.Length;)
        {
            var word = _words[(int)(_words.Length * Math.Pow(_random.NextDouble(), 4))];
            at = Put(block, at, word);
            at = Put(block, at, _random.Next(12) == 0 ? ". "u8 : " "u8);
        }
    }

    void Code(Span<byte> block)
    {
        for (var at = 0; at < block.Length;)
        {
            at = Put(block, at, _keywords[_random.Next(_keywords.Length)]);
            at = Put(block, at, _names[(int)(_names.Length * Math.Pow(_random.NextDouble(), 2))]);
        }
    }

    // Tables of numbers between holes.
    void Runs(Span<byte> block)
    {
        for (var at = 0; at < block.Length;)
        {
            var length = int.Min(_random.Next(64, 4096), block.Length - at);
            var run = block.Slice(at, length);
            run.Clear();
            if (_random.Next(2) == 0)
                for (var i = 0; i + 8 <= length; i += 8) _random.NextBytes(run.Slice(i, 3));
            at += length;
        }
    }

    static int Put(Span<byte> block, int at, ReadOnlySpan<byte> bytes)
    {
        var part = bytes[..int.Min(bytes.Length, block.Length - at)];
        part.CopyTo(block[at..]);
        return at + part.Length;
    }

    static byte[][] Words(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(i => Encoding.ASCII.GetBytes(Word(random, 2 + int.Log2(i + 1) / 2)))];

    static string Word(Random random, int length) =>
        string.Concat(Enumerable.Range(0, length + random.Next(3)).Select(i => i % 2 == 0 ? "bcdfghlmnprstvw"[random.Next(15)] : "aeiou"[random.Next(5)]));
}
