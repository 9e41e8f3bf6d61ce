using System.Collections.Immutable;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ZfsArchive.Config;
using ZfsArchive.Model;
using ZfsArchive.Processes;

namespace ZfsArchive.Alerts;

/// <summary>When a message is sent.</summary>
public enum AlertPhase
{
    /// <summary>Only pings want to know.</summary>
    Start,

    Success,

    Failure,
}

/// <param name="State"><c>start</c>, <c>ok</c>, <c>partly</c> or <c>failed</c>.</param>
/// <param name="Title">One line.</param>
/// <param name="Summary">All that a person should read.</param>
/// <param name="Json">The result, one line of JSON; long lists are cut.</param>
public sealed record AlertMessage(AlertPhase Phase, string State, string Title, string Summary, string Json, string Host);

/// <summary>Tells who wants to hear of a night. Each message ends in its time, and none changes how the night ended: what went wrong is returned as words.</summary>
/// <param name="secret">Reads a secret from where it is kept.</param>
public sealed class AlertRun(ImmutableArray<NotifyRule> rules, Func<SecretSource, string> secret, TimeProvider clock)
{
    // What healthchecks.io keeps of a body.
    const int LongestPing = 100_000;

    /// <returns>Of each message that did not arrive, why; never with a secret, nor with an address, which may be one.</returns>
    public async Task<ImmutableArray<string>> SendAsync(AlertMessage message, CancellationToken cancel)
    {
        var wanted = rules.Where(r => message.Phase switch
        {
            AlertPhase.Start => r is NotifyRule.Ping { When: NotifyWhen.Always },
            AlertPhase.Success => r.When is NotifyWhen.Always,
            _ => true,
        });
        var failures = await Task.WhenAll(wanted.Select(rule => TrySendAsync(rule, message, cancel)));
        return [.. failures.Where(f => f is not null).Select(f => f!)];
    }

    async Task<string?> TrySendAsync(NotifyRule rule, AlertMessage message, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(rule.Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            return await SendAsync(rule, message, either.Token).WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Name(rule)}: no answer within {rule.Timeout.TotalSeconds:0} s");
        }
        catch (HttpRequestException e)
        {
            return $"{Name(rule)}: {Reason(e)}";
        }
        catch (ArchiveException e)
        {
            return $"{Name(rule)}: {e.Message}";
        }
        catch (Exception e) when (e is UriFormatException or InvalidOperationException or FormatException or JsonException or IOException)
        {
            return $"{Name(rule)}: {e.GetType().Name}";
        }
    }

    // The outer messages have the address in them. The innermost is the system's, or TLS's; without any there is only the kind.
    static string Reason(HttpRequestException e) => e.GetBaseException() is var inner && inner != e ? inner.Message : e.HttpRequestError.ToString();

    Task<string?> SendAsync(NotifyRule rule, AlertMessage message, CancellationToken cancel) => rule switch
    {
        NotifyRule.Ping ping => PingAsync(ping, message, cancel),
        NotifyRule.Webhook webhook => PostAsync(webhook, message, cancel),
        NotifyRule.Mail mail => RunAsync([mail.Sendmail, "-t", "-oi"], Mail(mail, message), rule, message, cancel),
        NotifyRule.Program program => RunAsync(program.Command, message.Summary, rule, message, cancel),
        _ => throw new NotSupportedException(rule.ToString()),
    };

    async Task<string?> PingAsync(NotifyRule.Ping ping, AlertMessage message, CancellationToken cancel)
    {
        var address = new UriBuilder(Text(ping.Url));
        address.Path = address.Path.TrimEnd('/') + message.Phase switch { AlertPhase.Start => "/start", AlertPhase.Failure => "/fail", _ => "" };
        using var body = new StringContent(message.Summary.Length > LongestPing ? message.Summary[..LongestPing] : message.Summary, Encoding.UTF8, "text/plain");
        using var request = new HttpRequestMessage(HttpMethod.Post, address.Uri) { Content = body };
        return await SendAsync(ping, request, cancel);
    }

    async Task<string?> PostAsync(NotifyRule.Webhook webhook, AlertMessage message, CancellationToken cancel)
    {
        using var body = new StringContent(webhook.Template is { } template ? Fill(template, message) : message.Json, Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, Text(webhook.Url)) { Content = body };
        foreach (var (name, value) in webhook.Headers) request.Headers.TryAddWithoutValidation(name, Text(value));
        return await SendAsync(webhook, request, cancel);
    }

    static async Task<string?> SendAsync(NotifyRule rule, HttpRequestMessage request, CancellationToken cancel)
    {
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("zfsarchive", null));
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        return answer.IsSuccessStatusCode ? null : $"{Name(rule)}: answered {(int)answer.StatusCode}";
    }

    async Task<string?> RunAsync(ImmutableArray<string> command, string input, NotifyRule rule, AlertMessage message, CancellationToken cancel)
    {
        var environment = new Dictionary<string, string> { ["ZFSARCHIVE_RESULT"] = message.State, ["ZFSARCHIVE_TITLE"] = message.Title };
        return (await ProgramRun.ExecuteAsync(command, input, environment, rule.Timeout, clock, cancel)).Failure is { } failure ? $"{Name(rule)}: {failure}" : null;
    }

    /// <summary>Puts texts into a template's JSON strings.</summary>
    public static string Fill(string template, AlertMessage message) => template
        .Replace("{{summary}}", Escaped(message.Summary), StringComparison.Ordinal)
        .Replace("{{title}}", Escaped(message.Title), StringComparison.Ordinal)
        .Replace("{{state}}", Escaped(message.State), StringComparison.Ordinal)
        .Replace("{{host}}", Escaped(message.Host), StringComparison.Ordinal);

    static string Escaped(string text) => JsonEncodedText.Encode(text).ToString();

    static string Mail(NotifyRule.Mail mail, AlertMessage message)
    {
        var subject = $"=?utf-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(message.Title))}?=";
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"To: {OneLine(mail.To)}\n");
        if (mail.From is { } from) head.Append(CultureInfo.InvariantCulture, $"From: {OneLine(from)}\n");
        head.Append(CultureInfo.InvariantCulture, $"Subject: {(message.Title.All(char.IsAscii) ? OneLine(message.Title) : subject)}\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n");
        return head.Append("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n").Append(message.Summary).Append('\n').ToString();
    }

    static string OneLine(string text) => text.ReplaceLineEndings(" ");

    string Text(TextOrSecret value) => value.Text ?? secret(value.Secret!);

    static string Name(NotifyRule rule) => rule switch
    {
        NotifyRule.Ping => "ping",
        NotifyRule.Webhook => "webhook",
        NotifyRule.Mail mail => $"mail to {mail.To}",
        _ => "command",
    };
}
