using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>Items, controls and archetypes.</summary>
    internal static partial class ManifestReader
    {
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
