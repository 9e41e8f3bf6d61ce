using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace ZfsArchive.Stores;

/// <summary>The small objects by which it is tried out what a store does.</summary>
public static partial class Probes
{
    const string Prefix = "records/probe-";

    /// <summary>A trial takes minutes.</summary>
    static readonly TimeSpan s_longestTrial = TimeSpan.FromHours(1);

    /// <summary>A name that nobody has.</summary>
    public static ObjectKey NewKey() => new(Prefix + NewId());

    /// <summary>One of many names of a trial.</summary>
    /// <param name="id">From <see cref="NewId"/>.</param>
    /// <param name="number">From 1 on.</param>
    public static ObjectKey Key(string id, int number) => new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Prefix}{id}-{number}"));

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>Removes what trials have left that were killed, as far as it is too old to be of one under way. Where that cannot be done it stays: it costs some space.</summary>
    public static async Task RemoveLeftAsync(IObjectStore store, CancellationToken cancel)
    {
        try
        {
            await RemoveAsync(store, cancel);
        }
        catch (StoreException)
        {
            // the next one may
        }
    }

    static async Task RemoveAsync(IObjectStore store, CancellationToken cancel)
    {
        var left = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(Prefix, cancel))
            if (Name().IsMatch(info.Key.Text)) left.Add(info);
        if (left.Count == 0) return;
        var old = await store.TimeAsync(cancel) - s_longestTrial;
        foreach (var probe in left.Where(p => p.ModifiedAt < old)) await store.DeleteAsync(probe.Key, cancel);
    }

    [GeneratedRegex("\\Arecords/probe-[0-9a-f]{16}(-[1-9][0-9]{0,8})?\\z")]
    private static partial Regex Name();
}
