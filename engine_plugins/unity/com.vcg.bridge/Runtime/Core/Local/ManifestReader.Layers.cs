using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>Layers, their parts, and where those are drawn.</summary>
    internal static partial class ManifestReader
    {
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
    }
}
