using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;

namespace ZfsArchive.Config;

/// <summary>Reads <c>config.yaml</c> (README.md, "The configuration"). All that is wrong with it is told at once.</summary>
public static class ConfigurationReader
{
    /// <summary>A larger file is none that a person wrote.</summary>
    public const int MostBytes = 1 << 20;

    internal static readonly string[] Keys = ["repositories", "jobs", "notify", "defaults"];

    /// <param name="file">For faults.</param>
    /// <exception cref="ConfigurationException">With every fault.</exception>
    public static Configuration Read(ReadOnlySpan<byte> bytes, string file)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        if (bytes.Length > MostBytes) throw new ConfigurationException([new(file, 0, 0, $"the file is larger than {MostBytes >> 20} MiB: this is no configuration")]);
        var text = new char[bytes.Length];
        if (Utf8.ToUtf16(bytes, text, out var read, out var written, replaceInvalidSequences: false) is OperationStatus.Done) return Read(new string(text, 0, written), file);
        var before = bytes[..read];
        throw new ConfigurationException([new(file, before.Count((byte)'\n') + 1, read - before.LastIndexOf((byte)'\n'), "this is not UTF-8: save the file in that encoding")]);
    }

    /// <inheritdoc cref="Read(ReadOnlySpan{byte}, string)"/>
    public static Configuration Read(string text, string file)
    {
        var faults = new FaultList(file);
        if (text.Length > MostBytes) faults.Add(0, 0, $"the file is larger than {MostBytes >> 20} MiB: this is no configuration");
        var root = faults.IsEmpty ? ConfigText.Parse(text, faults) : null;
        faults.ThrowIfAny();
        var configuration = Whole(new Section(faults, "the configuration", root, Keys), file);
        if (Section.IsNothing(root)) faults.Add(1, 1, "the file says nothing: it wants repositories, at least");
        else if (root is MapNode && configuration.Repositories.IsEmpty && faults.IsEmpty) faults.Add(root, "there are no repositories: where are archives to be kept?");
        faults.ThrowIfAny();
        return configuration;
    }

    static Configuration Whole(Section section, string file)
    {
        var faults = section.Faults;
        var defaults = new Section(faults, "defaults", section["defaults"], [.. RepositoryReader.Common, .. JobReader.Common]);
        var (ofRepositories, ofJobs) = (RepositoryReader.ReadCommon(defaults, StandardRules.Repository), JobReader.ReadCommon(defaults, StandardRules.Job));
        var repositories = Named(section, "repositories", "repository");
        var reader = new RepositoryReader(faults);
        var rules = repositories.Select(e => reader.Read(e, ofRepositories)).OfType<RepositoryRule>().ToImmutableArray();
        var jobs = new JobReader(faults, [.. repositories.Select(e => e.Key.Text)]);
        return new(file, rules, [.. Named(section, "jobs", "job").Select(e => jobs.Read(e, ofJobs))], [.. Notifications(section)]);
    }

    static ImmutableArray<ConfigEntry> Named(Section section, string key, string what)
    {
        if (section[key] is not { } node) return [];
        if (node is not MapNode map)
        {
            section.Faults.Add(node, $"{key} takes keys (the name of each {what}), not {node.Shape}");
            return [];
        }
        // a section that is indented too deep
        var (inside, named) = (map.Entries.Where(e => Keys.Contains(e.Key.Text)), map.Entries.Where(e => !Keys.Contains(e.Key.Text)).ToImmutableArray());
        foreach (var entry in inside) section.Faults.Add(entry.Key, $"{entry.Key.Quoted} cannot be the name of a {what}{KeyOwners.Of(entry.Key.Text)}");
        foreach (var entry in named.Where(e => !RuleName.IsValid(e.Key.Text))) section.Faults.Add(entry.Key, $"{entry.Key.Quoted} cannot be the name of a {what}: it has {RuleName.Wanted}");
        return named;
    }

    // One may stand there without a list.
    static IEnumerable<NotifyRule> Notifications(Section section) => section["notify"] switch
    {
        null => [],
        ListNode list => list.Items.Select(item => NotifyReader.Read(section.Faults, item)).OfType<NotifyRule>(),
        var one => NotifyReader.Read(section.Faults, one) is { } rule ? [rule] : [],
    };
}
