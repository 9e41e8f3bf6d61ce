using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;

namespace ZfsArchive.S3;

/// <summary>A client that signs a body by the SHA-256 that is known of it, where the SDK would read the body once more to make it.</summary>
sealed class HashedClient : AmazonS3Client
{
    /// <summary>The header in which a request brings the SHA-256 of its body, 64 hexadecimal digits.</summary>
    public const string BodyHash = "x-amz-content-sha256";

    /// <summary>With credentials from the usual AWS places.</summary>
    public HashedClient(AmazonS3Config config)
        : base(config)
    {
    }

    public HashedClient(AWSCredentials credentials, AmazonS3Config config)
        : base(credentials, config)
    {
    }

    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        base.CustomizeRuntimePipeline(pipeline);
        pipeline.AddHandlerBefore<Signer>(new KnownHash());
    }

    sealed class KnownHash : PipelineHandler
    {
        public override Task<T> InvokeAsync<T>(IExecutionContext executionContext)
        {
            if (executionContext.RequestContext.Request is DefaultRequest { ContentStream: not null } request && request.Headers.TryGetValue(BodyHash, out var hash)) HashOf(request) = hash;
            return base.InvokeAsync<T>(executionContext);
        }

        // The SDK removes the header before it signs; what it once made itself it keeps here.
        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "contentStreamHash")]
        static extern ref string HashOf(DefaultRequest request);
    }
}
