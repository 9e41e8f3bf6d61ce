namespace ZfsArchive.Tests.Package;

/// <summary>A test of the package as it is shipped: skipped where there is none, but not in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class PackageFactAttribute : FactAttribute
{
    public PackageFactAttribute()
    {
        if (Shipped.Package is null && Environment.GetEnvironmentVariable("CI") != "true") Skip = Shipped.WhyNot;
    }
}

/// <summary>What tools/package/build made; tools/test calls it and says where.</summary>
static class Shipped
{
    /// <summary>The Debian package.</summary>
    public static string? Package { get; } = Environment.GetEnvironmentVariable("ZFSARCHIVE_PACKAGE") is { Length: > 0 } named ? named : null;

    public static string WhyNot { get; } =
        Environment.GetEnvironmentVariable("ZFSARCHIVE_PACKAGE_WHY") is { Length: > 0 } why ? $"no package: {why}" : "no package: ZFSARCHIVE_PACKAGE is not set; tools/test sets it";

    /// <summary>The program that is in it.</summary>
    public static string Program => Path.Combine(Path.GetDirectoryName(Package ?? throw new InvalidOperationException(WhyNot))!, "program", "zfsarchive");
}
