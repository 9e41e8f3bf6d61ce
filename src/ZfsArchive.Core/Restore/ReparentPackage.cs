using System.Globalization;
using System.Text;
using ZfsArchive.SendStream;

namespace ZfsArchive.Restore;

/// <summary>
/// The smallest package with which <c>zfs receive</c> hands received encryption roots back to the dataset above them, with no
/// key loaded: a header that names a snapshot of each child, one empty substream of a snapshot that the top already has (which
/// is skipped), and the conclusion. libzfs then restores the encryption hierarchy of the header
/// (libzfs_sendrecv.c, recv_fix_encryption_hierarchy). Proven on OpenZFS 2.3.9.
/// </summary>
public static class ReparentPackage
{
    const ulong RawFeature = 1UL << 24;
    const ulong PackageType = 2, SubstreamType = 1;
    // Any base but none: a full would be refused before the name is looked at.
    const ulong AnyBase = 1;

    /// <param name="topSnapshot">A snapshot of the top on the target, without its dataset.</param>
    /// <param name="topGuid">Its GUID.</param>
    /// <param name="children">For each child the GUID of any snapshot that it has on the target.</param>
    public static byte[] Build(string topSnapshot, ulong topGuid, IEnumerable<ulong> children)
    {
        var output = new MemoryStream();
        var name = $"x@{topSnapshot}";
        var header = new RecordWriter(output, bigEndian: false, unsealedEnd: true);
        header.Begin(Begin(PackageType, 0, ObjsetKind.None, BeginFlags.None, 0, 0, name).Header, Properties(topSnapshot, children).Pack());
        header.Write(new RecordDraft(RecordType.End, false).Header, []);

        var substream = new RecordWriter(output, bigEndian: false);
        substream.Begin(Begin(SubstreamType, RawFeature, ObjsetKind.Filesystem, BeginFlags.SpillBlock, topGuid, AnyBase, name).Header, []);
        substream.Write(new RecordDraft(RecordType.End, false) { ["toguid"] = topGuid }.Header, []);

        output.Write(new RecordDraft(RecordType.End, false).Header.Bytes);
        return output.ToArray();
    }

    // props has to be there, though empty: libzfs asserts it.
    static NvList Properties(string topSnapshot, IEnumerable<ulong> children) => new(
        [
            new("tosnap", NvType.String, topSnapshot),
            new("raw", NvType.Boolean, null),
            new("fss", NvType.NvList, Xdr(children.Select(guid => new NvPair($"0x{guid.ToString("x", CultureInfo.InvariantCulture)}", NvType.NvList, Xdr(
            [
                new("props", NvType.NvList, Xdr([])),
                new("snaps", NvType.NvList, Xdr([new("x", NvType.UInt64, guid)])),
            ]))))),
        ], NvEncoding.Xdr);

    static NvList Xdr(IEnumerable<NvPair> pairs) => new(pairs, NvEncoding.Xdr);

    static RecordDraft Begin(ulong headerType, ulong features, ObjsetKind kind, BeginFlags flags, ulong toGuid, ulong fromGuid, string name)
    {
        var draft = new RecordDraft(RecordType.Begin, false)
        {
            ["magic"] = BeginRecord.Magic,
            ["versioninfo"] = headerType | features << 2,
            ["flags"] = (ulong)flags,
            ["toguid"] = toGuid,
            ["fromguid"] = fromGuid,
        };
        draft.Set(RecordLayout.FieldsOf(RecordType.Begin).Single(f => f.Name == "type"), (ulong)kind);
        Encoding.UTF8.GetBytes(name, draft.Raw(RecordLayout.FieldsOf(RecordType.Begin)[^1]));
        return draft;
    }
}
