using System.Net;
using System.Net.Sockets;
using System.Text;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Servers;

public sealed class HttpFaultProxyTests : IDisposable
{
    readonly HttpListener _server = new();
    readonly HttpFaultProxy _proxy;
    readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(20) };
    readonly List<string> _served = [];

    public HttpFaultProxyTests()
    {
        var address = FreeAddress();
        _server.Prefixes.Add(address.ToString());
        _server.Start();
        _ = ServeAsync();
        _proxy = new(address);
    }

    [Fact]
    public async Task Requests_go_through_and_are_counted()
    {
        var body = new byte[3_000_000];
        new Random(1).NextBytes(body);
        for (var i = 0; i < 3; i++) Assert.Equal(body, await (await PutAsync($"a/{i}?x=1", body)).Content.ReadAsByteArrayAsync());
        Assert.Equal(body, await (await PutAsync("chunked", body)).Content.ReadAsByteArrayAsync());
        Assert.Equal("/b", await _client.GetStringAsync(At("b")));
        using (var head = await _client.SendAsync(new(HttpMethod.Head, At("c")))) Assert.Equal(2, head.Content.Headers.ContentLength);
        Assert.Equal((4, 1, 1, 6, 3), (_proxy.Requests("PUT"), _proxy.Requests("GET"), _proxy.Requests("HEAD"), _proxy.Requests(), _proxy.Requests(path: "/a/")));
        Assert.Equal("PUT /a/1?x=1", _proxy.Log[1]);
    }

    [Fact]
    public async Task The_nth_request_that_fits_gets_an_error_and_does_not_arrive()
    {
        _proxy.Add(HttpFault.SlowDown with { Method = "PUT", Path = "data/", Nth = 2, Times = 2 });
        Assert.Equal(HttpStatusCode.OK, (await PutAsync("data/1", [1])).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PutAsync("other/1", [1])).StatusCode);
        Assert.Equal("/data/1", await _client.GetStringAsync(At("data/1")));
        var slow = await PutAsync("data/2", new byte[1 << 20]);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, slow.StatusCode);
        Assert.Contains("<Code>SlowDown</Code>", await slow.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await PutAsync("data/3", [1])).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PutAsync("data/4", [1])).StatusCode);
        Assert.Equal(["PUT /data/1", "PUT /other/1", "GET /data/1", "PUT /data/4"], Served);
    }

    [Fact]
    public async Task A_lost_answer_was_a_request_that_was_done()
    {
        _proxy.Add(HttpFault.InternalError with { Lost = true });
        Assert.Equal(HttpStatusCode.InternalServerError, (await PutAsync("1", new byte[1 << 20])).StatusCode);
        _proxy.Add(HttpFault.Reset with { Lost = true });
        await Assert.ThrowsAsync<HttpRequestException>(() => PutAsync("2", [1]));
        Assert.Equal(["PUT /1", "PUT /2"], Served);
        _proxy.Add(HttpFault.Reset);
        await Assert.ThrowsAsync<HttpRequestException>(() => PutAsync("3", [1]));
        Assert.Equal(2, Served.Length);
    }

    [Fact]
    public async Task A_body_is_cut_short()
    {
        _proxy.Add(HttpFault.Truncated(70_000));
        using var answer = await _client.SendAsync(new(HttpMethod.Put, At("1")) { Content = new ByteArrayContent(new byte[100_000]) }, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(100_000, answer.Content.Headers.ContentLength);
        using var body = await answer.Content.ReadAsStreamAsync();
        await body.ReadExactlyAsync(new byte[70_000]);
        await Assert.ThrowsAsync<HttpIOException>(() => body.ReadAsync(new byte[1]).AsTask());
    }

    [Fact]
    public async Task Who_waits_for_leave_to_send_gets_it_or_the_error()
    {
        _proxy.Add(HttpFault.ExpiredToken with { Nth = 2 });
        foreach (var expected in new[] { HttpStatusCode.OK, HttpStatusCode.BadRequest })
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, At("1")) { Content = new ByteArrayContent(new byte[1 << 20]), Headers = { ExpectContinue = true } };
            using var answer = await _client.SendAsync(request);
            Assert.Equal(expected, answer.StatusCode);
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _proxy.Dispose();
        _server.Close();
    }

    string[] Served
    {
        get { lock (_served) return [.. _served]; }
    }

    Uri At(string path) => new(_proxy.Endpoint, path);

    async Task<HttpResponseMessage> PutAsync(string path, byte[] body) => await _client.PutAsync(At(path), new ByteArrayContent(body));

    // Answers with the body it got, or else with the path.
    async Task ServeAsync()
    {
        try
        {
            while (await _server.GetContextAsync() is { } context)
            {
                lock (_served) _served.Add($"{context.Request.HttpMethod} {context.Request.RawUrl}");
                var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                var answer = body.Length > 0 ? body.ToArray() : Encoding.ASCII.GetBytes(context.Request.RawUrl!);
                if (context.Request.RawUrl == "/chunked") context.Response.SendChunked = true;
                else context.Response.ContentLength64 = answer.Length;
                if (context.Request.HttpMethod != "HEAD") await context.Response.OutputStream.WriteAsync(answer);
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // the end of the test
        }
    }

    static Uri FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
    }
}
