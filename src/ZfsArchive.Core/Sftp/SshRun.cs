using System.Text;
using ZfsArchive.Processes;
using ZfsArchive.Stores;

namespace ZfsArchive.Sftp;

/// <summary>An ssh that ran to its end.</summary>
/// <param name="Status">Its exit status: 255 is ssh's own failure, else the command's.</param>
sealed record SshRun(int Status, string Output, string Errors)
{
    const int LongestOutput = 1 << 20;

    /// <summary>Runs ssh without input.</summary>
    /// <exception cref="SftpFault">Transient: it was not done in time.</exception>
    public static async Task<SshRun> StartAsync(IReadOnlyList<string> arguments, TimeSpan limit, TimeProvider clock, CancellationToken cancel)
    {
        using var process = SshChild.StartProcess(arguments);
        var errors = new StandardErrorTail(process.StandardError.BaseStream);
        using var tooLate = new CancellationTokenSource(limit, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, tooLate.Token);
        try
        {
            process.StandardInput.Close();
            var output = await ReadAsync(process.StandardOutput.BaseStream, stop.Token);
            await process.WaitForExitAsync(stop.Token);
            await errors.Drained.WaitAsync(stop.Token);
            return new(process.ExitCode, output, errors.Text());
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SftpFault(StoreFailure.Transient, $"no answer for {limit.TotalSeconds:0.#} s");
        }
        finally
        {
            SshChild.Kill(process);
        }
    }

    static async Task<string> ReadAsync(Stream from, CancellationToken cancel)
    {
        var kept = new MemoryStream();
        var buffer = new byte[4096];
        for (int read; (read = await from.ReadAsync(buffer, cancel)) > 0;)
        {
            if (kept.Length + read > LongestOutput) throw SftpFault.Broken($"a command that prints more than {LongestOutput} bytes");
            kept.Write(buffer, 0, read);
        }
        return Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length);
    }
}
