using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ZfsArchive.SendStream;

/// <summary>
/// Fletcher-4 in 2, 4 or 8 lanes: lane k sums the words k, k+L, k+2L, …; the lanes' sums are then put together by
/// the identity below. Word i of n counts 1, x, x(x+1)/2 and x(x+1)(x+2)/6 times in A, B, C, D, with x = n - i;
/// in lane k that is x = L·t - k, with t the lane's own x. Each is a polynomial in t with whole coefficients in the
/// basis of the lane's own sums.
/// </summary>
static class Fletcher4Lanes
{
    static readonly long[][] s_weights2 = Weights(2), s_weights4 = Weights(4), s_weights8 = Weights(8);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Fletcher4State Sum8(ReadOnlySpan<uint> words)
    {
        Vector512<ulong> a = default, b = default, c = default, d = default;
        ref var first = ref MemoryMarshal.GetReference(words);
        for (var i = 0; i < words.Length; i += 8)
        {
            a += Vector512.WidenLower(Vector256.LoadUnsafe(ref first, (nuint)i).ToVector512Unsafe());
            b += a;
            c += b;
            d += c;
        }
        Span<ulong> sums = stackalloc ulong[32];
        a.CopyTo(sums);
        b.CopyTo(sums[8..]);
        c.CopyTo(sums[16..]);
        d.CopyTo(sums[24..]);
        return Join(sums, 8, s_weights8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Fletcher4State Sum4(ReadOnlySpan<uint> words)
    {
        Vector256<ulong> a = default, b = default, c = default, d = default;
        ref var first = ref MemoryMarshal.GetReference(words);
        for (var i = 0; i < words.Length; i += 4)
        {
            a += Vector256.WidenLower(Vector128.LoadUnsafe(ref first, (nuint)i).ToVector256Unsafe());
            b += a;
            c += b;
            d += c;
        }
        Span<ulong> sums = stackalloc ulong[16];
        a.CopyTo(sums);
        b.CopyTo(sums[4..]);
        c.CopyTo(sums[8..]);
        d.CopyTo(sums[12..]);
        return Join(sums, 4, s_weights4);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Fletcher4State Sum2(ReadOnlySpan<uint> words)
    {
        Vector128<ulong> a = default, b = default, c = default, d = default;
        ref var first = ref MemoryMarshal.GetReference(words);
        for (var i = 0; i < words.Length; i += 2)
        {
            a += Vector128.WidenLower(Vector64.LoadUnsafe(ref first, (nuint)i).ToVector128Unsafe());
            b += a;
            c += b;
            d += c;
        }
        Span<ulong> sums = [a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]];
        return Join(sums, 2, s_weights2);
    }

    static Fletcher4State Join(ReadOnlySpan<ulong> sums, int lanes, long[][] weights)
    {
        Span<ulong> total = stackalloc ulong[4];
        for (var lane = 0; lane < lanes; lane++)
        {
            for (var order = 0; order < 4; order++)
            {
                for (var basis = 0; basis <= order; basis++)
                    unchecked { total[order] += (ulong)weights[lane][order * 4 + basis] * sums[basis * lanes + lane]; }
            }
        }
        return new(total[0], total[1], total[2], total[3]);
    }

    static long[][] Weights(int lanes) => [.. Enumerable.Range(0, lanes).Select(lane => LaneWeights(lanes, lane))];

    // The coefficients follow from the polynomial's values at t = 0, -1, -2, where the higher terms of the basis vanish.
    static long[] LaneWeights(int lanes, int lane)
    {
        var weights = new long[16];
        weights[0] = 1;
        for (var order = 1; order < 4; order++)
        {
            var at0 = Count(order, -lane);
            var first = at0 - Count(order, -lanes - lane);
            var second = Count(order, -2 * lanes - lane) - at0 + 2 * first;
            long[] row = order switch
            {
                1 => [at0, lanes, 0, 0],
                2 => [at0, first, lanes * lanes, 0],
                _ => [at0, first, second, lanes * lanes * lanes],
            };
            row.CopyTo(weights, order * 4);
        }
        return weights;
    }

    static long Count(int order, long x) => order switch { 1 => x, 2 => x * (x + 1) / 2, _ => x * (x + 1) * (x + 2) / 6 };
}
