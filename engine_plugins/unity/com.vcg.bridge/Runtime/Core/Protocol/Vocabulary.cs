// Written by scripts/make_vocabulary.py from vcg_bridge/contract: do not edit.
using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Protocol 1 as data: names, bounds, messages and their fields. docs/protocol.md explains each.</summary>
    public static class Vocabulary
    {
        /// <summary>What a value may be.</summary>
        public enum Kind
        {
            /// <summary>Text.</summary>
            Str,

            /// <summary>Bytes.</summary>
            Bin,

            /// <summary>A whole number of 64 bits.</summary>
            Int,

            /// <summary>A finite number of 64 bits; a whole one is taken too.</summary>
            Float,

            /// <summary>True or false.</summary>
            Bool,

            /// <summary>Nil, bool, int, float or str.</summary>
            Scalar,

            /// <summary>A recipe: it has a format version and rules of its own.</summary>
            Recipe,

            /// <summary>A map with known fields, one of <see cref="Records"/>.</summary>
            Record,

            /// <summary>Entries of one shape.</summary>
            Array,

            /// <summary>Entries of one shape by name.</summary>
            Map,
        }

        /// <summary>The type of a value and its limits.</summary>
        public sealed class Shape
        {
            internal Shape(Kind kind)
            {
                Kind = kind;
            }

            /// <summary>What the value is.</summary>
            public Kind Kind { get; internal set; }

            /// <summary>Nil is allowed as well.</summary>
            public bool Nullable { get; internal set; }

            /// <summary>Name of the record.</summary>
            public string Record { get; internal set; }

            /// <summary>Shape of the entries of an array or a map.</summary>
            public Shape Of { get; internal set; }

            /// <summary>Smallest int.</summary>
            public long Low { get; internal set; } = long.MinValue;

            /// <summary>Largest int.</summary>
            public long High { get; internal set; } = long.MaxValue;

            /// <summary>Smallest float.</summary>
            public double LowReal { get; internal set; } = double.MinValue;

            /// <summary>Largest float.</summary>
            public double HighReal { get; internal set; } = double.MaxValue;

            /// <summary>Fewest bytes (of the UTF-8 of a str, of a bin) or entries (of an array or a map).</summary>
            public int Least { get; internal set; }

            /// <summary>Most bytes or entries.</summary>
            public int Most { get; internal set; }

            /// <summary>One further number of bytes that is allowed; -1: none.</summary>
            public int Also { get; internal set; } = -1;

            /// <summary>The str must be one of these; null: any.</summary>
            public IReadOnlyList<string> Names { get; internal set; }

            internal Shape OrNil()
            {
                Nullable = true;
                return this;
            }
        }

        /// <summary>One field of a message or a record.</summary>
        public sealed class Field
        {
            internal Field(string name, Shape shape, bool required, object value)
            {
                Name = name;
                Shape = shape;
                Required = required;
                Default = value;
            }

            /// <summary>Its key.</summary>
            public string Name { get; }

            /// <summary>Type and limits.</summary>
            public Shape Shape { get; }

            /// <summary>It has no default.</summary>
            public bool Required { get; }

            /// <summary>
            /// What a field that is missing has: null, bool, long, double, string, byte[], object[], or an empty map
            /// (of a record: the defaults of all its fields). Not to be changed.
            /// </summary>
            public object Default { get; }
        }

        /// <summary>A message, or a map inside of one.</summary>
        public sealed class Record
        {
            private readonly Dictionary<string, Field> byName = new Dictionary<string, Field>();

            internal Record(string name, params Field[] fields)
            {
                Name = name;
                Fields = Array.AsReadOnly(fields);
                foreach (var field in fields)
                {
                    byName.Add(field.Name, field);
                }
            }

            /// <summary>Type of the message, or name of the record.</summary>
            public string Name { get; }

            /// <summary>All fields, in the order of the page.</summary>
            public IReadOnlyList<Field> Fields { get; }

            /// <summary>The field of that name, null where there is none.</summary>
            public Field Find(string name)
            {
                Field field;
                return byName.TryGetValue(name, out field) ? field : null;
            }
        }

        private static readonly IReadOnlyDictionary<string, object> NoEntries = new Dictionary<string, object>();

        /// <summary>Other major versions are refused.</summary>
        public const int ProtocolMajor = 1;

        /// <summary>Never refuses.</summary>
        public const int ProtocolMinor = 0;

        /// <summary>What a chunk may show.</summary>
        public static readonly IReadOnlyList<string> ChunkKinds = Listed("preview", "animation", "sheet", "normal");

        /// <summary>How a blob may be compressed.</summary>
        public static readonly IReadOnlyList<string> Codecs = Listed("raw", "gzip", "zstd");

        /// <summary>No sound for so long after a ping: the other side is dead.</summary>
        public const int DeadMs = 30000;

        /// <summary>Where a server listens unless told otherwise.</summary>
        public const string DefaultAddress = "tcp://127.0.0.1:7421";

        /// <summary>Loopback.</summary>
        public const string DefaultHost = "127.0.0.1";

        /// <summary>Of a server.</summary>
        public const int DefaultPort = 7421;

        /// <summary>Of a character, in the order of rows.</summary>
        public static readonly IReadOnlyList<string> Directions = Listed("up", "left", "down", "right");

        /// <summary>Default of `limits.forget_ms`.</summary>
        public const int ForgetMs = 60000;

        /// <summary>What a decoded blob may be.</summary>
        public static readonly IReadOnlyList<string> Formats = Listed("r8", "rgba8", "png");

        /// <summary>Of a sheet.</summary>
        public static readonly IReadOnlyList<string> Layouts = Listed("lpc", "rows", "packed");

        /// <summary>Of a bin.</summary>
        public const int MaxBinBytes = 65536;

        /// <summary>Of a blob, as sent and as decoded.</summary>
        public const int MaxBlobBytes = 67108864;

        /// <summary>Percent, either way.</summary>
        public const int MaxControl = 100;

        /// <summary>Characters in one generate.</summary>
        public const int MaxCount = 1000;

        /// <summary>Bytes, see credit.</summary>
        public const int MaxCredit = 67108864;

        /// <summary>Maps and arrays in each other; the message's own map is 1.</summary>
        public const int MaxDepth = 8;

        /// <summary>Pixels.</summary>
        public const int MaxExtrude = 16;

        /// <summary>Of an id.</summary>
        public const int MaxIdBytes = 64;

        /// <summary>Of a map key.</summary>
        public const int MaxKeyBytes = 128;

        /// <summary>Entries of one map or array; of a request, in all its maps and arrays together.</summary>
        public const int MaxLength = 16384;

        /// <summary>Of what programs read.</summary>
        public const int MaxNameBytes = 128;

        /// <summary>Percent.</summary>
        public const int MaxNovelty = 100;

        /// <summary>Pixels.</summary>
        public const int MaxPadding = 64;

        /// <summary>Blobs of a message, server to client.</summary>
        public const int MaxReplyBlobs = 4;

        /// <summary>Of frame 0, server to client.</summary>
        public const int MaxReplyBytes = 1048576;

        /// <summary>Blobs of a message, client to server.</summary>
        public const int MaxRequestBlobs = 0;

        /// <summary>Of frame 0, client to server.</summary>
        public const int MaxRequestBytes = 65536;

        /// <summary>Times.</summary>
        public const int MaxScale = 16;

        /// <summary>2^63 - 1.</summary>
        public const long MaxSeed = 9223372036854775807;

        /// <summary>Of a str, as UTF-8.</summary>
        public const int MaxTextBytes = 8192;

        /// <summary>Of what people read.</summary>
        public const int MaxTitleBytes = 1024;

        /// <summary>What may be asked for.</summary>
        public static readonly IReadOnlyList<string> OutputKinds = Listed("preview", "animations", "sheet");

        /// <summary>256 x RGBA.</summary>
        public const int PaletteBytes = 1024;

        /// <summary>Default of `limits.ping_ms`.</summary>
        public const int PingMs = 10000;

        /// <summary>Of a job.</summary>
        public static readonly IReadOnlyList<string> Priorities = Listed("interactive", "batch");

        /// <summary>Of a chunk's hash.</summary>
        public const int Sha256Bytes = 32;

        /// <summary>Default of `limits.stall_ms`.</summary>
        public const int StallMs = 60000;

        /// <summary>How frames of a packed sheet are cut.</summary>
        public static readonly IReadOnlyList<string> Trims = Listed("each", "common", "none");

        /// <summary>Codes of errors, as they travel.</summary>
        public static class ErrorCode
        {
            /// <summary>The request names something unknown, or a value is outside its limits.</summary>
            public const string BadRequest = "bad_request";

            /// <summary>A recipe cannot be read, or belongs to another model.</summary>
            public const string Recipe = "recipe";

            /// <summary>A bundle is missing, damaged, hostile or of a newer format.</summary>
            public const string Bundle = "bundle";

            /// <summary>An art pack cannot be read, or its art breaks the pack's own rules.</summary>
            public const string Pack = "pack";

            /// <summary>The other side sent what protocol 1 does not allow.</summary>
            public const string Protocol = "protocol";

            /// <summary>The two sides have no protocol version in common.</summary>
            public const string Version = "version";

            /// <summary>The server does not know this client (any more): it must say hello first.</summary>
            public const string HelloRequired = "hello_required";

            /// <summary>The token or key is missing or wrong.</summary>
            public const string Auth = "auth";

            /// <summary>The queue is full. details: retry_after_ms.</summary>
            public const string Busy = "busy";

            /// <summary>The request is well formed but larger than this server allows.</summary>
            public const string Limit = "limit";

            /// <summary>The id is in use, or was used lately, for another request.</summary>
            public const string IdConflict = "id_conflict";

            /// <summary>The job was cancelled before it was done.</summary>
            public const string Cancelled = "cancelled";

            /// <summary>The client granted no credit for so long that the server dropped the job.</summary>
            public const string Stalled = "stalled";

            /// <summary>The server is going down and takes no more requests.</summary>
            public const string ShuttingDown = "shutting_down";

            /// <summary>A blob does not have the length or the sha256 that was announced.</summary>
            public const string Integrity = "integrity";

            /// <summary>Nothing, or nothing that speaks this protocol, answers at the address.</summary>
            public const string NoServer = "no_server";

            /// <summary>An answer did not come within the time limit.</summary>
            public const string Timeout = "timeout";

            /// <summary>The connection was lost and could not be made again.</summary>
            public const string Disconnected = "disconnected";

            /// <summary>A setting is wrong or unsafe (binding beyond loopback without authentication ...).</summary>
            public const string Config = "config";

            /// <summary>The address cannot be bound (port taken, no such interface, no permission).</summary>
            public const string Address = "address";

            /// <summary>A result cannot be written (folder missing, not writable, disk full).</summary>
            public const string Output = "output";

            /// <summary>The compute device asked for is not there or failed.</summary>
            public const string Device = "device";

            /// <summary>A fault of VCG Bridge itself. Worth a bug report.</summary>
            public const string Internal = "internal";
        }

        /// <summary>Every error code and what it means. A code that is not here counts as internal.</summary>
        public static readonly IReadOnlyDictionary<string, string> Errors = new Dictionary<string, string>
        {
            { ErrorCode.BadRequest, "The request names something unknown, or a value is outside its limits." },
            { ErrorCode.Recipe, "A recipe cannot be read, or belongs to another model." },
            { ErrorCode.Bundle, "A bundle is missing, damaged, hostile or of a newer format." },
            { ErrorCode.Pack, "An art pack cannot be read, or its art breaks the pack's own rules." },
            { ErrorCode.Protocol, "The other side sent what protocol 1 does not allow." },
            { ErrorCode.Version, "The two sides have no protocol version in common." },
            { ErrorCode.HelloRequired, "The server does not know this client (any more): it must say hello first." },
            { ErrorCode.Auth, "The token or key is missing or wrong." },
            { ErrorCode.Busy, "The queue is full. details: retry_after_ms." },
            { ErrorCode.Limit, "The request is well formed but larger than this server allows." },
            { ErrorCode.IdConflict, "The id is in use, or was used lately, for another request." },
            { ErrorCode.Cancelled, "The job was cancelled before it was done." },
            { ErrorCode.Stalled, "The client granted no credit for so long that the server dropped the job." },
            { ErrorCode.ShuttingDown, "The server is going down and takes no more requests." },
            { ErrorCode.Integrity, "A blob does not have the length or the sha256 that was announced." },
            { ErrorCode.NoServer, "Nothing, or nothing that speaks this protocol, answers at the address." },
            { ErrorCode.Timeout, "An answer did not come within the time limit." },
            { ErrorCode.Disconnected, "The connection was lost and could not be made again." },
            { ErrorCode.Config, "A setting is wrong or unsafe (binding beyond loopback without authentication ...)." },
            { ErrorCode.Address, "The address cannot be bound (port taken, no such interface, no permission)." },
            { ErrorCode.Output, "A result cannot be written (folder missing, not writable, disk full)." },
            { ErrorCode.Device, "The compute device asked for is not there or failed." },
            { ErrorCode.Internal, "A fault of VCG Bridge itself. Worth a bug report." },
        };

        /// <summary>Client to server, by type.</summary>
        public static readonly IReadOnlyDictionary<string, Record> Requests = Table(
            new Record("hello",
                Required("versions", ArrayOf(Whole(), 1, 16)),
                Optional("minor", Whole(0, 9007199254740992), 0L),
                Optional("client", Text(0, 128), ""),
                Optional("session", Text(0, 64), ""),
                Optional("codecs", ArrayOf(Text(0, 128), 0, 256), new object[] { "raw" }),
                Optional("token", Text(0, 128), "")),
            new Record("describe",
                Required("id", Text(1, 64)),
                Optional("model", Text(0, 128), "")),
            new Record("generate",
                Required("id", Text(1, 64)),
                Optional("model", Text(0, 128), ""),
                Optional("recipe", Recipe().OrNil(), null),
                Optional("design", RecordOf("design").OrNil(), null),
                Optional("count", Whole(1, 1000), 1L),
                Optional("animations", ArrayOf(Text(0, 128), 0, 256), new object[0]),
                Optional("preview", Flag(), true),
                Optional("output", RecordOf("output"), NoEntries),
                Optional("priority", OneOf(Priorities), "interactive"),
                Optional("credit", Whole(0, 67108864), 0L),
                Optional("first_seq", Whole(0, 9007199254740992), 0L)),
            new Record("credit",
                Required("id", Text(1, 64)),
                Required("bytes", Whole(0, 67108864))),
            new Record("cancel",
                Required("id", Text(1, 64))),
            new Record("ping",
                Optional("id", Text(0, 64), "")),
            new Record("bye",
                Optional("reason", Text(0, 8192), "")));

        /// <summary>Server to client, by type.</summary>
        public static readonly IReadOnlyDictionary<string, Record> Replies = Table(
            new Record("welcome",
                Required("version", Whole()),
                Optional("minor", Whole(0, 9007199254740992), 0L),
                Optional("server", Text(0, 128), ""),
                Optional("codecs", ArrayOf(Text(0, 128), 0, 256), new object[] { "raw" }),
                Optional("limits", RecordOf("limits"), NoEntries),
                Optional("models", ArrayOf(RecordOf("model"), 0, 256), new object[0]),
                Optional("device", Text(0, 128), "")),
            new Record("description",
                Required("id", Text(1, 64)),
                Required("model", Text(0, 128)),
                Required("version", Text(0, 128)),
                Required("title", Text(0, 1024)),
                Required("sha256", Text(0, 128)),
                Required("licence", Text(0, 1024)),
                Required("attribution", Text(0, 8192)),
                Required("frame_size", Whole()),
                Required("animations", ArrayOf(RecordOf("animation"), 0, 16384)),
                Required("layers", ArrayOf(RecordOf("layer"), 0, 16384)),
                Required("ramps", MapOf(ArrayOf(RecordOf("ramp"), 0, 16384), 64)),
                Required("groups", MapOf(Text(0, 128), 256)),
                Optional("archetypes", ArrayOf(RecordOf("archetype"), 0, 16384), new object[0]),
                Optional("bodies", ArrayOf(Text(0, 128), 0, 16384), new object[0])),
            new Record("accepted",
                Required("id", Text(1, 64)),
                Required("count", Whole(0, 9007199254740992)),
                Required("chunks", Whole(0, 9007199254740992)),
                Required("model", Text(0, 128)),
                Required("model_sha256", Text(0, 128))),
            new Record("chunk",
                Required("id", Text(1, 64)),
                Required("seq", Whole(0, 9007199254740992)),
                Required("character", Whole(0, 9007199254740992)),
                Required("kind", OneOf(ChunkKinds)),
                Required("name", Text(0, 128)),
                Required("format", OneOf(Formats)),
                Required("width", Whole(0, 65535)),
                Required("height", Whole(0, 65535)),
                Required("raw_length", Whole(0, 67108864)),
                Required("sha256", Octets(32, 32)),
                Optional("codec", OneOf(Codecs), "raw"),
                Optional("strips", ArrayOf(RecordOf("strip"), 0, 256), new object[0]),
                Optional("last", Flag(), false),
                Optional("palette", Octets(1024, 1024, 0), new byte[0]),
                Optional("recipe", Recipe().OrNil(), null),
                Optional("credits", ArrayOf(Text(0, 8192), 0, 512), new object[0])),
            new Record("done",
                Required("id", Text(1, 64)),
                Required("characters", Whole(0, 9007199254740992)),
                Required("chunks", Whole(0, 9007199254740992)),
                Optional("licence", Text(0, 1024), ""),
                Optional("attribution", Text(0, 8192), ""),
                Optional("timings_ms", MapOf(Real(), 64), NoEntries),
                Optional("margin", Real(), 0.0),
                Optional("redrawn", Whole(0, 9007199254740992), 0L),
                Optional("cache", MapOf(Whole(), 64), NoEntries)),
            new Record("cancelled",
                Required("id", Text(1, 64)),
                Optional("active", Flag(), false)),
            new Record("pong",
                Optional("id", Text(0, 64), "")),
            new Record("error",
                Required("code", Text(0, 128)),
                Required("message", Text(0, 8192)),
                Optional("hint", Text(0, 8192), ""),
                Optional("id", Text(0, 64), ""),
                Optional("details", MapOf(Scalar(), 64), NoEntries)),
            new Record("bye",
                Optional("reason", Text(0, 8192), "")));

        /// <summary>Maps inside of messages, by name.</summary>
        public static readonly IReadOnlyDictionary<string, Record> Records = Table(
            new Record("design",
                Optional("seed", Whole(0, 9223372036854775807), 0L),
                Optional("archetype", Text(0, 128), ""),
                Optional("body", Text(0, 128), ""),
                Optional("novelty", Whole(0, 100).OrNil(), null),
                Optional("items", MapOf(Text(0, 128).OrNil(), 256), NoEntries),
                Optional("ramps", MapOf(Text(0, 128), 256), NoEntries),
                Optional("base", Recipe().OrNil(), null),
                Optional("reroll", ArrayOf(Text(0, 128), 0, 256), new object[0]),
                Optional("keep", ArrayOf(Text(0, 128), 0, 256), new object[0]),
                Optional("controls", MapOf(Whole(-100, 100), 256), NoEntries)),
            new Record("output",
                Optional("kind", OneOf(OutputKinds), "animations"),
                Optional("format", OneOf(Formats), "r8"),
                Optional("layout", OneOf(Layouts), "lpc"),
                Optional("scale", Whole(1, 16), 1L),
                Optional("outline", ArrayOf(Whole(0, 255), 4, 4).OrNil(), null),
                Optional("shadow", ArrayOf(Whole(0, 255), 4, 4).OrNil(), null),
                Optional("shadow_offset", ArrayOf(Whole(), 2, 2).OrNil(), null),
                Optional("normal_map", Flag(), false),
                Optional("padding", Whole(0, 64), 1L),
                Optional("extrude", Whole(0, 16), 0L),
                Optional("power_of_two", Flag(), false),
                Optional("trim", OneOf(Trims), "each")),
            new Record("limits",
                Optional("count", Whole(0, 9007199254740992), 1000L),
                Optional("jobs", Whole(0, 9007199254740992), 16L),
                Optional("credit", Whole(0, 9007199254740992), 67108864L),
                Optional("scale", Whole(0, 9007199254740992), 16L),
                Optional("request_bytes", Whole(0, 9007199254740992), 65536L),
                Optional("blob_bytes", Whole(0, 9007199254740992), 67108864L),
                Optional("ping_ms", Whole(0, 9007199254740992), 10000L),
                Optional("forget_ms", Whole(0, 9007199254740992), 60000L),
                Optional("stall_ms", Whole(0, 9007199254740992), 60000L)),
            new Record("model",
                Required("name", Text(0, 128)),
                Required("version", Text(0, 128)),
                Required("title", Text(0, 1024)),
                Required("sha256", Text(0, 128))),
            new Record("strip",
                Required("animation", Text(0, 128)),
                Required("directions", ArrayOf(Text(0, 128), 0, 8)),
                Required("frames", Whole(0, 65535)),
                Required("frame_width", Whole(0, 65535)),
                Required("frame_height", Whole(0, 65535)),
                Optional("fps", Real(0.0, 1000.0), 0.0),
                Optional("loop", Flag(), false),
                Optional("rects", ArrayOf(Whole(0, 65535), 0, 16384), new object[0])),
            new Record("animation",
                Required("id", Text(0, 128)),
                Required("title", Text(0, 1024)),
                Required("frames", Whole()),
                Required("fps", Real()),
                Required("loop", Flag()),
                Required("directions", ArrayOf(Text(0, 128), 0, 16384)),
                Optional("frame_names", ArrayOf(Text(0, 1024), 0, 16384), new object[0])),
            new Record("layer",
                Required("id", Text(0, 128)),
                Required("title", Text(0, 1024)),
                Required("items", ArrayOf(RecordOf("item"), 0, 16384)),
                Optional("required", Flag(), false),
                Optional("frame_size", Whole(), 0L),
                Optional("materials", ArrayOf(RecordOf("material"), 0, 16384), new object[0]),
                Optional("slot", Whole(), 0L),
                Optional("slots", Whole(), 0L),
                Optional("controls", ArrayOf(RecordOf("control"), 0, 16384), new object[0])),
            new Record("material",
                Required("group", Text(0, 128)),
                Required("kind", Text(0, 128)),
                Required("slot", Whole()),
                Required("shades", Whole())),
            new Record("item",
                Required("id", Text(0, 128)),
                Required("title", Text(0, 1024)),
                Optional("kind", Text(0, 128), ""),
                Optional("body", Text(0, 128), ""),
                Optional("hides", ArrayOf(Text(0, 128), 0, 16384), new object[0]),
                Optional("allows", MapOf(ArrayOf(Text(0, 128), 0, 16384), 16384), NoEntries),
                Optional("needs", ArrayOf(Text(0, 128), 0, 16384), new object[0])),
            new Record("control",
                Required("id", Text(0, 128)),
                Required("title", Text(0, 1024)),
                Required("low", Text(0, 1024)),
                Required("high", Text(0, 1024)),
                Required("items", ArrayOf(Text(0, 128), 0, 16384))),
            new Record("ramp",
                Required("id", Text(0, 128)),
                Required("title", Text(0, 1024)),
                Required("colours", Octets(0, 768))),
            new Record("archetype",
                Required("id", Text(0, 128)),
                Required("title", Text(0, 1024)),
                Optional("description", Text(0, 8192), "")));

        private static Field Required(string name, Shape shape)
        {
            return new Field(name, shape, true, null);
        }

        private static Field Optional(string name, Shape shape, object value)
        {
            return new Field(name, shape, false, value);
        }

        private static Shape Text(int least, int most)
        {
            return new Shape(Kind.Str) { Least = least, Most = most };
        }

        private static Shape OneOf(IReadOnlyList<string> names)
        {
            return new Shape(Kind.Str) { Names = names, Most = MaxTextBytes };
        }

        private static Shape Octets(int least, int most, int also = -1)
        {
            return new Shape(Kind.Bin) { Least = least, Most = most, Also = also };
        }

        private static Shape Whole(long low = long.MinValue, long high = long.MaxValue)
        {
            return new Shape(Kind.Int) { Low = low, High = high };
        }

        private static Shape Real(double low = double.MinValue, double high = double.MaxValue)
        {
            return new Shape(Kind.Float) { LowReal = low, HighReal = high };
        }

        private static Shape Flag()
        {
            return new Shape(Kind.Bool);
        }

        private static Shape Scalar()
        {
            return new Shape(Kind.Scalar);
        }

        private static Shape Recipe()
        {
            return new Shape(Kind.Recipe);
        }

        private static Shape RecordOf(string name)
        {
            return new Shape(Kind.Record) { Record = name };
        }

        private static Shape ArrayOf(Shape entry, int least, int most)
        {
            return new Shape(Kind.Array) { Of = entry, Least = least, Most = most };
        }

        private static Shape MapOf(Shape entry, int most)
        {
            return new Shape(Kind.Map) { Of = entry, Most = most };
        }

        private static IReadOnlyList<string> Listed(params string[] names)
        {
            return Array.AsReadOnly(names);
        }

        private static IReadOnlyDictionary<string, Record> Table(params Record[] records)
        {
            var table = new Dictionary<string, Record>();
            foreach (var record in records)
            {
                table.Add(record.Name, record);
            }

            return table;
        }
    }
}
