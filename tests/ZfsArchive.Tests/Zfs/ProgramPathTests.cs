using ZfsArchive.Processes;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Zfs;

public sealed class ProgramPathTests
{
    [Fact]
    public void A_program_is_taken_from_the_folders_of_the_path_and_from_nowhere_else()
    {
        using var temp = new TempFolder();
        foreach (var folder in new[] { "first", "second" }) Directory.CreateDirectory(temp[folder]);
        var path = $"{temp["first"]}:{temp["second"]}";
        Assert.Null(ProgramPath.Find("zfs", path));

        Write(temp["second/zfs"], "#!/bin/sh");
        Assert.Equal(temp["second/zfs"], ProgramPath.Find("zfs", path));
        // neither what is no program
        File.WriteAllText(temp["first/zfs"], "");
        Assert.Equal(temp["second/zfs"], ProgramPath.Find("zfs", path));
        Write(temp["first/zfs"], "#!/bin/sh");
        Assert.Equal(temp["first/zfs"], ProgramPath.Find("zfs", path));

        // nor where one stands: folders that are not absolute are no places
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), temp["first"]);
        Assert.Null(ProgramPath.Find("zfs", $":.:{relative}"));
        Assert.Equal("./zfs", ProgramPath.Find("./zfs", ""));
    }

    static void Write(string path, string text)
    {
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }
}
