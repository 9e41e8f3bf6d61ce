using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Stores;

public sealed class RetryingStoreConformanceTests : ObjectStoreConformance
{
    protected override IObjectStore NewStore() => new RetryingStore(new MemoryStore(), RetryPolicy.Standard, TimeProvider.System, () => 0.5);
}

public sealed class PacedStoreConformanceTests : ObjectStoreConformance
{
    protected override IObjectStore NewStore() => new PacedStore(new DirectoryStore(Directory.CreateDirectory(Temp["store"]).FullName, TimeProvider.System), 1L << 32, 1L << 32, TimeProvider.System);
}

public sealed class ObservedStoreConformanceTests : ObjectStoreConformance
{
    protected override IObjectStore NewStore() => new ObservedStore(new MemoryStore(), new());
}

/// <summary>All wrappers around a store of which three calls in ten fail for a time.</summary>
public sealed class FlakyStackConformanceTests : ObjectStoreConformance
{
    protected override IObjectStore NewStore() =>
        new ObservedStore(new RetryingStore(new PacedStore(new FlakyStore(new MemoryStore(), 0.3, losesAnswers: false), 1L << 32, 1L << 32, TimeProvider.System), QuickRetry, TimeProvider.System, () => 0), new());

    static RetryPolicy QuickRetry { get; } = new(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2));
}
