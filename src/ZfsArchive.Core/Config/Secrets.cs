using System.Text;
using ZfsArchive.Model;
using ZfsArchive.Stores;

namespace ZfsArchive.Config;

/// <summary>Reads secrets from where they are kept. Their values are in no message.</summary>
/// <param name="environment">The value of a variable, or null.</param>
public sealed class Secrets(Func<string, string?> environment)
{
    const int Longest = 64 << 10;
    const UnixFileMode OfOthers = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <exception cref="ArchiveException">Usage: says what is wrong with the place.</exception>
    public string Read(SecretSource source)
    {
        var (place, value) = source.Kind switch
        {
            SecretKind.File => (source.Name, OfFile(source.Name, mustBePrivate: true)),
            SecretKind.Environment => ($"the variable {source.Name}", environment(source.Name) ?? throw Wrong($"the variable {source.Name}, in which a secret is kept, is not set")),
            _ => ($"the credential {source.Name}", OfFile(CredentialPath(source.Name), mustBePrivate: false)),
        };
        var secret = value.EndsWith("\r\n", StringComparison.Ordinal) ? value[..^2] : value.EndsWith('\n') ? value[..^1] : value;
        return secret.Length > 0 ? secret : throw Wrong($"{place}, in which a secret is kept, is empty");
    }

    string CredentialPath(string name) => Path.Combine(
        environment("CREDENTIALS_DIRECTORY") ?? throw Wrong($"the credential {name} is there only when systemd starts this program, with LoadCredential={name}:… in its unit"), name);

    // What systemd hands over lies in a folder of its own, with modes of its own.
    static string OfFile(string path, bool mustBePrivate)
    {
        var file = SmallFile.Read(path, Longest);
        if (mustBePrivate && (file.Mode & OfOthers) != 0)
            throw Wrong($"{path} has the mode {Convert.ToString((int)file.Mode, 8)}: a secret is for its owner only: chmod 600 {path}");
        if (mustBePrivate && file.Owner != 0 && file.Owner != Posix.EffectiveUser())
            throw Wrong($"{path} belongs to user {file.Owner}, neither to root nor to who runs this program: chown it, and chmod 600 {path}");
        if (file.Bytes.Length > Longest) throw Wrong($"{path} is larger than {Longest >> 10} KiB: this is no secret");
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(file.Bytes);
        }
        catch (DecoderFallbackException)
        {
            // its message, and so an inner exception, would show bytes
            throw Wrong($"{path} is not UTF-8: a secret is a line of text");
        }
    }

    static ArchiveException Wrong(string message) => new(FailureKind.Usage, message);
}
