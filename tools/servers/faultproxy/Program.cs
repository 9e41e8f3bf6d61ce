// faultproxy - forward TCP connections on this machine, slower than it could be.
//
//   faultproxy --to HOST:PORT [--delay-ms N] [--bytes-per-second N]
//
//   --delay-ms          added to the round trip, half each way
//   --bytes-per-second  the most that goes each way, over all connections
//
// The first line of the output is the port on 127.0.0.1. It runs until its input
// ends or SIGTERM.

using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using ZfsArchive.Servers;

string? to = null;
long delay = 0, rate = 0;
for (var i = 0; i + 1 < args.Length; i += 2)
    switch (args[i])
    {
        case "--to": to = args[i + 1]; break;
        case "--delay-ms": delay = long.Parse(args[i + 1], CultureInfo.InvariantCulture); break;
        case "--bytes-per-second": rate = long.Parse(args[i + 1], CultureInfo.InvariantCulture); break;
        default: to = null; i = args.Length; break;
    }
if (args.Length % 2 != 0 || to?.LastIndexOf(':') is not (> 0 and var colon) || !int.TryParse(to.AsSpan(colon + 1), out var port))
{
    Console.Error.WriteLine("usage: faultproxy --to HOST:PORT [--delay-ms N] [--bytes-per-second N]");
    return 2;
}

using var ended = new CancellationTokenSource();
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = true;
    ended.Cancel();
});
using var proxy = new FaultProxy(new DnsEndPoint(to[..colon], port)) { Delay = TimeSpan.FromMilliseconds(delay), BytesPerSecond = rate };
Console.WriteLine(proxy.Port);
var input = Console.OpenStandardInput();
var ignored = new byte[4096];
try
{
    // on a thread of its own: a read of standard input cannot be interrupted
    await Task.Run(() => { while (input.Read(ignored) > 0); }).WaitAsync(ended.Token);
}
catch (OperationCanceledException)
{
    // as asked
}
return 0;
