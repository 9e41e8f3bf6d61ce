using ZfsArchive.Tests.Package;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.EndToEnd;

/// <summary>A test that needs the virtual machine: skipped where there is none, but not in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
class VmFactAttribute : FactAttribute
{
    public VmFactAttribute()
    {
        if (VirtualMachine.Tool is null && Environment.GetEnvironmentVariable("CI") != "true") Skip = VirtualMachine.WhyNot;
    }
}

/// <summary>As <see cref="VmFactAttribute"/>, and it needs the Debian package.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class VmPackageFactAttribute : VmFactAttribute
{
    public VmPackageFactAttribute()
    {
        if (Shipped.Package is null && Environment.GetEnvironmentVariable("CI") != "true") Skip ??= Shipped.WhyNot;
    }
}

/// <summary>As <see cref="VmFactAttribute"/>, and it needs a real S3 service.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class VmS3FactAttribute : VmFactAttribute
{
    public VmS3FactAttribute() => Skip ??= ServerPrograms.WhyNotS3;
}

/// <summary>As <see cref="VmFactAttribute"/>, and it needs a real SFTP server.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class VmSftpFactAttribute : VmFactAttribute
{
    public VmSftpFactAttribute() => Skip ??= ServerPrograms.WhyNotSftp;
}
