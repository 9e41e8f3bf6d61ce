namespace ZfsArchive.Tests.Worlds;

/// <summary>A test that needs a real S3 service: skipped where there is none to start, but not in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class S3FactAttribute : FactAttribute
{
    public S3FactAttribute() => Skip = ServerPrograms.WhyNotS3;
}

/// <summary>As <see cref="S3FactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class S3TheoryAttribute : TheoryAttribute
{
    public S3TheoryAttribute() => Skip = ServerPrograms.WhyNotS3;
}

/// <summary>A test that needs a real SFTP server: skipped where there is none to start, but not in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class SftpFactAttribute : FactAttribute
{
    public SftpFactAttribute() => Skip = ServerPrograms.WhyNotSftp;
}

/// <summary>As <see cref="SftpFactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class SftpTheoryAttribute : TheoryAttribute
{
    public SftpTheoryAttribute() => Skip = ServerPrograms.WhyNotSftp;
}

/// <summary>Which of the servers can be started here.</summary>
static class ServerPrograms
{
    static readonly string[] s_folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin", "/sbin"];

    public static string? WhyNotS3 { get; } = WhyNot("no S3 service", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "ceph-authtool", "monmaptool");

    public static string? WhyNotSftp { get; } = WhyNot("no SFTP server", "sshd", "ssh-keygen", "ssh");

    static string? WhyNot(string what, params string[] programs)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true") return null;
        var missing = programs.Where(p => !s_folders.Any(f => File.Exists(Path.Combine(f, p)))).ToList();
        return missing.Count == 0 ? null : $"{what}: {string.Join(", ", missing)} missing; tools/test says what to install";
    }
}
