using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using ZfsArchive.Alerts;
using ZfsArchive.Config;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Alerts;

/// <summary>Who hears of a night, and that nobody keeps it from ending.</summary>
public sealed class AlertTests : IDisposable
{
    static readonly TimeSpan s_short = TimeSpan.FromSeconds(1);
    static readonly AlertMessage s_failed = new(AlertPhase.Failure, "failed", "zfsarchive on nas: FAILED", "FAILED  disk: \"full\"\nänd more", """{"state":"Failed"}""", "nas");
    static readonly AlertMessage s_well = s_failed with { Phase = AlertPhase.Success, State = "ok", Title = "zfsarchive on nas: all is well" };
    static readonly AlertMessage s_start = s_failed with { Phase = AlertPhase.Start, State = "start" };

    readonly AnsweringServer _server = new();
    readonly TempFolder _temp = new();

    TextOrSecret At(string path) => new($"{_server.Address}{path}", null);

    static Task<ImmutableArray<string>> SendAsync(AlertMessage message, params NotifyRule[] rules) =>
        new AlertRun([.. rules], s => s.Name == "token" ? "Bearer s3cret" : throw new InvalidOperationException(s.Name), TimeProvider.System).SendAsync(message, default);

    [Fact]
    public async Task A_ping_tells_the_start_the_end_and_a_failure_with_the_summary()
    {
        var ping = new NotifyRule.Ping(At("/uuid?create=1"), NotifyWhen.Always, s_short);
        foreach (var message in new[] { s_start, s_well, s_failed }) Assert.Empty(await SendAsync(message, ping));
        Assert.Equal(["POST /uuid/start?create=1", "POST /uuid?create=1", "POST /uuid/fail?create=1"], _server.Requests.Select(r => r.Line));
        Assert.Equal(s_failed.Summary, _server.Requests[2].Body);
    }

