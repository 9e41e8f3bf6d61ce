using System.Collections.Immutable;
using System.Globalization;
using ZfsArchive.Manifests;

namespace ZfsArchive.Verify;

/// <summary>How much is verified at once. What was found damaged comes first, then what was looked at never, or longest ago.</summary>
/// <param name="Share">The part of all stored bytes, 0 to 1; null: no limit by it.</param>
/// <param name="MaxBytes">Stored bytes at most; null: no limit.</param>
/// <param name="Cycle">Within this time everything is to be looked at once: the share follows from it, and from when something was last verified.</param>
public sealed record VerifyBudget(double? Share, long? MaxBytes, TimeSpan? Cycle);

/// <summary>Chunks of an archive, from an index to before another.</summary>
public readonly record struct VerifyPart(ArchiveEntry Archive, long From, long To);

/// <param name="Bytes">Stored bytes of the parts, about.</param>
/// <param name="Total">Stored bytes of everything.</param>
/// <param name="Warning">The cycle cannot be kept; null when it can.</param>
public sealed record VerifyPlan(ImmutableArray<VerifyPart> Parts, long Bytes, long Total, string? Warning);

/// <summary>Chooses what to verify. Pure.</summary>
public static class VerifyPlanner
{
    static readonly TimeSpan s_night = TimeSpan.FromDays(1);

    /// <param name="now">By the clock that the history is kept by.</param>
    public static VerifyPlan Plan(IReadOnlyList<ArchiveEntry> archives, VerifyHistory history, VerifyLevel level, VerifyBudget budget, DateTimeOffset now)
    {
        var pieces = archives.Where(a => a.Head.Totals.Chunks > 0).SelectMany(a => Pieces(a, history, level).SelectMany(p => Around(p, history.DamagedChunks(a))))
            .OrderBy(p => p.At ?? DateTimeOffset.MinValue).ThenBy(p => p.Since).ThenBy(p => p.Part.Archive.Id, StringComparer.Ordinal).ThenBy(p => p.Part.From).ToList();
        var total = archives.Sum(a => a.Head.Totals.StoredLength);
        var bytes = Bytes(pieces, total, history, budget, now);

        // What was found damaged, in turn: what was mended meanwhile is to count as mended. But of the bytes at most half, since a lost disk
        // would otherwise keep everything else from being looked at.
        var damaged = archives.SelectMany(a => history.DamagedChunks(a).Where(d => d.Index < a.Head.Totals.Chunks).Select(d => new Piece(new(a, d.Index, d.Index + 1L), d.At, default, LengthOf(a))))
            .OrderBy(p => p.At).ThenBy(p => p.Part.Archive.Id, StringComparer.Ordinal).ThenBy(p => p.Part.From).ToList();
        var parts = ImmutableArray.CreateBuilder<VerifyPart>();
        long taken = 0;
        var first = Take(damaged, (bytes + 1) / 2);
        Take(pieces, bytes);
        Take(damaged.Skip(first), bytes);
        return new(parts.ToImmutable(), taken, total, Warning(total, budget));

        int Take(IEnumerable<Piece> from, long most)
        {
            var before = parts.Count;
            foreach (var piece in from.TakeWhile(_ => taken < most))
            {
                var count = long.Min(piece.Part.To - piece.Part.From, (long)double.Ceiling((most - taken) / piece.ChunkLength));
                parts.Add(piece.Part with { To = piece.Part.From + count });
                taken += (long)(count * piece.ChunkLength);
            }
            return parts.Count - before;
        }
    }

    static long Bytes(List<Piece> pieces, long total, VerifyHistory history, VerifyBudget budget, DateTimeOffset now)
    {
        var bytes = budget.Share is { } share ? (long)double.Ceiling(total * share) : total;
        if (budget.Cycle is { } cycle)
        {
            // Nights that did not happen are made up for; a run every hour takes an hour's share.
            var since = history.At is { } last && now > last ? now - last : s_night;
            var overdue = pieces.Where(p => now - (p.At ?? p.Since) > cycle - s_night).Sum(p => p.ChunkLength * (p.Part.To - p.Part.From));
            bytes = long.Min(bytes, (long)double.Ceiling(double.Max(total * double.Min(1, since / cycle), overdue)));
        }
        return budget.MaxBytes is { } most ? long.Min(bytes, most) : bytes;
    }

    static string? Warning(long total, VerifyBudget budget) =>
        budget is { Cycle: { } cycle, MaxBytes: { } most } && most > 0 && total / (double)most > cycle.TotalDays
            ? string.Create(CultureInfo.InvariantCulture, $"at so many bytes a night it takes {double.Ceiling(total / (double)most):0} days to verify everything, not {cycle.TotalDays:0.#}")
            : null;

    static IEnumerable<Piece> Pieces(ArchiveEntry archive, VerifyHistory history, VerifyLevel level)
    {
        var (next, count, length) = (0L, archive.Head.Totals.Chunks, LengthOf(archive));
        foreach (var range in history.Of(archive)?.Ranges.Where(r => r.Level >= level && r.To <= count) ?? [])
        {
            if (next < range.From) yield return new(new(archive, next, range.From), null, archive.Head.Created.At, length);
            yield return new(new(archive, range.From, range.To), range.At, archive.Head.Created.At, length);
            next = range.To;
        }
        if (next < count) yield return new(new(archive, next, count), null, archive.Head.Created.At, length);
    }

    // What is left of it without what has a turn of its own.
    static IEnumerable<Piece> Around(Piece piece, IReadOnlyList<(int Index, DateTimeOffset At)> damaged)
    {
        var from = piece.Part.From;
        foreach (var (index, _) in damaged.Where(d => d.Index >= piece.Part.From && d.Index < piece.Part.To))
        {
            if (from < index) yield return piece with { Part = piece.Part with { From = from, To = index } };
            from = index + 1L;
        }
        if (from < piece.Part.To) yield return piece with { Part = piece.Part with { From = from } };
    }

    static double LengthOf(ArchiveEntry archive) => double.Max(1, archive.Head.Totals.StoredLength / (double)archive.Head.Totals.Chunks);

    /// <param name="At">When it was last verified; null: never.</param>
    /// <param name="Since">When the archive was made.</param>
    /// <param name="ChunkLength">Stored bytes of one of its chunks on average.</param>
    sealed record Piece(VerifyPart Part, DateTimeOffset? At, DateTimeOffset Since, double ChunkLength);
}
