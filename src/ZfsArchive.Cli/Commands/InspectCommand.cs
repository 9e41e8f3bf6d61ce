using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ZfsArchive.Backup;
using ZfsArchive.Cli.Output;
using ZfsArchive.Model;
using ZfsArchive.SendStream;

namespace ZfsArchive.Cli.Commands;

static class InspectCommand
{
    // as much as stays in a processor's own cache between reading and summing
    const int ReadLength = 256 << 10;

    public static Command Build(IHost host)
    {
        var file = new Argument<string>("file") { Description = "A stream in a file; - or nothing reads standard input", DefaultValueFactory = _ => "-" };
        var json = Options.Json();
        var command = new Command("inspect", "Tell what a send stream is and whether it is whole: 0 whole, 20 damaged or incomplete") { file, json };
        command.SetAction(async (parsed, cancel) =>
        {
            var name = parsed.GetValue(file)!;
            await using var input = name == "-" ? host.Input : Open(name);
            var result = await Task.Run(() => Inspect(input, cancel), cancel).WaitAsync(cancel);
            if (parsed.GetValue(json)) await host.Out.WriteLineAsync(JsonSerializer.Serialize(result, CliJson.Default.InspectResult));
            else foreach (var line in Describe(result)) await host.Out.WriteLineAsync(line);
            return result.Complete ? ExitCodes.Done : ExitCodes.Damage;
        });
        return command;
    }

    static FileStream Open(string name)
    {
        try
        {
            return new(name, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ArchiveException(FailureKind.Usage, $"cannot read {name}: {e.Message}", e);
        }
    }

    static InspectResult Inspect(Stream input, CancellationToken cancel)
    {
        var walker = new StreamWalker();
        var buffer = new byte[ReadLength];
        StreamDamage? damage;
        try
        {
            int read;
            while ((read = input.Read(buffer)) > 0)
            {
                cancel.ThrowIfCancellationRequested();
                for (var bytes = buffer.AsSpan(0, read); !bytes.IsEmpty;) bytes = bytes[walker.Feed(bytes)..];
            }
            damage = walker.Finish();
        }
        catch (StreamDamageException e)
        {
            damage = e.Damage;
        }
        // What a later record makes unbelievable is still shown, as far as it was read.
        return new(
            walker.Package is { } package ? Package(package) : null,
            Complete: damage is null,
            damage is null ? null : new(damage.Offset, damage.Record, damage.Reason),
            walker.Position,
            [.. walker.Substreams.Select(Substream)]);
    }

    static InspectPackage Package(BeginRecord begin)
    {
        var header = begin.Properties;
        var datasets = header?.List("fss")?.Pairs.Select(p => (p.Value as NvList)?.Text("name") ?? p.Name) ?? [];
        return new(begin.ToName, header?.Text("fromsnap"), header?.Text("tosnap"), header?.Has("raw") ?? false, header is not null && !header.Has("not_recursive"),
            begin.Features.Names.Contains("HOLDS"), [.. datasets]);
    }

    static InspectSubstream Substream(SubstreamWalker facts)
    {
        var begin = facts.Begin!;
        return new(
            begin.ToName, Number(begin.ToGuid), Number(begin.FromGuid), begin.Creation, begin.Kind is ObjsetKind.Volume ? "volume" : "filesystem", begin.Features.Raw,
            begin.Features.Names, $"0x{begin.Features.Bits:x}", (uint)begin.Flags, begin.BigEndian, ManifestHeads.Records(facts), facts.Start, facts.Length, facts.Ended,
            facts.Ended ? facts.EndChecksum.ToString() : null, facts.OpaqueFrom,
            begin.Crypt is { } key ? new(key.Suite, Number(key.KeyGuid), key.KeyFormat, key.WrappingId, Number(key.ToIvsetGuid), Number(key.FromIvsetGuid)) : null,
            new(begin.Features.OldestZfs.ToString(3), begin.Features.PoolFeatures), facts.AllWarnings);

        static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
    }

    static IEnumerable<string> Describe(InspectResult result)
    {
        if (result.Package is { } package)
            yield return $"package of {package.ToName}{(package.FromSnapshot is { } from ? $" from @{from}" : "")}: {Text.Plural(result.Substreams.Length, "stream")}";
        foreach (var stream in result.Substreams)
        {
            yield return $"{(stream.FromGuid == "0" ? "full" : "incremental")} {(stream.Raw ? "raw " : "")}stream of {stream.ToName} ({stream.Type}), {Text.Bytes(stream.Length)}, snapshot of {Text.Time(stream.Creation)}";
            yield return $"  guid {stream.ToGuid}{(stream.FromGuid == "0" ? "" : $", from guid {stream.FromGuid}")}";
            yield return $"  features {string.Join(' ', stream.Features)} (OpenZFS {stream.Requires.OpenZfs} or newer{(stream.Requires.PoolFeatures.IsEmpty ? "" : $"; pool features {string.Join(' ', stream.Requires.PoolFeatures)}")})";
            if (stream.Encryption is { } key) yield return $"  {key.Suite}, {key.KeyFormat}, key guid {key.KeyGuid}, wrapping {key.WrappingId[..16]}";
            yield return $"  records {string.Join(' ', stream.Records.Select(r => $"{r.Key} {r.Value}"))}";
            foreach (var warning in stream.Warnings) yield return $"  warning: {warning}";
        }
        yield return result.Damage is { } damage ? $"DAMAGED at byte {damage.Offset}, record {damage.Record}: {damage.Reason}" : $"whole: {Text.Bytes(result.Length)}, every checksum right";
    }
}
