using ZfsArchive.Manifests;
using ZfsArchive.Model;
using ZfsArchive.Tests.Worlds;

namespace ZfsArchive.Tests.Manifests;

/// <summary>Memory is measured: nothing else may run meanwhile.</summary>
[CollectionDefinition("memory", DisableParallelization = true)]
public sealed class MemoryCollection;

[Collection("memory")]
public sealed class HugeManifestTests
{
    const int Chunks = 1_600_000;
    const long ChunkLength = 64L << 20;
    const long Room = 48L << 20;

    [Fact]
    public async Task The_manifest_of_100_TiB_is_written_and_read_in_a_small_room()
    {
        using var temp = new TempFolder();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var head = SampleManifest.Head(Chunks, Chunks * ChunkLength, Chunks * ChunkLength);
        await using var file = new FileStream(temp["manifest"], FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        var lines = new GeneratedLines();
        var written = await ManifestWriter.WriteAsync(file, SampleManifest.Folder, SampleManifest.Name, head, lines, [], default);
        await file.FlushAsync();
        Assert.True(lines.Peak - before < Room, $"{lines.Peak - before} bytes while writing");
        Assert.True(written.Length > 200L * Chunks);

        // The head is in the first 64 KiB.
        var beginning = new byte[ManifestWriter.LongestHead];
        file.Position = 0;
        await file.ReadExactlyAsync(beginning);
        Assert.Equal(Chunks, ManifestReader.Head(beginning, "it").Totals.Chunks);
        Assert.Equal(written.Sha256, await ManifestReader.CheckAsync(file, SampleManifest.Folder, SampleManifest.Name.Text, "it", default));

        var (count, peak) = (0, 0L);
        foreach (var line in ManifestReader.Chunks(file, head, "it"))
            if (++count % 400_000 == 0) peak = long.Max(peak, GC.GetTotalMemory(forceFullCollection: true));
        Assert.Equal(Chunks, count);
        Assert.True(peak - before < Room, $"{peak - before} bytes while reading");
    }

    /// <summary>The spool of chunk lines, made as it is read.</summary>
    sealed class GeneratedLines : Stream
    {
        byte[] _line = [];
        int _at, _next;

        public long Peak { get; private set; }
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (_at == _line.Length)
            {
                if (_next == Chunks) return 0;
                if (_next % 400_000 == 399_999) Peak = long.Max(Peak, GC.GetTotalMemory(forceFullCollection: true));
                (_line, _at) = (ManifestWriter.Line(SampleManifest.Line(_next++, ChunkLength, ChunkLength)), 0);
            }
            var length = int.Min(count, _line.Length - _at);
            _line.AsSpan(_at, length).CopyTo(buffer.AsSpan(offset));
            _at += length;
            return length;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var filled = 0;
            var array = new byte[1024];
            while (filled + array.Length <= buffer.Length && Read(array, 0, array.Length) is var read and > 0)
            {
                array.AsSpan(0, read).CopyTo(buffer.Span[filled..]);
                filled += read;
            }
            if (filled == 0 && buffer.Length is > 0 and < 1024)
            {
                filled = Read(array, 0, buffer.Length);
                array.AsSpan(0, filled).CopyTo(buffer.Span);
            }
            return ValueTask.FromResult(filled);
        }

        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
