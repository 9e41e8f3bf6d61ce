using System.Collections.Immutable;
using System.Text.Json.Nodes;
using ZfsArchive.Retention;

namespace ZfsArchive.Config;

/// <summary>A configuration in the keys of its file: read again, it is the same. Without <c>defaults</c>, which are in every rule already.</summary>
/// <param name="everything">Also what holds without being said.</param>
public sealed class ConfigurationOutline(bool everything)
{
    public JsonObject Of(Configuration configuration)
    {
        var all = configuration.Repositories.Select(r => r.Name).ToImmutableArray();
        var outline = new JsonObject { ["repositories"] = Named(configuration.Repositories, r => r.Name, Of) };
        if (everything || !configuration.Jobs.IsEmpty) outline["jobs"] = Named(configuration.Jobs, j => j.Name, j => Of(j, all));
        if (everything || !configuration.Notify.IsEmpty) outline["notify"] = new JsonArray([.. configuration.Notify.Select(Of)]);
        return outline;
    }

    JsonObject Of(RepositoryRule rule)
    {
        var standard = StandardRules.Repository;
        var outline = new JsonObject { ["url"] = rule.Url };
        if (everything || !rule.Options.IsEmpty) outline["options"] = Named(rule.Options, o => o.Key, o => o.Value);
        if (rule.Keys is { } keys) (outline["access_key"], outline["secret_key"]) = (Of(keys.AccessKey), Of(keys.SecretKey));
        Put(outline, "retention", rule.Retention, standard.Retention, Of);
        Put(outline, "optional", rule.Optional, standard.Optional, v => v);
        Put(outline, "prune", rule.Prune, standard.Prune, v => v);
        Put(outline, "remove_at_most", rule.RemoveAtMost, standard.RemoveAtMost, v => ScalarKinds.WritePart(v));
        Put(outline, "grace", rule.Grace, standard.Grace, v => ScalarKinds.Write(v));
        Put(outline, "verify", rule.Verify, standard.Verify, Of);
        return outline;
    }

    JsonObject Of(JobRule rule, ImmutableArray<string> all)
    {
        var standard = StandardRules.Job;
        var outline = new JsonObject();
        Put(outline, "source", rule.Source, standard.Source, v => v);
        PutTexts(outline, "datasets", rule.Datasets, standard.Datasets);
        Put(outline, "by_property", rule.ByProperty, standard.ByProperty, v => v);
        Put(outline, "recursive", rule.Recursive, standard.Recursive, v => v);
        PutTexts(outline, "exclude", rule.Exclude, standard.Exclude);
        PutTexts(outline, "repositories", rule.Repositories, all);
        Put(outline, "snapshot", (rule.SnapshotPrefix, rule.KeepOwnSnapshots), (null, null), v => OfSnapshot(v.SnapshotPrefix, v.KeepOwnSnapshots));
        var snapshots = new JsonObject();
        PutTexts(snapshots, "include", rule.Snapshots, standard.Snapshots);
        PutTexts(snapshots, "exclude", rule.ExcludeSnapshots, standard.ExcludeSnapshots);
        Put(snapshots, "select", rule.Select, standard.Select, v => v.ToString().ToLowerInvariant());
        if (snapshots.Count > 0) outline["snapshots"] = snapshots;
        Put(outline, "send", rule.Send, standard.Send, Of);
        Put(outline, "chain", rule.Chain.Kind, standard.Chain.Kind, v => v.ToString().ToLowerInvariant());
        Put(outline, "new_full", (rule.Chain.MaxAge, rule.Chain.MaxLength), (null, null), v => OfNewFull(v.MaxAge, v.MaxLength));
        if (rule.Retention is { } retention) outline["retention"] = Of(retention);
        Put(outline, "max_age", rule.MaxAge, standard.MaxAge, v => v is { } age ? ScalarKinds.Write(age) : "never");
        var hooks = new JsonObject();
        if (everything || !rule.Hooks.Before.IsEmpty) hooks["before"] = Of(rule.Hooks.Before);
        if (everything || !rule.Hooks.After.IsEmpty) hooks["after"] = Of(rule.Hooks.After);
        Put(hooks, "timeout", rule.Hooks.Timeout, standard.Hooks.Timeout, v => ScalarKinds.Write(v));
        if (hooks.Count > 0) outline["hooks"] = hooks;
        return outline;
    }

    JsonObject Of(NotifyRule rule)
    {
        var outline = new JsonObject();
        (outline[KeyOf(rule)], var when, var timeout) = rule switch
        {
            NotifyRule.Ping ping => (Of(ping.Url), NotifyWhen.Always, StandardRules.WebTimeout),
            NotifyRule.Webhook webhook => (Of(webhook), NotifyWhen.Failure, StandardRules.WebTimeout),
            NotifyRule.Mail mail => (Of(mail), NotifyWhen.Failure, StandardRules.ProgramTimeout),
            NotifyRule.Program program => (Texts(program.Command), NotifyWhen.Failure, StandardRules.ProgramTimeout),
            _ => throw new NotSupportedException(rule.ToString()),
        };
        Put(outline, "when", rule.When, when, v => v.ToString().ToLowerInvariant());
        Put(outline, "timeout", rule.Timeout, timeout, v => ScalarKinds.Write(v));
        return outline;
    }

