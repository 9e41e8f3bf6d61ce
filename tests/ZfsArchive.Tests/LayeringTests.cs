using System.Reflection;
using System.Reflection.Emit;
using System.Text.RegularExpressions;
using ZfsArchive.Model;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests;

/// <summary>The rooms of the core, and which rooms each may use.</summary>
public sealed partial class LayeringTests
{
    static readonly string s_core = Path.Combine(Golden.Root, "src", "ZfsArchive.Core");

    static readonly Dictionary<string, string[]> s_mayUse = new()
    {
        ["Model"] = [],
        ["SendStream"] = ["Model"],
        ["Chunks"] = ["Model"],
        ["Processes"] = [],
        ["Stores"] = ["Model"],
        ["S3"] = ["Model", "Stores"],
        ["Sftp"] = ["Model", "Processes", "Stores"],
        ["Zfs"] = ["Model", "Processes"],
        ["Manifests"] = ["Model"],
        ["Repository"] = ["Manifests", "Model", "Processes", "Stores"],
        ["Fetch"] = ["Chunks", "Manifests", "Model", "Repository", "SendStream", "Stores"],
        ["Retention"] = ["Model"],
        ["Config"] = ["Model", "Retention", "Stores", "Zfs"],
        ["Backup"] = ["Chunks", "Fetch", "Manifests", "Model", "Repository", "Retention", "SendStream", "Stores", "Zfs"],
        ["Restore"] = ["Fetch", "Manifests", "Model", "Processes", "Repository", "SendStream", "Zfs"],
        ["Doctor"] = ["Stores"],
        ["Copy"] = ["Chunks", "Fetch", "Manifests", "Model", "Repository", "Stores"],
        ["Prune"] = ["Manifests", "Model", "Repository", "Retention", "Stores"],
        ["Alerts"] = ["Config", "Model", "Processes"],
        ["Night"] = ["Backup", "Chunks", "Config", "Manifests", "Model", "Processes", "Prune", "Repository", "Retention", "SendStream", "Stores", "Verify", "Zfs"],
        ["Status"] = ["Manifests", "Model", "Repository", "Stores", "Verify"],
        ["Verify"] = ["Chunks", "Fetch", "Manifests", "Model", "Repository", "SendStream", "Stores"],
    };

    static readonly Dictionary<short, OpCode> s_codes = typeof(OpCodes).GetFields().Where(f => f.FieldType == typeof(OpCode)).Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => c.Value);

    public static TheoryData<string> Rooms => [.. s_mayUse.Keys];

    static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories);

    [Fact]
    public void Every_folder_of_the_core_is_a_room_with_rules() =>
        Assert.Equal(s_mayUse.Keys.Order(StringComparer.Ordinal), Directory.EnumerateDirectories(s_core).Select(d => Path.GetFileName(d)).Where(d => d is not ("bin" or "obj")).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Rooms))]
    public void A_room_names_only_the_rooms_it_may_use(string room)
    {
        foreach (var file in Files(Path.Combine(s_core, room)))
        {
            var text = File.ReadAllText(file);
            Assert.Contains($"namespace ZfsArchive.{room};", text, StringComparison.Ordinal);
            foreach (Match named in Named().Matches(text))
                Assert.True(named.Groups[1].Value == room || s_mayUse[room].Contains(named.Groups[1].Value), $"{Path.GetRelativePath(s_core, file)} names {named.Value}");
        }
    }

    [Theory, MemberData(nameof(Rooms))]
    public void A_room_is_compiled_against_only_the_rooms_it_may_use(string room)
    {
        var wrong = typeof(ArchiveException).Assembly.GetTypes().Where(t => RoomOf(t) == room)
            .SelectMany(type => Used(type).Select(used => (type, room: RoomOf(used), used)))
            .Where(use => use.room is { } other && other != room && !s_mayUse[room].Contains(other))
            .Select(use => $"{use.type} uses {use.used}").Distinct().Order(StringComparer.Ordinal);
        Assert.Empty(wrong);
    }

    [Fact]
    public void No_name_says_nothing()
    {
        var files = new[] { "src", "tests" }.SelectMany(f => Files(Path.Combine(Golden.Root, f))).Select(Path.GetFileNameWithoutExtension);
        var types = new[] { typeof(ArchiveException).Assembly, typeof(ZfsArchive.Cli.ExitCodes).Assembly, typeof(LayeringTests).Assembly }
            .SelectMany(a => a.GetTypes()).Where(t => RoomOf(t) is not null || t.Namespace?.StartsWith("ZfsArchive", StringComparison.Ordinal) == true).ToList();
        Assert.Empty(files.Concat(types.Select(t => t.Name.Split('`')[0])).Where(n => Empty().IsMatch(n!)).Distinct());
        // The base of an incremental is a word of this trade, and such a type is sealed; a base class is not.
        Assert.DoesNotContain(types, t => !t.IsSealed && t.Name.EndsWith("Base", StringComparison.Ordinal));
    }

    static string? RoomOf(Type type)
    {
        while (type.DeclaringType is { } outer) type = outer;
        return type.Namespace is { } name && name.StartsWith("ZfsArchive.", StringComparison.Ordinal) && s_mayUse.ContainsKey(name["ZfsArchive.".Length..]) ? name["ZfsArchive.".Length..] : null;
    }

    // Everything that a type's signatures and method bodies name.
    static IEnumerable<Type> Used(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var used = new List<Type>();
        if (type.BaseType is { } parent) used.Add(parent);
        used.AddRange(type.GetInterfaces());
        used.AddRange(type.GetFields(All).Select(f => f.FieldType));
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            used.AddRange(method.GetParameters().Select(p => p.ParameterType));
            if (method is MethodInfo info) used.Add(info.ReturnType);
            if (method.GetMethodBody() is not { } body) continue;
            used.AddRange(body.LocalVariables.Select(v => v.LocalType));
            used.AddRange(body.ExceptionHandlingClauses.Where(c => c.Flags is ExceptionHandlingClauseOptions.Clause && c.CatchType is not null).Select(c => c.CatchType!));
            used.AddRange(InBody(method, body.GetILAsByteArray()!));
        }
        return used.SelectMany(Flat);
    }

    static IEnumerable<Type> Flat(Type type) =>
        type.HasElementType ? Flat(type.GetElementType()!)
        : type.IsGenericParameter ? []
        : type.IsGenericType ? type.GetGenericArguments().SelectMany(Flat).Append(type.GetGenericTypeDefinition())
        : [type];

    static IEnumerable<Type> InBody(MethodBase method, byte[] code)
    {
        var ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        var ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            var opcode = s_codes[code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at]];
            at += opcode.Size;
            if (opcode.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                var member = method.Module.ResolveMember(BitConverter.ToInt32(code, at), ofType, ofMethod)!;
                if ((member as Type ?? member.DeclaringType) is { } named) yield return named;
                if (member is MethodInfo { IsGenericMethod: true } generic) foreach (var argument in generic.GetGenericArguments()) yield return argument;
            }
            at += opcode.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, at),
                _ => 4,
            };
        }
    }

    [GeneratedRegex("""(?:using (?:static )?|(?<![\w.])(?:global::)?)ZfsArchive\.([A-Z][A-Za-z]*)(?=[.;])""")]
    private static partial Regex Named();

    [GeneratedRegex("(?:Manager|Helper|Helpers|Utils|Common)$")]
    private static partial Regex Empty();
}
