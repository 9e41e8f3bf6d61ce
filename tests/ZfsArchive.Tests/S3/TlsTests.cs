using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZfsArchive.S3;
using ZfsArchive.Stores;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.S3;

/// <summary>A service behind a certificate of an authority that the system does not know.</summary>
public sealed class TlsTests : IDisposable
{
    readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [S3Fact]
    public async Task It_is_trusted_with_the_authoritys_certificate_and_refused_without()
    {
        using var front = new TlsFront(S3Server.Shared.Endpoint);
        File.WriteAllText(_temp["ca.pem"], front.Authority.ExportCertificatePem());
        var bucket = S3Server.Shared.NewBucket();
        await using (var store = Open(front, bucket, _temp["ca.pem"]))
        {
            await store.CreateAsync(new("x"), ObjectBody.OfBytes(new byte[300_000]), default);
            Assert.Equal(300_000, (await store.StatAsync(new("x"), default))!.Length);
        }
        await using var stranger = Open(front, bucket, null);
        var failure = await Assert.ThrowsAsync<StoreException>(() => stranger.StatAsync(new("x"), default));
        Assert.Equal(StoreFailure.Permanent, failure.Failure);
        Assert.Contains("AWS_CA_BUNDLE", failure.Message, StringComparison.Ordinal);

        using var other = new TlsFront(S3Server.Shared.Endpoint);
        await using var impostor = Open(other, bucket, _temp["ca.pem"]);
        Assert.Equal(StoreFailure.Permanent, (await Assert.ThrowsAsync<StoreException>(() => impostor.StatAsync(new("x"), default))).Failure);
    }

    static S3Store Open(TlsFront front, string bucket, string? authority) =>
        new(new(bucket, "", null), RealS3.Options(S3Server.Shared) with { Endpoint = front.Endpoint, CaBundle = authority }, TimeProvider.System);

    /// <summary>Takes TLS and passes on what is inside.</summary>
    sealed class TlsFront : IDisposable
    {
        readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        readonly X509Certificate2 _certificate;
        readonly Uri _behind;

        public TlsFront(Uri behind)
        {
            _behind = behind;
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var authority = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
            authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            var (from, to) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
            Authority = authority.CreateSelfSigned(from, to);
            using var serverKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var server = new CertificateRequest("CN=127.0.0.1", serverKey, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            server.CertificateExtensions.Add(names.Build());
            using var signed = server.Create(Authority, from, to, [1, 2, 3, 4]);
            using var whole = signed.CopyWithPrivateKey(serverKey);
            _certificate = X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
            _listener.Start();
            _ = AcceptAsync();
        }

        public X509Certificate2 Authority { get; }

        public Uri Endpoint => new($"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

        public void Dispose()
        {
            _listener.Dispose();
            _certificate.Dispose();
            Authority.Dispose();
        }

        async Task AcceptAsync()
        {
            while (true)
            {
                try
                {
                    _ = CarryAsync(await _listener.AcceptTcpClientAsync());
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }
            }
        }

        async Task CarryAsync(TcpClient client)
        {
            try
            {
                using var taken = client;
                using var tls = new SslStream(client.GetStream());
                await tls.AuthenticateAsServerAsync(_certificate);
                using var behind = new TcpClient();
                await behind.ConnectAsync(_behind.Host, _behind.Port);
                await Task.WhenAny(tls.CopyToAsync(behind.GetStream()), behind.GetStream().CopyToAsync(tls));
            }
            catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                // whoever refuses the certificate goes away
            }
        }
    }
}
