using System.Globalization;
using ZfsArchive.Night;

namespace ZfsArchive.Cli.Output;

/// <summary>A night for people: what is not right first, then what was done.</summary>
static class NightSummary
{
    public static IEnumerable<string> Lines(NightResult night)
    {
        yield return night.DryRun ? $"{night.Title.Split(':')[0]}: a dry run, nothing was done" : night.Title;
        foreach (var failure in night.Failures) yield return $"FAILED  {failure.Where}: {failure.Text}";
        foreach (var job in night.Jobs)
            foreach (var line in Of(job, night.DryRun)) yield return line;
        foreach (var repository in night.Repositories)
            foreach (var line in Of(repository, night.DryRun)) yield return line;
        yield return string.Create(CultureInfo.InvariantCulture, $"{Time(night.Seconds)} in all");
    }

    static IEnumerable<string> Of(JobNight job, bool dryRun)
    {
        var taken = job.Taken.Length > 0 ? $", {Text.Plural(job.Taken.Length, "snapshot")} {(dryRun ? "to take" : "taken")}" : "";
        yield return $"job {job.Job}: {Text.Plural(job.Datasets, "dataset")}{taken}, {Archived(job, dryRun)}, {Time(job.Seconds)}";
        foreach (var archive in job.Archives)
        {
            yield return dryRun ? $"  {archive.Repository}: would archive {archive.Snapshot}, {archive.Why}"
                : $"  {archive.Repository}: {archive.Snapshot} ({archive.Kind}) {Text.Bytes(archive.Length ?? 0)} as {Text.Bytes(archive.StoredLength ?? 0)}, {Text.Bytes(archive.SentLength ?? 0)} sent, {Time(archive.Seconds)}";
        }
        if (job.Released.Length > 0) yield return $"  {job.Released.Length} of our marks that nothing needs any more were removed at the source";
        foreach (var note in job.Notes) yield return $"  note: {note}";
    }

    static string Archived(JobNight job, bool dryRun) =>
        job.Archives.IsEmpty ? "nothing to archive"
        : dryRun ? $"{Text.Plural(job.Archives.Length, "archive")} to make"
        : $"{Text.Plural(job.Archives.Length, "archive")}, {Text.Bytes(job.Archives.Sum(a => a.Length ?? 0))} as {Text.Bytes(job.Archives.Sum(a => a.StoredLength ?? 0))}";

    static IEnumerable<string> Of(RepositoryNight repository, bool dryRun)
    {
        yield return $"repository {repository.Repository} ({repository.Location})";
        if (repository.Stages is { } stages)
            yield return $"  {Text.Stages(stages)}";
        if (repository.Prune is { } prune)
        {
            foreach (var removed in prune.Removed) yield return $"  {(dryRun ? "would remove" : "removed")} {removed.Snapshot}, {Text.Bytes(removed.StoredLength)}: {removed.Why}";
            yield return prune.FirstLook && !dryRun
                ? "  pruned: nothing yet; this host looked for the first time"
                : $"  {(dryRun ? "would prune" : "pruned")}: {Text.Plural(prune.Removed.Length, "archive")} ({Text.Bytes(prune.RemovedBytes)}), kept {prune.KeptArchives} ({Text.Bytes(prune.BytesForChain)} only for the chain), freed {Text.Bytes(prune.BytesFreed)}, {Text.Bytes(prune.BytesInGrace)} in grace";
        }
        if (repository.Verify is { } verify)
            yield return $"  verified at level {verify.Level}: {Text.Bytes(verify.Bytes)} of {Text.Bytes(verify.Total)}, {(verify.Sound ? "sound" : "DAMAGED")}, {Time(verify.Seconds)}";
        foreach (var note in repository.Notes) yield return $"  note: {note}";
    }

    static string Time(double seconds) =>
        seconds < 100 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s") : seconds < 7200 ? string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min") : string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h");
}
