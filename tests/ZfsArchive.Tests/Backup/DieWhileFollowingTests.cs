using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Backup;

// The stream agrees with an archive that is there, and then no more.
public sealed partial class DieAnywhereTests
{
    [Fact]
    public async Task A_stream_that_agrees_with_an_archive_for_a_while()
    {
        var first = new SyntheticStream { Blocks = 40 };
        await DieEverywhereAsync(await NewRepositoryAsync(first.Bytes()), (first with { ChangedBlock = 30 }).Bytes(), first.Bytes());
    }
}
