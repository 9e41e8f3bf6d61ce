using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Display;
using Serilog.Formatting.Json;
using ZfsArchive.Backup;

namespace ZfsArchive.Cli.Output;

/// <summary>What happens, for logs: on standard error with --verbose, as JSON lines in a file with --log-file. Never a secret.</summary>
sealed class EventLog : IDisposable
{
    readonly Logger? _logger;

    public EventLog(IHost host, bool verbose, string? file)
    {
        if (!verbose && file is null) return;
        var configuration = new LoggerConfiguration();
        // not Serilog's own console: that has colours, and lets through what is in a name
        if (verbose) configuration.WriteTo.Sink(new Lines(host.Error));
        if (file is not null) configuration.WriteTo.File(new JsonFormatter(renderMessage: true), file);
        _logger = configuration.CreateLogger();
    }

    public void Archived(WrittenArchive written, double seconds) => _logger?.Information(
        "{State} {Snapshot} as {Archive}: {Length} bytes in {StoredLength}, {SentLength} sent, {Seconds:0.0} s",
        written.AlreadyThere ? "already archived" : "archived", written.Archive.SnapshotName, written.Archive.Id,
        written.Archive.Head.Stream.Length, written.Archive.Head.Totals.StoredLength, written.SentLength, seconds);

    public void Received(string snapshot, string target, double seconds) => _logger?.Information("received {Snapshot} into {Target}, {Seconds:0.0} s", snapshot, target, seconds);

    public void Said(string text) => _logger?.Information("{Text:l}", text);

    public void Failed(string text) => _logger?.Error("{Text:l}", text);

    public void Dispose() => _logger?.Dispose();

    sealed class Lines(TextWriter writer) : ILogEventSink
    {
        readonly MessageTemplateTextFormatter _form = new("{Timestamp:HH:mm:ss} {Message:lj}{NewLine}");

        public void Emit(LogEvent logEvent)
        {
            using var line = new StringWriter();
            _form.Format(logEvent, line);
            lock (writer) writer.Write(line.ToString());
        }
    }
}