    static string KeyOf(NotifyRule rule) => rule switch { NotifyRule.Ping => "ping", NotifyRule.Webhook => "webhook", NotifyRule.Mail => "mail", _ => "command" };

    static JsonObject Of(NotifyRule.Webhook webhook)
    {
        var outline = new JsonObject { ["url"] = Of(webhook.Url) };
        if (webhook.Template is { } template) outline["template"] = template;
        if (!webhook.Headers.IsEmpty) outline["headers"] = Named(webhook.Headers, h => h.Key, h => Of(h.Value));
        return outline;
    }

    JsonObject Of(NotifyRule.Mail mail)
    {
        var outline = new JsonObject { ["to"] = mail.To };
        if (mail.From is { } from) outline["from"] = from;
        Put(outline, "sendmail", mail.Sendmail, StandardRules.Sendmail, v => v);
        return outline;
    }

    JsonNode Of(VerifyRule rule)
    {
        if (rule.Cycle is not { } cycle) return "never";
        var outline = new JsonObject { ["cycle"] = ScalarKinds.Write(cycle) };
        Put(outline, "level", rule.Level, StandardRules.Verify.Level, v => v);
        if (rule.MaxBytes is { } bytes) outline["max_bytes"] = ScalarKinds.WriteSize(bytes);
        if (rule.MaxTime is { } time) outline["max_time"] = ScalarKinds.Write(time);
        return outline;
    }

    JsonObject Of(SendRule rule)
    {
        var outline = new JsonObject();
        Put(outline, "allow_plaintext", rule.AllowPlaintext, StandardRules.Send.AllowPlaintext, v => v);
        Put(outline, "allow_full", rule.AllowFull, StandardRules.Send.AllowFull, v => v);
        Put(outline, "adopt", rule.Adopt, StandardRules.Send.Adopt, v => v);
        Put(outline, "first", rule.FirstNewest, StandardRules.Send.FirstNewest, v => v ? "newest" : "oldest");
        Put(outline, "compress", rule.Level, StandardRules.Send.Level, v => v);
        if (rule.ChunkSize is { } size) outline["chunk_size"] = size;
        return outline;
    }

    static JsonNode Of(RetentionPolicy policy)
    {
        if (policy.IsEmpty) return "everything";
        var outline = new JsonObject();
        foreach (var (key, count) in new[] { ("last", policy.Last), ("hourly", policy.Hourly), ("daily", policy.Daily), ("weekly", policy.Weekly), ("monthly", policy.Monthly), ("yearly", policy.Yearly) })
            if (count > 0) outline[key] = count;
        if (policy.Within is { } within) outline["within"] = ScalarKinds.Write(within);
        return outline;
    }

    static JsonNode OfSnapshot(string? prefix, int? keep)
    {
        if (prefix is null) return false;
        if (keep is not { } count) return prefix == StandardRules.SnapshotPrefix ? true : new JsonObject { ["prefix"] = prefix };
        return new JsonObject { ["prefix"] = prefix, ["keep"] = count };
    }

    static JsonNode OfNewFull(TimeSpan? maxAge, int? maxLength)
    {
        var outline = new JsonObject();
        if (maxAge is { } age) outline["max_age"] = ScalarKinds.Write(age);
        if (maxLength is { } length) outline["max_length"] = length;
        return outline.Count > 0 ? outline : "never";
    }

    static JsonObject Of(SecretSource source) => new() { [source.Kind switch { SecretKind.File => "file", SecretKind.Environment => "env", _ => "credential" }] = source.Name };

    static JsonNode Of(TextOrSecret text) => text.Secret is { } secret ? Of(secret) : text.Text!;

    static JsonArray Of(ImmutableArray<ImmutableArray<string>> commands) => new([.. commands.Select(Texts)]);

    static JsonArray Texts(ImmutableArray<string> texts) => new([.. texts.Select(t => (JsonNode)t)]);

    static JsonObject Named<T>(IEnumerable<T> rules, Func<T, string> name, Func<T, JsonNode> outline) => new(rules.Select(r => KeyValuePair.Create(name(r), (JsonNode?)outline(r))));

    void PutTexts(JsonObject to, string key, ImmutableArray<string> texts, ImmutableArray<string> standard)
    {
        if (everything || !texts.SequenceEqual(standard)) to[key] = Texts(texts);
    }

    void Put<T>(JsonObject to, string key, T value, T standard, Func<T, JsonNode> outline)
    {
        if (everything || !EqualityComparer<T>.Default.Equals(value, standard)) to[key] = outline(value);
    }
}
