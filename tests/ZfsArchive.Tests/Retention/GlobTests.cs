using ZfsArchive.Model;

namespace ZfsArchive.Tests.Retention;

public sealed class GlobTests
{
    [Theory]
    [InlineData("tank/home", "tank/home", true)]
    [InlineData("tank/home", "tank/homes", false)]
    [InlineData("tank/*", "tank/home", true)]
    [InlineData("tank/*", "tank/home/max", false)]
    [InlineData("tank/**", "tank/home/max", true)]
    [InlineData("**/cache", "tank/home/cache", true)]
    [InlineData("**/cache", "tank/home/cache2", false)]
    [InlineData("*/cache", "tank/home/cache", false)]
    [InlineData("tank/vm-?", "tank/vm-1", true)]
    [InlineData("tank?vm", "tank/vm", false)]
    [InlineData("**/a*b/**", "x/aXb/y/z", true)]
    [InlineData("**/a*b/**", "x/aX/b/y", false)]
    [InlineData("**a*c", "b/a/bac", true)]
    [InlineData("autosnap_*_daily", "autosnap_2026-11-21_daily", true)]
    [InlineData("*", "", true)]
    [InlineData("", "a", false)]
    [InlineData("Tank", "tank", false)]
    public void Names_fit_or_do_not(string pattern, string name, bool fits) => Assert.Equal(fits, Glob.Fits(pattern, name));

    [Fact]
    public void A_hostile_pattern_takes_no_long_time() => Assert.False(Glob.Fits(string.Concat(Enumerable.Repeat("**a", 500)) + "b", new string('a', 5000)));
}
