using System;
using System.Collections.Generic;
using System.Security.Cryptography;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// From the bytes of a manifest.json to a <see cref="BundleManifest"/>: every field's type and range and every reference
    /// between them, as vcg_bridge/contract/manifest_parse.py checks them.
    /// </summary>
    internal static partial class ManifestReader
    {
        public const int Format = 1;
        public const int MaxBytes = 16 << 20;

        const int MaxFrame = 1024;
        const int MaxLogits = 1 << 22;
        const int MaxSlots = 255;
        const int MaxKeyBytes = 128;
        const int MaxZ = 10000;

        public static readonly string[] Directions = { "up", "left", "down", "right" };
        public static readonly string[] PartNames = { "behind", "front" };
        public const string BodyLayer = "body";

        static readonly string[] Required =
        {
            "format", "name", "version", "title", "licence", "attribution", "frame_size", "z_dim", "animations", "networks",
            "ramps", "layers", "items", "archetypes", "files",
        };

        /// <param name="data">the file</param>
        /// <param name="name">its name, for messages</param>
        public static BundleManifest Read(byte[] data, string name)
        {
            var source = new JsonSource("bundle", name, Bundle.Damaged);
            if (data.Length > MaxBytes)
                throw source.Fault("", "larger than " + (MaxBytes >> 20) + " MiB");
            JsonNode root = source.Parse(data);
            CheckFormat(root);
            root.Object(Required, "controls", "training");
            root["format"].Int(Format, Format);
            var manifest = new BundleManifest
            {
                Name = root["name"].Slug(),
                Version = Version(root["version"]),
                Title = root["title"].Text(1, 200),
                Licence = root["licence"].Text(1, 200),
                Attribution = root["attribution"].Text(1, 2000),
                FrameSize = root["frame_size"].Int(8, MaxFrame),
                CodeLength = root["z_dim"].Int(1, 4096),
                Sha256 = Hex(data),
            };
            var animations = Unique(root["animations"], Animation, 1, 200, x => x.Id);
            var networks = Unique(root["networks"], Network, 1, 200, x => x.Id);
            var ramps = Unique(root["ramps"], Ramp, 0, 5000, x => x.Kind + "/" + x.Id);
            var layers = Layers(root["layers"], manifest.FrameSize, animations, networks, ramps.Values);
            var items = Items(root["items"], manifest.CodeLength, animations, layers, ramps);
            var archetypes = Unique(root["archetypes"], x => Archetype(x, layers, items, ramps), 1, 1000, x => x.Id);
            var controls = root.Has("controls")
                ? Unique(root["controls"], x => Control(x, manifest.CodeLength, layers, items), 0, 1000, x => x.Key)
                : new Ordered<BundleControl>();
            if (root.Has("training"))
                root["training"].Entries();
            manifest.Animations = animations.ToArray();
            manifest.Networks = networks.ToArray();
            manifest.Ramps = ramps.ToArray();
            manifest.Layers = layers.ToArray();
            manifest.Items = items.ToArray();
            manifest.Archetypes = archetypes.ToArray();
            manifest.Controls = controls.ToArray();
            manifest.Files = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, JsonNode> entry in root["files"].Entries())
                manifest.Files.Add(entry.Key, entry.Value.Sha256());
            manifest.Index();
            return manifest;
        }

        public static string Hex(byte[] data)
        {
            using (SHA256 hash = SHA256.Create())
            {
                return BitConverter.ToString(hash.ComputeHash(data)).Replace("-", "").ToLowerInvariant();
            }
        }

        static void CheckFormat(JsonNode root)
        {
            if (root.Value.Kind != JsonKind.Table || !root.Has("format") || root["format"].Value.Kind != JsonKind.Integer)
                return;
            long found = root["format"].Value.Integer;
            if (found != Format)
            {
                throw root["format"].Fault(
                    "the bundle has format " + found + "; this VCG Bridge reads format " + Format,
                    found > Format ? "update VCG Bridge to use this bundle" : "get the bundle in the present format");
            }
        }

        static string Version(JsonNode node)
        {
            string text = node.Text(5, 60);
            int numbers = 0;
            int at = 0;
            while (true)
            {
                int start = at;
                while (at < text.Length && at - start < 6 && text[at] >= '0' && text[at] <= '9')
                    at++;
                if (at == start)
                    throw node.Fault("'" + text + "' is not a version like 1.2.0");
                numbers++;
                if (numbers == 3)
                    break;
                if (at >= text.Length || text[at] != '.')
                    throw node.Fault("'" + text + "' is not a version like 1.2.0");
                at++;
            }
            bool more = at < text.Length;
            if (more && (("-.+".IndexOf(text[at]) < 0) || at + 1 == text.Length || text.Length - at - 1 > 40))
                throw node.Fault("'" + text + "' is not a version like 1.2.0");
            for (int i = at + 1; i < text.Length; i++)
            {
                char x = text[i];
                bool fine = (x >= '0' && x <= '9') || (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || x == '.' || x == '-';
                if (!fine)
                    throw node.Fault("'" + text + "' is not a version like 1.2.0");
            }
            return text;
        }

        /// <summary>Values by key, in order.</summary>
        sealed class Ordered<T> : Dictionary<string, T>
        {
            readonly List<T> order = new List<T>();

            public Ordered() : base(StringComparer.Ordinal)
            {
            }

            public void Append(string key, T value)
            {
                Add(key, value);
                order.Add(value);
            }

            public T[] ToArray()
            {
                return order.ToArray();
            }
        }

        /// <summary>The elements of an array by their key, in order; a repeated key is a fault.</summary>
        static Ordered<T> Unique<T>(JsonNode node, Func<JsonNode, T> read, int least, int most, Func<T, string> key)
        {
            var table = new Ordered<T>();
            foreach (JsonNode element in node.Elements(least, most))
            {
                T value = read(element);
                if (table.ContainsKey(key(value)))
                    throw element.Fault("the id '" + key(value) + "' is there twice");
                table.Append(key(value), value);
            }
            return table;
        }

        static BundleAnimation Animation(JsonNode node)
        {
            node.Object(new[] { "id", "title", "frames", "fps", "loop", "directions" }, "frame_names");
            int frames = node["frames"].Int(1, 256);
            string[] directions = node["directions"].Each(x => x.OneOf(Directions), 1, Directions.Length);
            for (int i = 1; i < directions.Length; i++)
            {
                if (Array.IndexOf(Directions, directions[i]) <= Array.IndexOf(Directions, directions[i - 1]))
                    throw node["directions"].Fault("must be in the order " + string.Join(", ", Directions) + ", each once");
            }
            return new BundleAnimation
            {
                Id = node["id"].Slug(),
                Title = node["title"].Text(1, 200),
                Frames = frames,
                Fps = node["fps"].Number(0.01, 240),
                Loop = node["loop"].Bool(),
                Directions = directions,
                FrameNames = node.Has("frame_names")
                    ? node["frame_names"].Distinct(x => x.Text(1, 60), frames, frames)
                    : new string[0],
            };
        }

        static BundleNetwork Network(JsonNode node)
        {
            node.Object(
                new[] { "id", "file", "views", "classes", "height", "width" }, "code_input", "view_input", "output");
            var network = new BundleNetwork
            {
                Id = node["id"].Slug(),
                File = node["file"].Text(1, 200),
                Views = node["views"].Int(1, short.MaxValue),
                Classes = node["classes"].Int(2, MaxSlots + 1),
                Height = node["height"].Int(1, MaxFrame),
                Width = node["width"].Int(1, MaxFrame),
                CodeInput = node.Has("code_input") ? node["code_input"].Text(1, 100) : "code",
                ViewInput = node.Has("view_input") ? node["view_input"].Text(1, 100) : "view",
                Output = node.Has("output") ? node["output"].Text(1, 100) : "logits",
            };
            if ((long)network.Classes * network.Height * network.Width > MaxLogits)
                throw node.Fault("classes * height * width is more than " + MaxLogits);
            return network;
        }

        static Rgb Colour(JsonNode node)
        {
            int[] parts = node.Ints(0, 255, 3);
            return new Rgb((byte)parts[0], (byte)parts[1], (byte)parts[2]);
        }

        static BundleRamp Ramp(JsonNode node)
        {
            node.Object(new[] { "id", "kind", "title", "colours" });
            return new BundleRamp
            {
                Id = node["id"].Slug(),
                Kind = node["kind"].Slug(),
                Title = node["title"].Text(1, 200),
                Colours = node["colours"].Each(Colour, 1, MaxSlots),
            };
        }
    }
}
