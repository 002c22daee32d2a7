using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>What a server said of itself when it was greeted.</summary>
    public sealed class Welcome
    {
        internal Welcome(IReadOnlyDictionary<string, object> fields)
        {
            Fields = fields;
            Version = fields.Int("version");
            Server = fields.Text("server");
            Device = fields.Text("device");
            Codecs = fields.Texts("codecs");
            Limits = new ServerLimits(fields.Map("limits"));
            Models = fields.Records("models", x => new ModelInfo(x));
        }

        /// <summary>The message, field by field, defaults filled in. Not to be changed.</summary>
        public IReadOnlyDictionary<string, object> Fields { get; }

        /// <summary>Major version of the protocol that is spoken.</summary>
        public int Version { get; }

        /// <summary>Program and version of the server.</summary>
        public string Server { get; }

        /// <summary>What it draws on: "cpu", "cuda:0".</summary>
        public string Device { get; }

        /// <summary>How it may compress blobs.</summary>
        public IReadOnlyList<string> Codecs { get; }

        /// <summary>What it allows one client.</summary>
        public ServerLimits Limits { get; }

        /// <summary>The bundles it draws with; the first is the default.</summary>
        public IReadOnlyList<ModelInfo> Models { get; }
    }

    /// <summary>What a server allows one client.</summary>
    public sealed class ServerLimits
    {
        internal ServerLimits(IReadOnlyDictionary<string, object> fields)
        {
            Count = fields.Int("count");
            Jobs = fields.Int("jobs");
            Credit = fields.Long("credit");
            Scale = fields.Int("scale");
            BlobBytes = fields.Long("blob_bytes");
            PingMs = fields.Int("ping_ms");
        }

        /// <summary>Characters in one request.</summary>
        public int Count { get; }

        /// <summary>Unfinished jobs.</summary>
        public int Jobs { get; }

        /// <summary>Bytes in hand of one job.</summary>
        public long Credit { get; }

        /// <summary>Of <see cref="Output.Scale"/>.</summary>
        public int Scale { get; }

        /// <summary>Of a decoded picture, in bytes.</summary>
        public long BlobBytes { get; }

        /// <summary>Silence after which a client has to send a ping.</summary>
        public int PingMs { get; }
    }

    /// <summary>A bundle that a server can draw with.</summary>
    public sealed class ModelInfo
    {
        internal ModelInfo(IReadOnlyDictionary<string, object> fields)
        {
            Name = fields.Text("name");
            Version = fields.Text("version");
            Title = fields.Text("title");
            Sha256 = fields.Text("sha256");
        }

        /// <summary>For <see cref="GenerateRequest.Model"/>.</summary>
        public string Name { get; }

        /// <summary>Of the bundle.</summary>
        public string Version { get; }

        /// <summary>For people.</summary>
        public string Title { get; }

        /// <summary>Hex, of its manifest.json.</summary>
        public string Sha256 { get; }
    }

    /// <summary>A job is queued: how much will come.</summary>
    public sealed class Accepted
    {
        internal Accepted(IReadOnlyDictionary<string, object> fields)
        {
            Count = fields.Int("count");
            Chunks = fields.Long("chunks");
            Model = fields.Text("model");
            ModelSha256 = fields.Text("model_sha256");
        }

        /// <summary>Characters that will come.</summary>
        public int Count { get; }

        /// <summary>Pictures that will come.</summary>
        public long Chunks { get; }

        /// <summary>Name of the bundle that draws.</summary>
        public string Model { get; }

        /// <summary>Hex, of its manifest.json.</summary>
        public string ModelSha256 { get; }
    }

    /// <summary>A job is complete.</summary>
    public sealed class Done
    {
        internal Done(IReadOnlyDictionary<string, object> fields)
        {
            Fields = fields;
            Characters = fields.Int("characters");
            Licence = fields.Text("licence");
            Attribution = fields.Text("attribution");
            TimingsMs = fields.Table("timings_ms", x => (double)x);
        }

        /// <summary>The message, field by field, defaults filled in. Not to be changed.</summary>
        public IReadOnlyDictionary<string, object> Fields { get; }

        /// <summary>That were sent.</summary>
        public int Characters { get; }

        /// <summary>Of the model: SPDX id or name.</summary>
        public string Licence { get; }

        /// <summary>One line that a product must show.</summary>
        public string Attribution { get; }

        /// <summary>Stage -> milliseconds: "queued", "design", "draw", "compose", "encode", "total", "first_chunk".</summary>
        public IReadOnlyDictionary<string, double> TimingsMs { get; }
    }
}
