using ZfsArchive.Night;

namespace ZfsArchive.Cli;

/// <summary>What scripts rely on (README.md, "Exit codes"). Numbers are never used for anything else.</summary>
static class ExitCodes
{
    public const int Done = 0, Failed = 1, Usage = 2, Partly = 3, Damage = 20, TooOld = 21, Interrupted = 130;

    public static int Of(Exception e) => e is OperationCanceledException ? Interrupted : (int)FailureWords.KindOf(e);
}
