namespace ZfsArchive.Tests;
public class LayeringTests { [Fact] public void T() => Assert.True(true); }
