namespace ZfsArchive.Tests.EndToEnd;

/// <summary>A test that needs the virtual machine: skipped where there is none, but not in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class VmFactAttribute : FactAttribute
{
    public VmFactAttribute()
    {
        if (VirtualMachine.Tool is null && Environment.GetEnvironmentVariable("CI") != "true") Skip = VirtualMachine.WhyNot;
    }
}
