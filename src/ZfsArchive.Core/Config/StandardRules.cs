using System.Collections.Immutable;
using ZfsArchive.Retention;

namespace ZfsArchive.Config;

/// <summary>What holds where neither a rule nor the file's <c>defaults</c> say anything.</summary>
static class StandardRules
{
    public const string SnapshotPrefix = "zfsarchive_";
    public const string Sendmail = "/usr/sbin/sendmail";

    public static VerifyRule Verify { get; } = new(TimeSpan.FromDays(30), "stream", null, null);

    public static RepositoryRule Repository { get; } = new(
        "", "", ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal), null, new RetentionPolicy(), Optional: false, Prune: false, RemoveAtMost: 0.5, Grace: TimeSpan.FromDays(7), Verify);

    public static SendRule Send { get; } = new(AllowPlaintext: false, AllowFull: false, Adopt: false, FirstNewest: false, Level: 3, ChunkSize: null);

    public static HookRule Hooks { get; } = new([], [], TimeSpan.FromMinutes(10));

    public static JobRule Job { get; } = new(
        "", "local", [], ByProperty: false, Recursive: false, [], [], SnapshotPrefix: null, KeepOwnSnapshots: null, [], [], SnapshotChoice.All, Send, new(ChainKind.Linear, null, null), null, null, Hooks);

    /// <summary>A web server answers soon or not at all; a program may have work to do.</summary>
    public static TimeSpan WebTimeout { get; } = TimeSpan.FromSeconds(10);

    public static TimeSpan ProgramTimeout { get; } = TimeSpan.FromMinutes(1);
}
