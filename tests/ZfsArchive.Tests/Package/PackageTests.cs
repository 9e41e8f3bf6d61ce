using ZfsArchive.Tests.EndToEnd;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Package;

/// <summary>The Debian package in a bare Debian: tools/package/check.</summary>
public sealed class PackageTests
{
    [PackageFact]
    public Task It_installs_works_and_leaves_nothing_behind() => CheckAsync("program");

    [PackageFact]
    public Task Its_units_manuals_and_completions_are_understood() => CheckAsync("files");

    static async Task CheckAsync(string scenario)
    {
        if (Shipped.Package is not { } package) throw new InvalidOperationException(Shipped.WhyNot);
        (await Child.RunAsync(Path.Combine(Golden.Root, "tools", "package", "check"), [scenario, package], TimeSpan.FromMinutes(5))).Must(0).Says("good");
    }
}
