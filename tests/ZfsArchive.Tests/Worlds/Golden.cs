using System.Text.Json;

namespace ZfsArchive.Tests.Worlds;

/// <summary>The real streams under tests/golden, and what is known of them.</summary>
static class Golden
{
    public static string Root { get; } = FindRoot();

    public static string Folder => Path.Combine(Root, "tests", "golden");

    public static JsonElement Index { get; } = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "index.json"))).RootElement;

    public static IEnumerable<JsonElement> Entries => Index.GetProperty("streams").EnumerateArray().Where(e => e.TryGetProperty("size", out _));

    public static bool IsDamaged(string name) => name.StartsWith("damaged-", StringComparison.Ordinal) || name is "resume-part1" or "saved-partial-S";

    public static IEnumerable<string> Names => Entries.Select(e => e.GetProperty("name").GetString()!);

    public static TheoryData<string> Whole => [.. Names.Where(n => !IsDamaged(n))];

    public static TheoryData<string> Damaged => [.. Names.Where(IsDamaged)];

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(Folder, $"{name}.zstream"));

    public static string Dump(string name) => File.ReadAllText(Path.Combine(Folder, $"{name}.dump.txt"));

    public static JsonElement Entry(string name) => Entries.Single(e => e.GetProperty("name").GetString() == name);

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "ZfsArchive.sln"))) return folder.FullName;
        throw new InvalidOperationException("not inside the checkout");
    }
}
