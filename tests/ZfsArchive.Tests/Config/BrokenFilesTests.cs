using System.Text;
using ZfsArchive.Config;
using ZfsArchive.Model;

namespace ZfsArchive.Tests.Config;

/// <summary>Each way to get it wrong, and the line and words that tell.</summary>
public sealed class BrokenFilesTests
{
    const string Secret = "hunter2";

    /// <summary>A repository and a job, with lines added: to the repository (from line 4), the job (from line 4), or the whole (from line 3).</summary>
    static string Repository(string lines) => $"repositories:\n  disk:\n    url: /mnt/zfs\n{Indented(lines)}";

    static string Job(string lines) => $"repositories: {{disk: {{url: /mnt/zfs}}, offsite: {{url: 's3://bucket/zfs'}}}}\njobs:\n  home:\n{Indented(lines)}";

    static string Whole(string lines) => $"repositories:\n  disk: {{url: /mnt/zfs}}\n{lines}";

    static string Indented(string lines) => string.Join('\n', lines.Split('\n').Select(l => "    " + l));

    public static TheoryData<string, int, string> Files => new()
    {
        // the text itself
        { "", 1, "the file is empty" },
        { "# nothing\n", 1, "the file is empty" },
        { "---\n...\n", 1, "says nothing" },
        { "jobs: {}\n", 1, "there are no repositories" },
        { "repositories:\n", 1, "there are no repositories" },
        { "just words", 1, "the configuration takes keys (repositories, jobs, notify, defaults), not a text" },
        { "- a\n- b\n", 1, "not a list" },
        { "repositories:\n\tdisk: {url: /a}\n", 2, "a tab" },
        { "repositories:\n  disk:\n\turl: /a\n", 3, "this line is indented with a tab" },
        { "repositories:\n  disk:\n  \turl: /a\n    prune: true\n", 3, "this line is indented with a tab" },
        { Job("datasets: tank\nhooks:\n\t  before: /bin/true"), 6, "this line is indented with a tab" },
        { "repositories:\n  disk:\n    url: \"/a\n    optional: true\n", 3, "a quote" },
        { "repositories:\n  disk: {url: /a\njobs: {}\n", 2, "is not closed" },
        { "repositories:\n  disk:\n    url: a: b\n", 3, "a ':' does not fit here" },
        { "repositories:\n  disk:\n    url: /a\n   optional: true\n", 4, "indented like its neighbours" },
        { "repositories:\n  disk:\n    url: /a\n    optional\n    prune: true\n", 4, "is a ':' missing" },
        { Whole("jobs:\n  a: {datasets: [a, b}\n"), 4, "a list in [ ] is not closed" },
        { Whole("---\njobs: {}\n"), 3, "a second document begins here" },
        { Job("datasets: [tank]\nexclude: [*/cache]"), 5, "a value that begins with *" },
        { Job("datasets: [tank]\nexclude: [*frequently]"), 5, "a value that begins with * stands in quotes" },
        { Repository("retention: &keep {daily: 1}"), 4, "anchors (&name) are not taken" },
        { Repository("grace: !!str 7d"), 4, "tags (!name) are not taken" },
        { Repository("url: /other"), 4, "'url' stands here for the second time, first in line 3" },
        { Whole("  disk: {url: /other}"), 3, "second time, first in line 2" },
        { Whole("? [a]\n: b\n"), 3, "a key is a word" },
        { Whole($"jobs: {new string('[', 40)}{new string(']', 40)}"), 3, "more than 16 deep" },
        { "repositories: \u0001", 1, "a control character" },
        // keys
        { Whole("repository: {}"), 3, "'repository' is no key of the configuration: did you mean repositories?" },
        { Whole("backups: {}"), 3, "did you mean jobs?" },
        { Repository("retension: {daily: 3}"), 4, "'retension' is no key of repository 'disk': did you mean retention?" },
        { Repository("max-age: 3d"), 4, "'max-age' is no key of repository 'disk'" },
        { Repository("max_age: 3d"), 4, "'max_age' is no key of repository 'disk': max_age belongs to a job" },
        { Job("datasets: tank\nverify: never"), 5, "verify belongs to a repository" },
        { Whole("retention: {daily: 1}"), 3, "retention belongs to a repository or a job" },
        { Repository("jobs: {}"), 4, "jobs begins a line, without blanks before it" },
        { Whole("  jobs:\n    home: {datasets: a}\n"), 3, "'jobs' cannot be the name of a repository: jobs begins a line" },
        { Repository("remove-at-most: 10%"), 4, "did you mean remove_at_most?" },
        { Repository("keep: {daily: 3}"), 4, "did you mean retention?" },
        { Repository("zzzzzzzzzzzz: 1"), 4, "keys are url, options" },
        { Job("dataset: tank"), 4, "did you mean datasets?" },
        { Job("datasets: tank\nsend: {compression: 3}"), 5, "did you mean compress?" },
        { Job("datasets: tank\nhooks: {run_before: /bin/true}"), 5, "did you mean before?" },
        { Repository("verify: {cylce: 3d}"), 4, "did you mean cycle?" },
        // values
        { Repository("optional: maybe"), 4, "optional takes true or false, not 'maybe'" },
        { Repository("optional:"), 4, "optional takes true or false, not nothing" },
        { Repository("optional: [true]"), 4, "optional takes true or false, not a list" },
        { Repository("grace: 6mo"), 4, "grace takes a duration: a whole number of s, m (minutes), h, d, w or y, such as 10m, 36h or 30d, not '6mo'" },
        { Repository("grace: 7"), 4, "not '7'" },
        { Repository("grace: -7d"), 4, "not '-7d'" },
        { Repository("grace: 1.5d"), 4, "not '1.5d'" },
        { Repository("grace: 999999999y"), 4, "grace takes a duration" },
        { Repository("remove_at_most: 50"), 4, "a part from 1% to 100%, such as 50%, not '50'" },
        { Repository("remove_at_most: 0%"), 4, "not '0%'" },
        { Repository("remove_at_most: 101%"), 4, "not '101%'" },
        { Repository("retention: {hourly: 0, daily: 0}"), 4, "would keep nothing" },
        { Repository("retention: {}"), 4, "retention: everything" },
        { Repository("retention: {daily: -1}"), 4, "daily takes a number from 0 to 1000000, not '-1'" },
        { Repository("retention: {daily: many}"), 4, "not 'many'" },
        { Repository("retention: {daily: 1, keep_daily: 2}"), 4, "keep_daily and daily are the same" },
        { Repository("retention: all"), 4, "retention takes keys" },
        { Repository("retention: [daily]"), 4, "not a list" },
        { Repository("verify: {level: deep}"), 4, "level takes chain, objects, data or stream, not 'deep'" },
        { Repository("verify: {max_bytes: 100GB}"), 4, "max_bytes takes a size" },
        { Repository("verify: {max_bytes: 0}"), 4, "max_bytes takes a size" },
        { Repository("verify: {max_bytes: 99999999999T}"), 4, "max_bytes takes a size" },
        { Repository("bandwidth: {upload: fast}"), 4, "upload takes bytes a second, at least 1K, such as 500K or 10M, not 'fast'" },
        { Repository("bandwidth: {upload: 1M}\noptions: {store.upload-limit: 2M}"), 4, "are the same" },
        { Repository("options: {s3.end-point: https://a}"), 4, "did you mean s3.endpoint?" },
        { Repository("options: {sftp.connections: 99}"), 4, "a number from 1 to 32, not '99'" },
        { Repository("options: {sftp.identity: .ssh/id}"), 4, "whole path" },
        { Repository("options: {s3.path-style: perhaps}"), 4, "true or false, not 'perhaps'" },
        { Repository($"options: {{s3.endpoint: 'https://me:{Secret}@host'}}"), 4, "s3.endpoint takes an address" },
        // places
        { "repositories:\n  disk: {optional: true}\n", 2, "repository 'disk' has no url" },
        { "repositories:\n  disk: /mnt/zfs\n", 2, "repository 'disk' takes keys (url," },
        { "repositories: [disk]\n", 1, "the name of each repository" },
        { "repositories:\n  Disk: {url: /a}\n", 2, "'Disk' cannot be the name of a repository" },
        { "repositories:\n  /mnt/a: {url: /a}\n", 2, "cannot be the name" },
        { "repositories:\n  a: {url: backup/zfs}\n", 2, "no whole path" },
        { "repositories:\n  a: {url: 'ftp://host/a'}\n", 2, "no place that this zfsarchive knows" },
        { "repositories:\n  a: {url: 's3://B!/zfs'}\n", 2, "no name of a bucket" },
        { $"repositories:\n  a: {{url: 'sftp://me:{Secret}@host/zfs'}}\n", 2, "has a password in it" },
        { $"repositories:\n  a: {{url: 's3:https://key:{Secret}@host/b/zfs'}}\n", 2, "has a password in it" },
        { "repositories:\n  a: {url: /mnt/zfs}\n  b: {url: /mnt/zfs/}\n", 3, "another repository is at this place" },
        { "repositories:\n  a: {url: 's3://bucket/zfs', options: {s3.endpoint: 'https://h'}}\n  b: {url: 's3:https://h/bucket/zfs'}\n", 3, "another repository is at this place" },
        // secrets
        { Repository($"access_key: {Secret}\nsecret_key: {Secret}"), 4, "access_key: secrets do not belong in this file" },
        { Repository($"access_key: [{Secret}]\nsecret_key: {{file: /a}}"), 4, "secrets do not belong" },
        { Repository($"access_key: {{value: {Secret}}}\nsecret_key: {{file: /a}}"), 4, "'value' is no key of the secret access_key" },
        { Repository($"access_key: {{file: {Secret}}}\nsecret_key: {{file: /a}}"), 4, "whole path" },
        { Repository($"access_key: {{env: '{Secret} x'}}\nsecret_key: {{file: /a}}"), 4, "the name of a variable" },
        { Repository($"access_key: {{credential: '../{Secret}'}}\nsecret_key: {{file: /a}}"), 4, "LoadCredential" },
        { Repository("access_key: {file: /a, env: A}\nsecret_key: {file: /a}"), 4, "exactly one of" },
        { Job("datasets: a").Replace("'s3://bucket/zfs'", "'s3://bucket/zfs', access_key: {file: /a}", StringComparison.Ordinal), 1, "there together, or neither" },
        { Repository("access_key: {file: /a}\nsecret_key: {file: /a}"), 4, "are for S3" },
        { "repositories: {a: {url: 's3://bucket/zfs', access_key: {file: /a}, secret_key: {file: /b}, options: {s3.profile: p}}}", 1, "either access_key and secret_key, or the option s3.profile" },
        // jobs
        { Job("recursive: true"), 3, "job 'home' has no datasets" },
        { Job("datasets: []"), 3, "has no datasets" },
        { Job("by_property: false"), 3, "zfsarchive:job=home" },
        { Job("datasets: /tank/home"), 4, "begins with /" },
        { Job("datasets: tank/home@a"), 4, "names a snapshot" },
        { Job("datasets: [tank, tank//a]"), 4, "a / too many" },
        { Job("datasets: [tank, 'ta$nk']"), 4, "'ta$nk' cannot be the name of a dataset" },
        { Job("datasets: [tank, -r]"), 4, "'-r' cannot be" },
        { Job("datasets: [tank, tank]"), 4, "names 'tank' twice" },
        { Job("datasets: [tank, [a]]"), 4, "datasets takes names of datasets, not a list" },
        { Job("datasets: tank\nrepositories: ofsite"), 5, "there is no repository 'ofsite': did you mean offsite?" },
        { Job("datasets: tank\nrepositories: [disk, elsewhere]"), 5, "there is no repository 'elsewhere'; repositories are disk, offsite" },
        { Job("datasets: tank\nrepositories: []"), 5, "leave the key out" },
        { Job($"datasets: tank\nsource: 'ssh://me:{Secret}@nas'"), 5, "has a password in it" },
        { Job("datasets: tank\nsource: ssh nas"), 5, "write ssh://[user@]host[:port]" },
        { Job("datasets: tank\nsnapshot: sometimes"), 5, "snapshot takes true, false or {prefix: …, keep: …}, not 'sometimes'" },
        { Job("datasets: tank\nsnapshot: {prefix: 'a b'}"), 5, "cannot begin a snapshot's name" },
        { Job("datasets: tank\nsnapshot: {prefix: ''}"), 5, "cannot begin a snapshot's name" },
        { Job("datasets: tank\nsnapshot: {keep: 0}"), 5, "keep takes a number from 1" },
        { Job("datasets: tank\nsnapshots: {include: 'a@b'}"), 5, "only what stands behind the @" },
        { Job("datasets: tank\nsnapshots: {select: some}"), 5, "select takes all, wanted or newest, not 'some'" },
        { Job("datasets: tank\nsend: {first: last}"), 5, "first takes oldest or newest" },
        { Job("datasets: tank\nsend: {compress: 22}"), 5, "a number from 0 to 19, not '22'" },
        { Job("datasets: tank\nsend: {chunk_size: 65}"), 5, "a number from 1 to 64" },
        { Job("datasets: tank\nchain: round"), 5, "chain takes linear or tiered, not 'round'" },
        { Job("datasets: tank\nchain: {kind: tiered}"), 5, "chain takes linear or tiered, not keys" },
        { Job("datasets: tank\nnew_full: monthly"), 5, "new_full takes keys (max_age, max_length)" },
        { Job("datasets: tank\nmax_age: 0h"), 5, "not '0h'" },
        { Job("datasets: tank\nhooks: {before: bin/stop}"), 5, "its whole path" },
        { Job("datasets: tank\nhooks: {before: [/bin/stop, now]}"), 5, "its arguments stand in the same list" },
        { Job("datasets: tank\nhooks: {before: /bin/stop now}"), 5, "no shell takes this text apart" },
        { Job("datasets: tank\nhooks: {before: [[]]}"), 5, "an empty list" },
        { Whole("jobs: [home]"), 3, "the name of each job" },
        { Whole("jobs: {Home: {datasets: a}}"), 3, "'Home' cannot be the name of a job" },
        // notify
        { Whole("notify: [{when: always}]"), 3, "takes one of ping, webhook, mail, command" },
        { Whole("notify:\n  - mail: root\n    ping: https://a\n"), 4, "one of ping, mail" },
        { Whole("notify:\n  - root\n"), 4, "a notification takes keys" },
        { Whole("notify: [{ping: 'hc.example.net'}]"), 3, "begins with https://" },
        { Whole($"notify: [{{ping: 'https://me:{Secret}@a'}}]"), 3, "without user and password" },
        { Whole("notify: [{mail: root, when: sometimes}]"), 3, "when takes always or failure" },
        { Whole("notify: [{mail: '-oQ/tmp'}]"), 3, "to takes one address" },
        { Whole("notify: [{mail: {from: a}}]"), 3, "nobody that it goes to" },
        { Whole("notify: [{mail: {to: a, sendmail: sendmail}}]"), 3, "whole path" },
        { Whole("notify: [{command: [tell, me]}]"), 3, "its whole path" },
        { Whole("notify: [{command: []}]"), 3, "an empty list" },
        { Whole("notify: [{webhook: {template: '{}'}}]"), 3, "has no url" },
        { Whole("notify: [{webhook: {url: 'https://a', template: '{\"a\": {{summary}}}'}}]"), 3, "is not JSON" },
        { Whole("notify: [{webhook: {url: 'https://a', template: '{\"a\": \"{{sumary}}\"}'}}]"), 3, "did you mean summary?" },
        { Whole($"notify: [{{webhook: {{url: 'https://a', headers: {{Authorization: Bearer {Secret}}}}}}}]"), 3, "Authorization: secrets do not belong" },
        { Whole($"notify: [{{webhook: {{url: 'https://a', headers: {{X-Api-Token: {Secret}}}}}}}]"), 3, "secrets do not belong" },
        { Whole("notify: [{webhook: {url: 'https://a', headers: {'a b': c}}}]"), 3, "cannot be the name of a header" },
        // defaults
        { Whole("defaults: {url: /a}"), 3, "'url' is no key of defaults" },
        { Whole("defaults: {max_age: soon}"), 3, "max_age takes a duration" },
    };

