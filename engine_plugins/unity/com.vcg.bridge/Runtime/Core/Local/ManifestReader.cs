using System;
using System.Collections.Generic;
using System.Security.Cryptography;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// From the bytes of a manifest.json to a <see cref="BundleManifest"/>: every field's type and range and every reference
    /// between them, as vcg_bridge/contract/manifest_parse.py checks them.
    /// </summary>
    internal static class ManifestReader
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

        static Ordered<BundleLayer> Layers(
            JsonNode node, int frameSize, Ordered<BundleAnimation> animations, Ordered<BundleNetwork> networks,
            IEnumerable<BundleRamp> ramps)
        {
            var shades = new Dictionary<string, int>(StringComparer.Ordinal); // kind -> colours of its shortest ramp
            foreach (BundleRamp ramp in ramps)
            {
                int least;
                bool known = shades.TryGetValue(ramp.Kind, out least);
                shades[ramp.Kind] = known ? Math.Min(least, ramp.Colours.Length) : ramp.Colours.Length;
            }
            var kinds = new Dictionary<string, string>(StringComparer.Ordinal); // colour group -> kind
            var layers = Unique(
                node, x => Layer(x, frameSize, animations, networks, shades, kinds), 1, MaxSlots, x => x.Id);
            int slots = 0;
            foreach (BundleLayer layer in layers.Values)
                slots += layer.Classes - 1;
            if (slots > MaxSlots)
                throw node.Fault("all layers together have " + slots + " slots; " + MaxSlots + " is the most");
            return layers;
        }

        static BundleMaterial Material(JsonNode node, Dictionary<string, int> shades, Dictionary<string, string> kinds)
        {
            node.Object(new[] { "group", "kind", "shades" });
            string group = node["group"].Slug();
            int most = node["kind"].Known(shades, "kind of ramp");
            string kind = node["kind"].Value.Text;
            string before;
            if (!kinds.TryGetValue(group, out before))
                kinds.Add(group, before = kind);
            if (before != kind)
            {
                throw node.Fault(
                    "the colour group '" + group + "' is of kind '" + before + "' in another layer, '" + kind + "' here");
            }
            return new BundleMaterial { Group = group, Kind = kind, Shades = node["shades"].Int(1, most) };
        }

        static BundleLayer Layer(
            JsonNode node, int frameSize, Ordered<BundleAnimation> animations, Ordered<BundleNetwork> networks,
            Dictionary<string, int> shades, Dictionary<string, string> kinds)
        {
            node.Object(new[] { "id", "title", "required", "frame_size", "materials", "fixed", "parts" });
            int size = node["frame_size"].Int(frameSize, MaxFrame);
            if ((size - frameSize) % 2 != 0)
            {
                throw node["frame_size"].Fault(
                    size + " cannot be centred on " + frameSize + ": the difference must be even");
            }
            var layer = new BundleLayer
            {
                Id = node["id"].Slug(),
                Title = node["title"].Text(1, 200),
                Required = node["required"].Bool(),
                FrameSize = size,
                Materials = node["materials"].Each(x => Material(x, shades, kinds), 0, 32),
                Fixed = node["fixed"].Int(0, MaxSlots),
            };
            var groups = new HashSet<string>(StringComparer.Ordinal);
            foreach (BundleMaterial material in layer.Materials)
            {
                if (!groups.Add(material.Group))
                    throw node["materials"].Fault("names something twice");
            }
            if (layer.Classes < 2 || layer.Classes > MaxSlots + 1)
                throw node.Fault("has " + (layer.Classes - 1) + " slots; 1 to " + MaxSlots + " are possible");
            layer.Parts = node["parts"].Each(x => Part(x, layer, animations, networks), 1, PartNames.Length);
            if (layer.Parts.Length == 2 && layer.Parts[0].Part == layer.Parts[1].Part)
                throw node["parts"].Fault("names something twice");
            return layer;
        }

        static BundlePart Part(
            JsonNode node, BundleLayer layer, Ordered<BundleAnimation> animations, Ordered<BundleNetwork> networks)
        {
            node.Object(new[] { "part", "z", "network", "poses" }, "cleaning");
            var part = new BundlePart
            {
                Part = node["part"].OneOf(PartNames),
                Z = node["z"].Int(-MaxZ, MaxZ),
                Network = node["network"].Known(networks, "network"),
                Poses = new Dictionary<string, Place[]>(StringComparer.Ordinal),
                ShownIn = new HashSet<string>(StringComparer.Ordinal),
            };
            if (layer.Classes > part.Network.Classes)
            {
                throw node["network"].Fault(
                    "the layer has " + layer.Classes + " classes, the network '" + part.Network.Id + "' only "
                    + part.Network.Classes);
            }
            foreach (KeyValuePair<string, JsonNode> entry in node["poses"].Entries())
            {
                BundleAnimation animation = node["poses"].KnownKey(entry.Key, animations, "animation");
                Place[] places = Poses(entry.Value, animation, layer.FrameSize, part.Network);
                part.Poses.Add(entry.Key, places);
                if (Array.Exists(places, x => x.View >= 0))
                    part.ShownIn.Add(entry.Key);
            }
            if (node.Has("cleaning"))
            {
                foreach (KeyValuePair<string, JsonNode> entry in node["cleaning"].Entries())
                {
                    SparedPixels spared = Spared(entry.Value, part.Network);
                    if (entry.Key == "speck")
                        part.Specks = spared;
                    else if (entry.Key == "pinhole")
                        part.Pinholes = spared;
                    else
                        throw node["cleaning"].Fault("there is no cleaning rule '" + entry.Key + "'");
                }
            }
            return part;
        }

        static Place[] Poses(JsonNode node, BundleAnimation animation, int frameSize, BundleNetwork network)
        {
            int rows = animation.Directions.Length;
            var places = new Place[rows * animation.Frames];
            List<JsonNode> lines = node.Elements(rows, rows);
            for (int row = 0; row < rows; row++)
            {
                List<JsonNode> cells = lines[row].Elements(animation.Frames, animation.Frames);
                for (int frame = 0; frame < cells.Count; frame++)
                {
                    int[] cell = cells[frame].Ints(short.MinValue, short.MaxValue, 4);
                    if (cell[0] < -1 || cell[0] >= network.Views)
                        throw cells[frame].Fault("view must be from -1 to " + (network.Views - 1) + ", found " + cell[0]);
                    if (cell[1] < -network.Width || cell[1] > frameSize)
                        throw cells[frame].Fault("x must be from " + -network.Width + " to " + frameSize + ", found " + cell[1]);
                    if (cell[2] < -network.Height || cell[2] > frameSize)
                        throw cells[frame].Fault("y must be from " + -network.Height + " to " + frameSize + ", found " + cell[2]);
                    if (cell[3] != 0 && cell[3] != 1)
                        throw cells[frame].Fault("flip must be 0 or 1, found " + cell[3]);
                    places[row * animation.Frames + frame] = new Place
                    {
                        View = (short)cell[0], X = (short)cell[1], Y = (short)cell[2], Flip = cell[3] == 1,
                    };
                }
            }
            return places;
        }

        static SparedPixels Spared(JsonNode node, BundleNetwork network)
        {
            var spared = new SparedPixels();
            long before = -1;
            foreach (JsonNode entry in node.Elements(0, JsonReader.MaxValues))
            {
                int[] place = entry.Ints(0, short.MaxValue, 3);
                if (place[0] >= network.Views || place[1] >= network.Width || place[2] >= network.Height)
                {
                    throw entry.Fault(
                        "view, x and y must be below " + network.Views + ", " + network.Width + ", " + network.Height);
                }
                long order = ((long)place[0] << 32) | ((long)place[1] << 16) | (uint)place[2];
                if (order <= before)
                    throw node.Fault("must be sorted, each place once");
                before = order;
                spared.Add(place[0], place[2] * network.Width + place[1]);
            }
            return spared;
        }

        static Ordered<BundleItem> Items(
            JsonNode node, int codeLength, Ordered<BundleAnimation> animations, Ordered<BundleLayer> layers,
            Ordered<BundleRamp> ramps)
        {
            var items = Unique(
                node, x => Item(x, codeLength, animations, layers, ramps), 1, 20000, x => x.Layer + "/" + x.Id);
            var bodies = new HashSet<string>(StringComparer.Ordinal);
            foreach (BundleItem item in items.Values)
            {
                if (item.Layer == BodyLayer && item.Body.Length > 0)
                    bodies.Add(item.Body);
            }
            BundleItem[] read = items.ToArray();
            List<JsonNode> entries = node.Elements();
            for (int i = 0; i < read.Length; i++)
            {
                if (read[i].Body.Length > 0 && !bodies.Contains(read[i].Body))
                {
                    throw entries[i]["body"].Fault(
                        "no item of the layer '" + BodyLayer + "' is of body '" + read[i].Body + "'");
                }
                foreach (KeyValuePair<string, string[]> rule in read[i].Allows)
                {
                    foreach (string name in rule.Value)
                    {
                        if (!items.ContainsKey(rule.Key + "/" + name))
                            throw entries[i]["allows"].Fault("the layer '" + rule.Key + "' has no item '" + name + "'");
                    }
                }
            }
            foreach (BundleLayer layer in layers.Values)
            {
                if (layer.Required && !Array.Exists(read, x => x.Layer == layer.Id))
                    throw node.Fault("the required layer '" + layer.Id + "' has no item");
            }
            return items;
        }

        static BundleItem Item(
            JsonNode node, int codeLength, Ordered<BundleAnimation> animations, Ordered<BundleLayer> layers,
            Ordered<BundleRamp> ramps)
        {
            node.Object(
                new[] { "id", "layer", "title", "kind", "body", "code" },
                "ramps", "fixed", "z", "hides", "allows", "needs", "parts", "drawn", "credits");
            BundleLayer layer = node["layer"].Known(layers, "layer");
            var item = new BundleItem
            {
                Id = node["id"].Slug(),
                Layer = layer.Id,
                Title = node["title"].Text(1, 200),
                Kind = node["kind"].Slug(),
                Body = node["body"].IsText("") ? "" : node["body"].Slug(),
                Code = node["code"].Ints(-128, 127, codeLength),
                FixedColours = node.Has("fixed") ? node["fixed"].Each(Colour, 0, layer.Fixed) : new Rgb[0],
                Hides = Texts(node, "hides", x => x.Known(layers, "layer").Id),
                Needs = Texts(node, "needs", x => x.Known(layers, "layer").Id),
                Credits = Texts(node, "credits", x => x.Text(1, 300)),
                Allows = new Dictionary<string, string[]>(StringComparer.Ordinal),
                Ramps = new Dictionary<string, string>(StringComparer.Ordinal),
            };
            if (node.Has("z"))
                item.Z = node["z"].Int(-MaxZ, MaxZ);
            if (node.Has("ramps"))
            {
                foreach (KeyValuePair<string, JsonNode> entry in node["ramps"].Entries())
                {
                    BundleMaterial material = Array.Find(layer.Materials, x => x.Group == entry.Key);
                    if (material == null)
                        throw node["ramps"].Fault("there is no colour group of layer '" + layer.Id + "' '" + entry.Key + "'");
                    string ramp = entry.Value.Slug();
                    if (!ramps.ContainsKey(material.Kind + "/" + ramp))
                        throw entry.Value.Fault("there is no " + material.Kind + " ramp '" + ramp + "'");
                    item.Ramps.Add(entry.Key, ramp);
                }
            }
            if (node.Has("allows"))
            {
                foreach (KeyValuePair<string, JsonNode> entry in node["allows"].Entries())
                {
                    node["allows"].KnownKey(entry.Key, layers, "layer");
                    item.Allows.Add(entry.Key, entry.Value.Distinct(x => x.Slug(), 0, 5000));
                }
            }
            bool own = Array.IndexOf(item.Hides, layer.Id) >= 0 || Array.IndexOf(item.Needs, layer.Id) >= 0;
            if (own || item.Allows.ContainsKey(layer.Id))
                throw node.Fault("an item cannot rule over its own layer");
            string[] parts = Array.ConvertAll(layer.Parts, x => x.Part);
            item.Parts = node.Has("parts") ? Texts(node, "parts", x => x.OneOf(parts)) : new[] { "front" };
            if (item.Parts.Length == 0)
                throw node["parts"].Fault("an item has at least one part");
            Texts(node, "drawn", x => x.Known(animations, "animation").Id);
            return item;
        }

        static string[] Texts(JsonNode node, string key, Func<JsonNode, string> read)
        {
            return node.Has(key) ? node[key].Distinct(read, 0, 1000) : new string[0];
        }

        static BundleControl Control(
            JsonNode node, int codeLength, Ordered<BundleLayer> layers, Ordered<BundleItem> items)
        {
            node.Object(new[] { "id", "layer", "title", "low", "high", "items", "direction" });
            string layer = node["layer"].Known(layers, "layer").Id;
            string[] names = node["items"].Distinct(x => x.Slug(), 1, 5000);
            BundleItem first = null;
            foreach (string name in names)
            {
                BundleItem item = node["items"].KnownKey(layer + "/" + name, items, "item");
                first = first ?? item;
                if (item.Kind != first.Kind || item.Body != first.Body)
                    throw node["items"].Fault("must all be of one kind and body");
            }
            int[] direction = node["direction"].Ints(-128, 127, codeLength);
            if (Array.TrueForAll(direction, x => x == 0))
                throw node["direction"].Fault("is 0 everywhere: it would change nothing");
            string key = layer + "/" + node["id"].Slug();
            if (key.Length > MaxKeyBytes)
                throw node["id"].Fault("is too long: with its layer it may have " + MaxKeyBytes + " characters");
            return new BundleControl
            {
                Key = key,
                Layer = layer,
                Title = node["title"].Text(1, 60),
                Low = node["low"].Text(1, 60),
                High = node["high"].Text(1, 60),
                Items = names,
                Direction = direction,
            };
        }

        static Odds Weights(JsonNode node, Func<string, bool> known, string what)
        {
            var odds = new Odds();
            double sum = 0;
            foreach (KeyValuePair<string, JsonNode> entry in node.Entries())
            {
                if (!known(entry.Key))
                    throw node.Fault("there is no " + what + " '" + entry.Key + "'");
                double weight = entry.Value.Number(0, 1e6);
                odds.Names.Add(entry.Key);
                odds.Weights.Add(weight);
                sum += weight;
            }
            if (!(sum > 0))
                throw node.Fault("needs at least one weight above 0");
            return odds;
        }

        static BundleArchetype Archetype(
            JsonNode node, Ordered<BundleLayer> layers, Ordered<BundleItem> items, Ordered<BundleRamp> ramps)
        {
            node.Object(new[] { "id", "title", "description", "layers" }, "ramps");
            var kinds = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (BundleLayer layer in layers.Values)
            {
                foreach (BundleMaterial material in layer.Materials)
                    kinds[material.Group] = material.Kind;
            }
            var archetype = new BundleArchetype
            {
                Id = node["id"].Slug(),
                Title = node["title"].Text(1, 200),
                Description = node["description"].Text(0, 2000),
                Layers = new Dictionary<string, LayerOdds>(StringComparer.Ordinal),
                Ramps = new Dictionary<string, Odds>(StringComparer.Ordinal),
            };
            foreach (KeyValuePair<string, JsonNode> entry in node["layers"].Entries())
            {
                BundleLayer layer = node["layers"].KnownKey(entry.Key, layers, "layer");
                entry.Value.Object(new[] { "chance", "items" });
                double chance = entry.Value["chance"].Number(0, 1);
                if (layer.Required && chance != 1)
                    throw entry.Value["chance"].Fault("the layer '" + layer.Id + "' is required: its chance must be 1");
                archetype.Layers.Add(entry.Key, new LayerOdds
                {
                    Chance = chance,
                    Items = Weights(
                        entry.Value["items"], x => items.ContainsKey(layer.Id + "/" + x), "item of layer '" + layer.Id + "'"),
                });
            }
            foreach (BundleLayer layer in layers.Values)
            {
                if (layer.Required && !archetype.Layers.ContainsKey(layer.Id))
                    throw node["layers"].Fault("the required layer '" + layer.Id + "' is missing");
            }
            if (node.Has("ramps"))
            {
                foreach (KeyValuePair<string, JsonNode> entry in node["ramps"].Entries())
                {
                    string kind = node["ramps"].KnownKey(entry.Key, kinds, "colour group");
                    archetype.Ramps.Add(
                        entry.Key, Weights(entry.Value, x => ramps.ContainsKey(kind + "/" + x), kind + " ramp"));
                }
            }
            return archetype;
        }
    }
}