    [Fact]
    public async Task Who_wants_failures_only_hears_of_nothing_else()
    {
        NotifyRule[] rules = [new NotifyRule.Ping(At("/p"), NotifyWhen.Failure, s_short), new NotifyRule.Webhook(At("/w"), null, ImmutableSortedDictionary<string, TextOrSecret>.Empty, NotifyWhen.Failure, s_short)];
        await SendAsync(s_start, rules);
        await SendAsync(s_well, rules);
        Assert.Empty(_server.Requests);
        await SendAsync(s_failed, rules);
        Assert.Equal(["POST /p/fail", "POST /w"], _server.Requests.Select(r => r.Line).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_webhook_gets_the_result_or_a_template_with_its_texts_escaped_and_headers_from_secrets()
    {
        var headers = ImmutableSortedDictionary<string, TextOrSecret>.Empty.Add("Authorization", new(null, new(SecretKind.Environment, "token"))).Add("X-Kind", new("nas", null));
        await SendAsync(s_failed, new NotifyRule.Webhook(At("/a"), null, headers, NotifyWhen.Failure, s_short));
        await SendAsync(s_failed, new NotifyRule.Webhook(At("/b"), """{"text": "{{title}}\n{{summary}}", "who": "{{host}}/{{state}}"}""", ImmutableSortedDictionary<string, TextOrSecret>.Empty, NotifyWhen.Failure, s_short));
        Assert.Equal(s_failed.Json, _server.Requests[0].Body);
        Assert.Contains("authorization: bearer s3cret", _server.Requests[0].Head, StringComparison.OrdinalIgnoreCase);
        var body = JsonDocument.Parse(_server.Requests[1].Body).RootElement;
        Assert.Equal($"{s_failed.Title}\n{s_failed.Summary}", body.GetProperty("text").GetString());
        Assert.Equal("nas/failed", body.GetProperty("who").GetString());
    }

    [Theory]
    [InlineData("500", "answered 500")]
    [InlineData("stall", "no answer within 1 s")]
    [InlineData("cut", "ResponseEnded")]
    [InlineData("drip", "no answer within 1 s")]
    public async Task A_service_that_fails_or_stalls_costs_its_time_and_no_more_and_its_address_is_not_told(string behaviour, string words)
    {
        _server.Behaviour = behaviour;
        var since = Stopwatch.GetTimestamp();
        var failures = await SendAsync(s_failed, new NotifyRule.Ping(At("/secret-uuid"), NotifyWhen.Always, s_short), new NotifyRule.Webhook(At("/token"), null, ImmutableSortedDictionary<string, TextOrSecret>.Empty, NotifyWhen.Always, s_short));
        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(15));
        Assert.Equal(2, failures.Length);
        Assert.All(failures, f => Assert.Contains(words, f, StringComparison.Ordinal));
        Assert.All(failures, f => Assert.DoesNotContain("secret-uuid", f, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nobody_there_and_a_secret_that_is_not_there_are_told()
    {
        var failures = await SendAsync(
            s_failed, new NotifyRule.Ping(new("http://127.0.0.1:1/x", null), NotifyWhen.Always, s_short), new NotifyRule.Ping(new(null, new(SecretKind.Environment, "missing")), NotifyWhen.Always, s_short));
        Assert.Equal(2, failures.Length);
        Assert.Contains("ping: Connection refused", failures);
    }

    [Fact]
    public async Task Mail_goes_through_sendmail_and_a_command_gets_the_summary()
    {
        var (mail, told) = (_temp["mail"], _temp["told"]);
        var sendmail = _temp["sendmail"];
        File.WriteAllText(sendmail, $"#!/bin/sh\necho \"$@\" > {mail}\ncat >> {mail}\n");
        File.SetUnixFileMode(sendmail, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Empty(await SendAsync(
            s_failed, new NotifyRule.Mail("root", "nas@example.org", sendmail, NotifyWhen.Failure, s_short), new NotifyRule.Program(["/bin/sh", "-c", $"echo $ZFSARCHIVE_RESULT > {told}; cat >> {told}"], NotifyWhen.Failure, s_short)));
        var text = File.ReadAllText(mail);
        Assert.StartsWith("-t -oi\nTo: root\nFrom: nas@example.org\nSubject: zfsarchive on nas: FAILED\n", text, StringComparison.Ordinal);
        Assert.EndsWith($"\n\n{s_failed.Summary}\n", text, StringComparison.Ordinal);
        Assert.Equal($"failed\n{s_failed.Summary}", File.ReadAllText(told));
    }

    [Fact]
    public async Task A_command_that_hangs_or_fails_or_is_not_there_is_ended_and_told()
    {
        var since = Stopwatch.GetTimestamp();
        var failures = await SendAsync(
            s_failed, new NotifyRule.Program(["/bin/sh", "-c", "sleep 60 & sleep 60"], NotifyWhen.Always, s_short), new NotifyRule.Program(["/bin/sh", "-c", "echo no route; exit 4"], NotifyWhen.Always, s_short),
            new NotifyRule.Program(["/nowhere/tell"], NotifyWhen.Always, s_short));
        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(15));
        Assert.Equal(3, failures.Length);
        Assert.Contains("command: /bin/sh ended with status 4: no route", failures);
        Assert.Contains(failures, f => f.Contains("could not be started", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_night_ends_in_time_and_as_it_did_whoever_listens()
    {
        _server.Behaviour = "stall";
        using var host = new TestHost { ZfsOf = _ => new FakeZfs() };
        host.Unset("ZFSARCHIVE_REPO");
        await host.ExpectAsync(0, null, "init", "--repo", host.Repo);
        File.WriteAllText(host.Beside("config.yaml"), $$$"""
            repositories: {disk: {url: "{{{host.Repo}}}"}}
            jobs: {chain: {datasets: [tank/chain]}}
            notify: [{ping: {{{_server.Address}}}/x, timeout: 1s}]
            """);
        File.SetUnixFileMode(host.Beside("config.yaml"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        host.ClockRuns = true;
        await host.ExpectAsync(0, null, "run", "--config", host.Beside("config.yaml"));
        Assert.Contains("nobody was told by ping: no answer within 1 s", host.Error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("/x", host.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_is_reached_neither_at_the_start_nor_at_the_end_is_told_of_once()
    {
        using var world = new Night.NightWorld();
        await world.ConfigureAsync("repositories: {disk: {url: REPO}}\njobs: {chain: {datasets: [tank/chain]}}\nnotify: [{ping: 'http://127.0.0.1:1/x'}]\n", world.Host.Repo);
        await world.Host.ExpectAsync(0, null, "run");
        Assert.Equal("zfsarchive: note: nobody was told by ping: Connection refused\n", world.Host.Error.ToString());
    }

    public void Dispose()
    {
        _server.Dispose();
        _temp.Dispose();
    }

    /// <summary>A web server that remembers what it was asked, and answers as it is told.</summary>
    sealed class AnsweringServer : IDisposable
    {
        readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        readonly CancellationTokenSource _stop = new();
        readonly List<(string Line, string Head, string Body)> _requests = [];

        public AnsweringServer()
        {
            _listener.Start();
            _ = AcceptAsync();
        }

        public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

        public string Behaviour { get; set; } = "200";

        public IReadOnlyList<(string Line, string Head, string Body)> Requests
        {
            get { lock (_requests) return [.. _requests]; }
        }

        async Task AcceptAsync()
        {
            while (!_stop.IsCancellationRequested) _ = AnswerAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }

        async Task AnswerAsync(TcpClient client)
        {
            using var __ = client;
            var stream = client.GetStream();
            var (text, buffer) = (new StringBuilder(), new byte[65536]);
            while (!IsWhole(text.ToString()))
            {
                if (await stream.ReadAsync(buffer, _stop.Token) is not (> 0 and var read)) return;
                text.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
            var parts = text.ToString().Split("\r\n\r\n", 2);
            lock (_requests) _requests.Add((string.Join(' ', parts[0].Split(' ')[..2]), parts[0], parts[1]));
            if (Behaviour == "cut") return;
            if (Behaviour == "stall") await Task.Delay(Timeout.Infinite, _stop.Token);
            var answer = Encoding.ASCII.GetBytes($"HTTP/1.1 {(Behaviour == "drip" ? "200" : Behaviour)} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if (Behaviour != "drip") await stream.WriteAsync(answer, _stop.Token);
            else
                foreach (var one in answer)
                {
                    await stream.WriteAsync(new[] { one }, _stop.Token);
                    await Task.Delay(500, _stop.Token);
                }
        }

        static bool IsWhole(string text)
        {
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0) return false;
            var length = text.Split("\r\n").FirstOrDefault(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))?.Split(':')[1].Trim();
            return Encoding.UTF8.GetByteCount(text[(end + 4)..]) >= int.Parse(length ?? "0", System.Globalization.CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            _stop.Cancel();
            _listener.Dispose();
            _stop.Dispose();
        }
    }
}
