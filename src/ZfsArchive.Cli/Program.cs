using ZfsArchive.Cli;

// Reading a pipe blocks a thread each; packing must not wait until the pool notices.
ThreadPool.SetMinThreads(32, 8);
using var host = new ProcessHost();
return await Application.RunAsync(args, host);
