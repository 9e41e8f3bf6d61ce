using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Config;

/// <summary>Where a configuration comes from the disk.</summary>
public static class ConfigurationFile
{
    /// <exception cref="ConfigurationException">With every fault.</exception>
    public static Configuration Load(string path)
    {
        SmallFile file;
        try
        {
            file = SmallFile.Read(path, ConfigurationReader.MostBytes);
        }
        catch (ArchiveException e)
        {
            throw new ConfigurationException([new(path, 0, 0, e.Message.Replace($"{path} ", "", StringComparison.Ordinal))]);
        }
        // it names programs that run with the rights of who reads it
        if ((file.Mode & UnixFileMode.OtherWrite) != 0) throw new ConfigurationException([new(path, 0, 0, $"everybody may write to it, and it names programs that are run: chmod o-w {path}")]);
        if (file.Owner != 0 && file.Owner != Posix.EffectiveUser())
            throw new ConfigurationException([new(path, 0, 0, $"it belongs to user {file.Owner}, neither to root nor to who runs this program, and it names programs that are run: chown it")]);
        return ConfigurationReader.Read(file.Bytes, path);
    }
}
