using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace ZfsArchive.Tests.Package;

/// <summary>
/// What the trimmer left of the methods that are shipped. The one of .NET 10 may take away a finally that stands in the handler of
/// another one (dotnet/runtime#131088): a lock then stays held, in our code or in a library's.
/// </summary>
public sealed class LinkedTests
{
    [PackageFact]
    public void No_finally_within_a_handler_went_with_the_trimming()
    {
        // where tools/package/build has it made
        var made = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Shipped.Program)!, "..", "..", "shipped", "obj", "ZfsArchive.Cli", "release_linux-x64"));
        var compared = 0;
        var lost = new List<string>();
        foreach (var original in File.ReadLines(Path.Combine(made, "linked.txt")))
        {
            var linked = Path.Combine(made, "linked", Path.GetFileName(original));
            if (!File.Exists(linked)) continue;
            var (before, after) = (CleanUps(original), CleanUps(linked));
            compared += after.Count;
            lost.AddRange(after.Where(m => m.Value.Regions > 0 && before.TryGetValue(m.Key, out var was) && was.InHandlers > m.Value.InHandlers).Select(m => $"{Path.GetFileName(original)}: {m.Key}"));
        }
        Assert.True(compared > 1000, $"only {compared} methods with handlers were looked at");
        Assert.Empty(lost);
    }

    // Of each method with handlers: how many it has, and how many of them are cleaning up within another handler. A method whose body was
    // taken away as a whole has none, and is never run.
    static Dictionary<string, (int Regions, int InHandlers)> CleanUps(string path)
    {
        var found = new Dictionary<string, (int, int)>();
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        foreach (var handle in metadata.MethodDefinitions)
        {
            var method = metadata.GetMethodDefinition(handle);
            if (method.RelativeVirtualAddress == 0 || file.GetMethodBody(method.RelativeVirtualAddress).ExceptionRegions is not { IsEmpty: false } regions) continue;
            var inHandlers = regions.Count(r => r.Kind is ExceptionRegionKind.Finally or ExceptionRegionKind.Fault
                && regions.Any(outer => outer.HandlerOffset <= r.TryOffset && r.HandlerOffset + r.HandlerLength <= outer.HandlerOffset + outer.HandlerLength));
            var name = $"{NameOf(metadata, method.GetDeclaringType())}.{metadata.GetString(method.Name)}({method.GetParameters().Count})";
            // of overloads that look alike the least is taken of what is left, and of what was
            found[name] = found.TryGetValue(name, out var other) ? (int.Min(other.Item1, regions.Length), int.Min(other.Item2, inHandlers)) : (regions.Length, inHandlers);
        }
        return found;
    }

    static string NameOf(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        var outer = type.GetDeclaringType();
        return outer.IsNil ? $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}" : $"{NameOf(metadata, outer)}/{metadata.GetString(type.Name)}";
    }
}
