using System.Collections.Immutable;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Config;

/// <summary>Repositories: places and their rules.</summary>
sealed class RepositoryReader(FaultList faults)
{
    /// <summary>Keys that <c>defaults</c> takes too.</summary>
    public static readonly string[] Common = ["retention", "prune", "remove_at_most", "grace", "verify"];

    public static readonly string[] Keys = ["url", "options", "access_key", "secret_key", "bandwidth", "optional", .. Common];

    readonly HashSet<StoreAddress> _places = [];

    /// <summary>Null when it has no place.</summary>
    public RepositoryRule? Read(ConfigEntry entry, RepositoryRule fallback)
    {
        var section = new Section(faults, $"repository {entry.Key.Quoted}", entry.Value, Keys);
        var options = Options(section);
        var keys = ReadKeys(section, options);
        var rule = ReadCommon(section, fallback) with { Name = entry.Key.Text, Options = options, Keys = keys, Optional = section.Get("optional", ScalarKinds.Flag, fallback.Optional) };
        if (section["url"] is null && (section.IsMap || Section.IsNothing(entry.Value))) faults.Add(entry.Key, $"{section.What} has no url: where is it? A path, s3://bucket/prefix or sftp://user@host:port/path");
        else if (section.Scalar("url", "a path or an address") is { } url && Address(url, options) is { } address)
        {
            if (keys is not null && address is not StoreAddress.Bucket) section.Fault("access_key", "access_key and secret_key are for S3, and this url is not");
            return rule with { Url = url.Text };
        }
        return null;
    }

    public static RepositoryRule ReadCommon(Section section, RepositoryRule fallback) => fallback with
    {
        Retention = PolicyReader.Retention(section) ?? fallback.Retention,
        Prune = section.Get("prune", ScalarKinds.Flag, fallback.Prune),
        RemoveAtMost = section.Get("remove_at_most", ScalarKinds.Part, fallback.RemoveAtMost),
        Grace = section.Get("grace", ScalarKinds.Duration, fallback.Grace),
        Verify = PolicyReader.Verify(section, fallback.Verify),
    };

    StoreAddress? Address(ScalarNode url, ImmutableSortedDictionary<string, string> options)
    {
        if (Paths.HasPassword(url.Text))
        {
            faults.Add(url, "the url has a password in it: S3 takes access_key and secret_key from a file, ssh takes keys");
            return null;
        }
        try
        {
            var address = StoreAddress.Parse(url.Text);
            if (address is StoreAddress.Folder folder && !Paths.IsWhole(folder.Path))
            {
                // not repeated: host:path of other tools may carry a password
                faults.Add(url, "the url is no whole path, from /, and no address: write /path, s3://bucket/prefix or sftp://user@host:port/path");
                return null;
            }
            if (!_places.Add(PlaceOf(address, options))) faults.Add(url, "another repository is at this place already: one place, one repository");
            return address;
        }
        catch (ArchiveException e)
        {
            faults.Add(url, e.Message);
            return null;
        }
    }

    // What two names of the same place have in common.
    static StoreAddress PlaceOf(StoreAddress address, ImmutableSortedDictionary<string, string> options) => address switch
    {
        StoreAddress.Folder folder => new StoreAddress.Folder(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder.Path))),
        StoreAddress.Bucket bucket => bucket with { Endpoint = bucket.Endpoint ?? (options.TryGetValue("s3.endpoint", out var endpoint) ? StoreKey.ReadAddress(endpoint) : null) },
        _ => address,
    };

    ImmutableSortedDictionary<string, string> Options(Section section)
    {
        var options = StandardRules.Repository.Options.ToBuilder();
        var said = new Section(faults, "options", section["options"], [.. StoreKey.All.Select(k => k.Name)]);
        foreach (var key in StoreKey.All)
        {
            if (said.Scalar(key.Name, "a text") is not { } value) continue;
            if (key.WantedInsteadOf(value.Text) is { } wanted) faults.Add(value, $"{key.Name} takes {wanted}{(key.Kind is StoreKeyKind.Address ? ", without a password" : $", not {value.Quoted}")}");
            else if (key.Kind is StoreKeyKind.Path && !Paths.IsWhole(value.Text)) faults.Add(value, $"{key.Name} takes a whole path, from /, not {value.Quoted}: cron and systemd start elsewhere");
            else options[key.Name] = value.Text;
        }
        var bandwidth = new Section(faults, "bandwidth", section["bandwidth"], "upload", "download");
        foreach (var (word, key) in new[] { ("upload", "store.upload-limit"), ("download", "store.download-limit") })
        {
            if (bandwidth.Find(word, ScalarKinds.Rate) is null) continue;
            if (options.ContainsKey(key)) bandwidth.Fault(word, $"{word} and the option {key} are the same: leave one out");
            else options[key] = ((ScalarNode)bandwidth[word]!).Text;
        }
        return options.ToImmutable();
    }

    static AccessKeys? ReadKeys(Section section, ImmutableSortedDictionary<string, string> options)
    {
        var (access, secret) = (SecretReader.Read(section, "access_key"), SecretReader.Read(section, "secret_key"));
        var (hasAccess, hasSecret) = (section["access_key"] is not null, section["secret_key"] is not null);
        if (hasAccess != hasSecret) section.Fault(hasAccess ? "access_key" : "secret_key", "access_key and secret_key are there together, or neither");
        else if (hasAccess && options.ContainsKey("s3.profile")) section.Fault("access_key", "either access_key and secret_key, or the option s3.profile");
        return access is not null && secret is not null ? new(access, secret) : null;
    }
}
