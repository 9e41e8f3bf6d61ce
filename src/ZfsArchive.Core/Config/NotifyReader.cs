using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ZfsArchive.Config;

/// <summary>Who hears of a night.</summary>
static partial class NotifyReader
{
    static readonly string[] s_kinds = ["ping", "webhook", "mail", "command"];
    static readonly string[] s_placeholders = ["summary", "title", "state", "host"];
    static readonly ScalarKind<int> s_when = ScalarKinds.Word("always", "failure");

    /// <summary>Null when it is a fault.</summary>
    public static NotifyRule? Read(FaultList faults, ConfigNode node)
    {
        var section = new Section(faults, "a notification", node, [.. s_kinds, "when", "timeout"]);
        if (node is not MapNode) return null;
        var said = s_kinds.Where(k => section[k] is not null).ToList();
        if (said.Count != 1)
        {
            faults.Add(node, said.Count == 0 ? $"a notification takes one of {string.Join(", ", s_kinds)}" : $"one notification is one of {string.Join(", ", said)}: begin each with a '- ' of its own");
            return null;
        }
        var kind = said[0];
        var when = section.Find("when", s_when) is { } word ? (NotifyWhen)word : kind is "ping" ? NotifyWhen.Always : NotifyWhen.Failure;
        var timeout = section.Get("timeout", ScalarKinds.Duration, kind is "ping" or "webhook" ? StandardRules.WebTimeout : StandardRules.ProgramTimeout);
        var value = section[kind]!;
        return kind switch
        {
            "ping" => Url(faults, kind, value) is { } url ? new NotifyRule.Ping(url, when, timeout) : null,
            "webhook" => Webhook(faults, value, when, timeout),
            "mail" => Mail(faults, value, when, timeout),
            _ => CommandReader.One(faults, kind, value) is { IsEmpty: false } command ? new NotifyRule.Program(command, when, timeout) : null,
        };
    }

    static NotifyRule.Webhook? Webhook(FaultList faults, ConfigNode node, NotifyWhen when, TimeSpan timeout)
    {
        // the address alone, by itself or by where it is kept
        if (node is not MapNode map || map.Entries.All(e => e.Key.Text is "file" or "env" or "credential"))
            return Url(faults, "webhook", node) is { } alone ? new(alone, null, NoHeaders, when, timeout) : null;
        var section = new Section(faults, "webhook", node, "url", "template", "headers");
        if (section["url"] is not { } address) faults.Add(node, "this webhook has no url");
        else if (Url(faults, "url", address) is { } url) return new(url, Template(section), Headers(faults, section["headers"]), when, timeout);
        return null;
    }

    static ImmutableSortedDictionary<string, TextOrSecret> NoHeaders { get; } = ImmutableSortedDictionary.Create<string, TextOrSecret>(StringComparer.OrdinalIgnoreCase);

    static ImmutableSortedDictionary<string, TextOrSecret> Headers(FaultList faults, ConfigNode? node)
    {
        var headers = NoHeaders.ToBuilder();
        if (Section.IsNothing(node)) return NoHeaders;
        if (node is not MapNode map)
        {
            faults.Add(node!, $"headers takes keys (each the name of a header), not {node!.Shape}");
            return NoHeaders;
        }
        foreach (var (key, value) in map.Entries)
        {
            if (!HeaderName().IsMatch(key.Text)) faults.Add(key, $"{key.Quoted} cannot be the name of a header");
            else if (headers.ContainsKey(key.Text)) faults.Add(key, $"the header {key.Quoted} is there twice");
            else if (SecretReader.ReadText(faults, key.Text, value) is { } text)
            {
                if (text.Text is not null && SecretHeader().IsMatch(key.Text)) faults.Add(value, $"{key.Text}: secrets do not belong in this file; say where it is kept, by {{file: /path}}, {{env: NAME}} or {{credential: NAME}}");
                else if (text.Text?.Any(c => c is < ' ' or > '~') == true) faults.Add(value, $"the header {key.Text} takes one line of plain letters");
                else headers[key.Text] = text;
            }
        }
        return headers.ToImmutable();
    }

    static string? Template(Section section)
    {
        if (section.Scalar("template", "a JSON text") is not { } template) return null;
        foreach (Match match in Placeholder().Matches(template.Text))
        {
            var name = match.Groups[1].Value.Trim();
            if (!s_placeholders.Contains(match.Groups[1].Value)) section.Faults.Add(template, $"the template has {{{{{name}}}}}, which is nothing to fill in{NearestWord.Advice(name, s_placeholders, "placeholders")}");
        }
        try
        {
            using var unused = JsonDocument.Parse(Placeholder().Replace(template.Text, "x"));
            return template.Text;
        }
        catch (JsonException)
        {
            section.Faults.Add(template, "the template is not JSON: placeholders stand in double quotes, as in {\"text\": \"{{title}}\"}, and the whole in single quotes");
            return null;
        }
    }

    static NotifyRule.Mail? Mail(FaultList faults, ConfigNode node, NotifyWhen when, TimeSpan timeout)
    {
        var section = new Section(faults, "mail", node is ScalarNode to ? new MapNode([new(to with { Text = "to" }, to)], node.Line, node.Column) : node, "to", "from", "sendmail");
        if (node is MapNode && section["to"] is null) faults.Add(node, "this mail has nobody that it goes to: to");
        var sendmail = section.Scalar("sendmail", "the path of a program");
        if (sendmail is not null && !Paths.IsWhole(sendmail.Text)) faults.Add(sendmail, $"sendmail takes a whole path, from /, not {sendmail.Quoted}");
        var (recipient, sender) = (Mailbox(section, "to"), Mailbox(section, "from"));
        return recipient is null ? null : new(recipient, sender, sendmail?.Text ?? StandardRules.Sendmail, when, timeout);
    }

    // It becomes an argument and a line of the mail's head.
    static string? Mailbox(Section section, string key)
    {
        if (section.Scalar(key, "an address") is not { } address) return null;
        if (MailAddress().IsMatch(address.Text)) return address.Text;
        section.Faults.Add(address, $"{key} takes one address, such as root or me@example.net, not {address.Quoted}");
        return null;
    }

    static TextOrSecret? Url(FaultList faults, string key, ConfigNode node)
    {
        if (SecretReader.ReadText(faults, key, node) is not { } url) return null;
        if (url.Text is null || (Uri.TryCreate(url.Text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0)) return url;
        // not repeated: the address of a webhook is often its key
        faults.Add(node, $"{key} takes an address that begins with https://, without user and password in it");
        return null;
    }

    [GeneratedRegex(@"\A[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\z")]
    private static partial Regex HeaderName();

    [GeneratedRegex("auth|cookie|token|secret|key|password", RegexOptions.IgnoreCase)]
    private static partial Regex SecretHeader();

    [GeneratedRegex(@"\{\{([^{}]*)\}\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\A[A-Za-z0-9_][^\s,;<>""()\p{C}]{0,253}\z")]
    private static partial Regex MailAddress();
}