    [Theory, MemberData(nameof(Files))]
    public void A_fault_is_told_with_its_line(string text, int line, string words)
    {
        var failure = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(text, "c.yaml"));
        Assert.True(failure.Faults.Any(f => f.Line == line && f.Message.Contains(words, StringComparison.Ordinal)), $"not in line {line} '{words}':\n{failure.Message}");
        Assert.Equal(FailureKind.Usage, failure.Kind);
        Assert.DoesNotContain(Secret, failure.Message, StringComparison.Ordinal);
        Assert.All(failure.Message.Split('\n'), l => Assert.Matches(@"^c\.yaml:\d+: .", l));
    }

    [Fact]
    public void A_fault_brings_no_others_with_it()
    {
        foreach (var file in Files.Where(f => !((string)f[2]).Contains("same", StringComparison.Ordinal)))
        {
            var failure = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read((string)file[0], "c.yaml"));
            Assert.True(failure.Faults.Length <= 2, failure.Message);
        }
    }

    [Fact]
    public void All_faults_are_told_at_once_in_the_order_of_the_file()
    {
        var failure = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read("""
            repositories:
              disk:
                urll: /mnt/zfs
                grace: soon
            jobs:
              home:
                datasets: tank@a
                repositories: dsk
            notify: [{}]
            extra: 1
            """, "c.yaml"));
        Assert.Equal([2, 3, 4, 7, 8, 9, 10], failure.Faults.Select(f => f.Line));
        Assert.Equal("c.yaml:8: there is no repository 'dsk': did you mean disk?", failure.Message.Split('\n')[4]);
    }

    [Fact]
    public void What_is_not_UTF_8_is_told_with_its_line()
    {
        var failure = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read([.. "repositories:\n  a: {url: /"u8, 0xE4, .. "}\n"u8], "c.yaml"));
        Assert.Equal(new ConfigurationFault("c.yaml", 2, 13, "this is not UTF-8: save the file in that encoding"), Assert.Single(failure.Faults));
        Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(GoodFiles.Small)).ToArray(), "c.yaml"));
    }

    [Fact]
    public void A_huge_file_is_refused_by_its_size_and_a_large_one_in_time()
    {
        var huge = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(new byte[ConfigurationReader.MostBytes + 1], "c.yaml"));
        Assert.Equal("c.yaml: the file is larger than 1 MiB: this is no configuration", huge.Message);
        foreach (var bad in new[] { "[", "{", "- ", "a: ", "\"", "a:\n ", "? ", "*a ", "&a ", "|\n", "a,", "\n" })
        {
            var text = string.Concat(Enumerable.Repeat(bad, 1000 * 1000 / bad.Length));
            var clock = System.Diagnostics.Stopwatch.StartNew();
            Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(text, "c.yaml"));
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(1), $"'{bad}' took {clock.Elapsed}");
        }
    }
}
