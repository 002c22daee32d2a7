using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// From what a game asks for to a recipe, without a server: the same design gives the same recipe as
    /// vcg_bridge/generators/design.py. Changing an existing recipe (base, reroll, keep) and controls are the server's.
    /// </summary>
    public static class LocalDesigner
    {
        /// <summary>The recipe of a design.</summary>
        /// <exception cref="VcgException">code "bad_request": unknown names, wishes that contradict each other, or
        /// something that only a server does</exception>
        public static Recipe Recipe(BundleManifest manifest, Design design)
        {
            using (var run = new DesignRun(manifest, design))
                return run.Recipe();
        }
    }

    /// <summary>One run: the design's names, checked, and what is decided so far.</summary>
    internal sealed class DesignRun : IDisposable
    {
        const int MixLeast = 30;
        const int MixMost = 50;

        readonly BundleManifest manifest;
        readonly Design design;
        readonly Chance chance;
        readonly BundleArchetype archetype;
        readonly Dictionary<string, LayerChoice> chosen = new Dictionary<string, LayerChoice>(StringComparer.Ordinal);
        readonly HashSet<string> pinned = new HashSet<string>(StringComparer.Ordinal);
        readonly int novelty;
        string body;

        public DesignRun(BundleManifest manifest, Design design)
        {
            this.manifest = manifest;
            this.design = design;
            if (design.Seed < 0)
                throw Bad("seed must be an integer from 0 to " + long.MaxValue + ", not " + design.Seed);
            novelty = design.Novelty ?? 0;
            if (novelty < 0 || novelty > 100)
                throw Bad("novelty must be from 0 to 100, not " + novelty);
            if (design.Base != null || design.Reroll.Count > 0 || design.Keep.Count > 0 || design.Controls.Count > 0)
                throw Bad(
                    "base, reroll, keep and controls are not there without a server",
                    "ask for items and ramps, or ask a server");
            chance = new Chance(design.Seed);
            archetype = manifest.Archetype(
                design.Archetype.Length > 0
                    ? design.Archetype
                    : chance.Race(Equal(Array.ConvertAll(manifest.Archetypes, x => x.Id)), "archetype"));
            foreach (string layer in design.Items.Keys)
                manifest.Layer(layer);
            Dictionary<string, string> groups = Groups();
            foreach (KeyValuePair<string, string> ramp in design.Ramps)
            {
                if (!groups.ContainsKey(ramp.Key))
                    throw Bad("unknown colour group: '" + ramp.Key + "'", Names.Near(ramp.Key, groups.Keys));
                manifest.Ramp(groups[ramp.Key], ramp.Value);
            }
        }

        public void Dispose()
        {
            chance.Dispose();
        }

        static VcgException Bad(string message, string hint = "")
        {
            return new VcgException("bad_request", message, hint);
        }

        Dictionary<string, string> Groups()
        {
            var groups = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (BundleLayer layer in manifest.Layers)
                foreach (BundleMaterial material in layer.Materials)
                    groups[material.Group] = material.Kind;
            return groups;
        }

        static IEnumerable<KeyValuePair<string, double>> Equal(IEnumerable<string> names)
        {
            foreach (string name in names)
                yield return new KeyValuePair<string, double>(name, 1);
        }

        public Recipe Recipe()
        {
            body = WishedBody();
            List<BundleItem> asked = Asked();
            CheckConflicts(asked);
            foreach (BundleItem item in asked)
            {
                chosen.Add(item.Layer, new LayerChoice(item.Id));
                pinned.Add(item.Layer);
            }
            foreach (string layer in Order())
            {
                BundleItem item = Draw(layer);
                if (item != null)
                    chosen.Add(layer, Mixed(item));
            }
            foreach (BundleItem item in asked)
                foreach (string needed in item.Needs)
                    if (!chosen.ContainsKey(needed))
                        throw Bad(
                            item.Layer + " '" + item.Id + "' needs a " + needed + ", and this character wears none",
                            "ask for a " + needed + " too");
            var ramps = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, string> group in RecipeCheck.WornGroups(manifest, chosen))
                ramps.Add(group.Key, Ramp(group.Key, group.Value));
            var recipe = new Recipe(
                manifest.Name, manifest.Sha256, design.Seed, archetype.Id, novelty, chosen, ramps);
            RecipeCheck.Check(manifest, recipe);
            return recipe;
        }

        // bodies

        string WishedBody()
        {
            var wishes = new List<KeyValuePair<string, string>>(); // body, who wishes it
            if (design.Body.Length > 0)
            {
                bool known = false;
                foreach (BundleItem item in Items(ManifestReader.BodyLayer))
                    known |= item.Body == design.Body;
                if (!known)
                    throw Bad("unknown body: '" + design.Body + "'");
                wishes.Add(new KeyValuePair<string, string>(design.Body, "body '" + design.Body + "'"));
            }
            foreach (KeyValuePair<string, string> wish in design.Items)
            {
                if (string.IsNullOrEmpty(wish.Value) || !manifest.HasItem(wish.Key, wish.Value))
                    continue;
                string made = manifest.Item(wish.Key, wish.Value).Body;
                if (made.Length > 0 && !wishes.Exists(x => x.Key == made))
                    wishes.Add(new KeyValuePair<string, string>(
                        made, wish.Key + " '" + wish.Value + "', made for body '" + made + "'"));
            }
            if (wishes.Count > 1)
                throw Bad(
                    "these do not go together: " + wishes[0].Value + ", and " + wishes[1].Value, "ask for one body");
            return wishes.Count > 0 ? wishes[0].Key : "";
        }

        IList<BundleItem> Items(string layer)
        {
            return manifest.HasLayer(layer) ? manifest.ItemsOf(layer) : new BundleItem[0];
        }

        // wishes

        List<BundleItem> Asked()
        {
            var asked = new List<BundleItem>();
            foreach (KeyValuePair<string, string> wish in design.Items)
            {
                if (string.IsNullOrEmpty(wish.Value))
                {
                    if (manifest.Layer(wish.Key).Required)
                        throw Bad("the layer '" + wish.Key + "' cannot be taken off: every character has one");
                    continue;
                }
                if (manifest.HasItem(wish.Key, wish.Value))
                {
                    asked.Add(manifest.Item(wish.Key, wish.Value));
                    continue;
                }
                var variants = new List<BundleItem>();
                foreach (BundleItem item in Items(wish.Key))
                    if (item.Body.Length > 0 && Stem(item) == wish.Value)
                        variants.Add(item);
                if (variants.Count == 0)
                    manifest.Item(wish.Key, wish.Value); // says so
                if (body.Length == 0)
                    body = OpenBody(variants);
                BundleItem fitting = variants.Find(x => x.Body == body);
                if (fitting == null)
                    throw Bad(wish.Key + " '" + wish.Value + "' is not made for body '" + body + "'");
                asked.Add(fitting);
            }
            return asked;
        }

        /// <summary>The body that the seed gives, among those of some garments.</summary>
        string OpenBody(List<BundleItem> variants)
        {
            List<KeyValuePair<string, double>> weights = Weights(
                ManifestReader.BodyLayer, x => variants.Exists(y => y.Body == x.Body));
            if (weights.Count == 0)
                foreach (BundleItem item in Items(ManifestReader.BodyLayer))
                    if (variants.Exists(x => x.Body == item.Body))
                        weights.Add(new KeyValuePair<string, double>(item.Id, 1));
            return ItemRace(ManifestReader.BodyLayer, weights, "item").Body;
        }

        static void CheckConflicts(List<BundleItem> asked)
        {
            foreach (BundleItem item in asked)
            {
                foreach (BundleItem other in asked)
                {
                    if (Array.IndexOf(other.Hides, item.Layer) >= 0)
                        throw Bad(
                            item.Layer + " '" + item.Id + "' would not be seen: " + other.Layer + " '" + other.Id
                            + "' hides it", "ask for another " + other.Layer + ", or none");
                    CheckUnder(item, other);
                    CheckUnder(other, item);
                }
            }
        }

        static void CheckUnder(BundleItem outer, BundleItem inner)
        {
            if (!Allowed(outer, inner) && Array.IndexOf(outer.Hides, inner.Layer) < 0)
                throw Bad(
                    inner.Layer + " '" + inner.Id + "' does not fit under " + outer.Layer + " '" + outer.Id + "'",
                    "these " + inner.Layer + " items do: " + string.Join(", ", outer.Allows[inner.Layer]));
        }

        static bool Allowed(BundleItem outer, BundleItem inner)
        {
            string[] names;
            return !outer.Allows.TryGetValue(inner.Layer, out names) || Array.IndexOf(names, inner.Id) >= 0;
        }

        // draws

        /// <summary>Layers to draw: the body, then those whose items rule over others, then the rest.</summary>
        List<string> Order()
        {
            var rulers = new HashSet<string>(StringComparer.Ordinal);
            foreach (BundleItem item in manifest.Items)
                if (item.Hides.Length > 0 || item.Allows.Count > 0)
                    rulers.Add(item.Layer);
            var order = new List<string>();
            for (int rank = 0; rank < 3; rank++)
                foreach (BundleLayer layer in manifest.Layers)
                    if (!design.Items.ContainsKey(layer.Id) && Rank(layer.Id, rulers) == rank)
                        order.Add(layer.Id);
            return order;
        }

        static int Rank(string layer, HashSet<string> rulers)
        {
            return layer == ManifestReader.BodyLayer ? 0 : rulers.Contains(layer) ? 1 : 2;
        }

        /// <summary>The item that the seed gives this layer, null for not worn.</summary>
        BundleItem Draw(string layer)
        {
            bool required = manifest.Layer(layer).Required;
            LayerOdds odds;
            bool known = archetype.Layers.TryGetValue(layer, out odds);
            if (!required && (!known || chance.Unit(layer, "worn") >= odds.Chance))
                return null;
            List<KeyValuePair<string, double>> weights = Weights(layer, Possible);
            if (weights.Count == 0)
                weights = Fallback(layer, required);
            if (weights.Count == 0)
                return null;
            BundleItem item = ItemRace(layer, weights, "item");
            if (layer == ManifestReader.BodyLayer)
                body = item.Body;
            return item;
        }

        bool Possible(BundleItem item)
        {
            if (!FitsBody(item))
                return false;
            foreach (KeyValuePair<string, LayerChoice> worn in chosen)
                if (!Compatible(item, manifest.Item(worn.Key, worn.Value.Item), pinned.Contains(worn.Key)))
                    return false;
            return true;
        }

        /// <summary>Whether `item` can be drawn for a character that wears `other`.</summary>
        static bool Compatible(BundleItem item, BundleItem other, bool seen)
        {
            if (Array.IndexOf(item.Hides, other.Layer) >= 0)
                return !seen;
            if (Array.IndexOf(other.Hides, item.Layer) >= 0)
                return true; // it is in the recipe, and shows when `other` comes off
            return Allowed(other, item) && Allowed(item, other);
        }

        bool FitsBody(BundleItem item)
        {
            return item.Body.Length == 0 || body.Length == 0 || item.Body == body;
        }

        /// <summary>Item -> weight, of the archetype's items of the layer that are possible.</summary>
        List<KeyValuePair<string, double>> Weights(string layer, Func<BundleItem, bool> possible)
        {
            var weights = new List<KeyValuePair<string, double>>();
            LayerOdds odds;
            if (!archetype.Layers.TryGetValue(layer, out odds))
                return weights;
            for (int i = 0; i < odds.Items.Names.Count; i++)
                if (odds.Items.Weights[i] > 0 && possible(manifest.Item(layer, odds.Items.Names[i])))
                    weights.Add(new KeyValuePair<string, double>(odds.Items.Names[i], odds.Items.Weights[i]));
            return weights;
        }

        /// <summary>Where the archetype has nothing that fits: any item that does; for required layers one that fits the
        /// body.</summary>
        List<KeyValuePair<string, double>> Fallback(string layer, bool required)
        {
            var names = new List<string>();
            foreach (BundleItem item in Items(layer))
                if (Possible(item))
                    names.Add(item.Id);
            for (int round = 0; required && names.Count == 0 && round < 2; round++)
                foreach (BundleItem item in Items(layer))
                    if (round == 1 || FitsBody(item))
                        names.Add(item.Id);
            return new List<KeyValuePair<string, double>>(Equal(names));
        }

        /// <summary>The race among items; garments that differ only in the body run under one name, so that both bodies dress
        /// alike.</summary>
        BundleItem ItemRace(string layer, List<KeyValuePair<string, double>> weights, string purpose)
        {
            var runners = new Dictionary<string, string>(StringComparer.Ordinal); // stem -> id
            var stems = new List<KeyValuePair<string, double>>();
            foreach (KeyValuePair<string, double> weight in weights)
            {
                string stem = Stem(manifest.Item(layer, weight.Key));
                runners[stem] = weight.Key;
                stems.Add(new KeyValuePair<string, double>(stem, weight.Value));
            }
            string winner = runners.Count < weights.Count // the body is open: both variants run
                ? chance.Race(weights, layer, purpose)
                : runners[chance.Race(stems, layer, purpose)];
            return manifest.Item(layer, winner);
        }

        /// <summary>The item, or with the probability of the novelty a mixture with another one like it.</summary>
        LayerChoice Mixed(BundleItem item)
        {
            if (chance.Unit(item.Layer, "mix") >= novelty / 100.0)
                return new LayerChoice(item.Id);
            var others = new List<KeyValuePair<string, double>>();
            foreach (BundleItem other in Items(item.Layer))
                if (Partners(item, other))
                    others.Add(new KeyValuePair<string, double>(other.Id, 1));
            if (others.Count == 0)
                return new LayerChoice(item.Id);
            double reach = (MixMost - MixLeast) * novelty / 100.0;
            double more = Math.Round(reach * chance.Unit(item.Layer, "amount"), MidpointRounding.ToEven);
            return new LayerChoice(item.Id, ItemRace(item.Layer, others, "partner").Id, MixLeast + (int)more);
        }

        /// <summary>Whether the style of the second can be mixed into the first: only the same garment of the same body, with
        /// the same parts and fixed colours.</summary>
        static bool Partners(BundleItem item, BundleItem other)
        {
            bool alike = other.Id != item.Id && other.Kind == item.Kind && other.Body == item.Body
                && other.Parts.Length == item.Parts.Length && other.FixedColours.Length == item.FixedColours.Length;
            return alike && Array.TrueForAll(item.Parts, x => Array.IndexOf(other.Parts, x) >= 0);
        }

        string Ramp(string group, string kind)
        {
            string ramp;
            if (design.Ramps.TryGetValue(group, out ramp))
                return ramp;
            var weights = new List<KeyValuePair<string, double>>();
            Odds odds;
            if (archetype.Ramps.TryGetValue(group, out odds))
            {
                for (int i = 0; i < odds.Names.Count; i++)
                    if (odds.Weights[i] > 0)
                        weights.Add(new KeyValuePair<string, double>(odds.Names[i], odds.Weights[i]));
            }
            else
            {
                foreach (BundleRamp each in manifest.RampsOf(kind))
                    weights.Add(new KeyValuePair<string, double>(each.Id, 1));
            }
            return chance.Race(weights, group, "ramp");
        }

        /// <summary>The id without the body: one name for the same garment of every body.</summary>
        static string Stem(BundleItem item)
        {
            int dot = item.Body.Length > 0 ? item.Id.LastIndexOf('.') : -1;
            return dot > 0 ? item.Id.Substring(0, dot) : item.Id;
        }
    }
}
