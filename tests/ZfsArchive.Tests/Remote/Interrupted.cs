namespace ZfsArchive.Tests.Remote;

/// <summary>A stream in whose middle something happens.</summary>
sealed class Interrupted(byte[] bytes, int at, Action act) : MemoryStream(bytes)
{
    bool _happened;

    public override int Read(byte[] buffer, int offset, int count)
    {
        if (!_happened && Position >= at)
        {
            _happened = true;
            act();
        }
        return base.Read(buffer, offset, count);
    }
}
