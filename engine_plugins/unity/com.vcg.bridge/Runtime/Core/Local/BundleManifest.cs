using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>All that a game needs to know of a bundle: what its manifest.json says, checked.</summary>
    public sealed class BundleManifest
    {
        /// <summary>Style codes are int8; a network reads code / CodeScale.</summary>
        internal const int CodeScale = 32;

        /// <summary>Name of the bundle, as recipes have it.</summary>
        public string Name;

        /// <summary>Its version, "2.0.0".</summary>
        public string Version;

        /// <summary>For people.</summary>
        public string Title;

        /// <summary>SPDX id or name.</summary>
        public string Licence;

        /// <summary>One line that a product must show.</summary>
        public string Attribution;

        /// <summary>Pixels of a frame, square.</summary>
        public int FrameSize;

        /// <summary>Numbers of a style code.</summary>
        public int CodeLength;

        /// <summary>In the bundle's order.</summary>
        public BundleAnimation[] Animations;

        /// <summary>In the bundle's order.</summary>
        public BundleLayer[] Layers;

        /// <summary>In the bundle's order, of all layers.</summary>
        public BundleItem[] Items;

        /// <summary>In the bundle's order.</summary>
        public BundleNetwork[] Networks;

        /// <summary>In the bundle's order, of all kinds.</summary>
        public BundleRamp[] Ramps;

        /// <summary>In the bundle's order.</summary>
        public BundleArchetype[] Archetypes;

        /// <summary>In the bundle's order.</summary>
        public BundleControl[] Controls;

        /// <summary>Relative path -> sha256 in hex, of every other file.</summary>
        public Dictionary<string, string> Files;

        /// <summary>Hex, of manifest.json: pins the whole bundle.</summary>
        public string Sha256;

        readonly Dictionary<string, BundleAnimation> animations = NewTable<BundleAnimation>();
        readonly Dictionary<string, BundleLayer> layers = NewTable<BundleLayer>();
        readonly Dictionary<string, BundleArchetype> archetypes = NewTable<BundleArchetype>();
        readonly Dictionary<string, BundleControl> controls = NewTable<BundleControl>();
        readonly Dictionary<string, List<BundleItem>> itemsOf = NewTable<List<BundleItem>>();
        readonly Dictionary<string, Dictionary<string, BundleItem>> items = NewTable<Dictionary<string, BundleItem>>();
        readonly Dictionary<string, List<BundleRamp>> rampsOf = NewTable<List<BundleRamp>>();
        readonly Dictionary<string, Dictionary<string, BundleRamp>> ramps = NewTable<Dictionary<string, BundleRamp>>();

        internal BundleManifest()
        {
        }

        static Dictionary<string, T> NewTable<T>()
        {
            return new Dictionary<string, T>(StringComparer.Ordinal);
        }

        /// <summary>Fills the look-up tables; called once all fields are set.</summary>
        internal void Index()
        {
            int slot = 1;
            for (int i = 0; i < Layers.Length; i++)
            {
                BundleLayer layer = Layers[i];
                layers.Add(layer.Id, layer);
                itemsOf.Add(layer.Id, new List<BundleItem>());
                items.Add(layer.Id, NewTable<BundleItem>());
                layer.Rank = i;
                layer.Slot = slot;
                slot += layer.Classes - 1;
            }
            foreach (BundleAnimation animation in Animations)
                animations.Add(animation.Id, animation);
            foreach (BundleItem item in Items)
            {
                itemsOf[item.Layer].Add(item);
                items[item.Layer].Add(item.Id, item);
            }
            foreach (BundleRamp ramp in Ramps)
            {
                if (!ramps.ContainsKey(ramp.Kind))
                {
                    ramps.Add(ramp.Kind, NewTable<BundleRamp>());
                    rampsOf.Add(ramp.Kind, new List<BundleRamp>());
                }
                ramps[ramp.Kind].Add(ramp.Id, ramp);
                rampsOf[ramp.Kind].Add(ramp);
            }
            foreach (BundleArchetype archetype in Archetypes)
                archetypes.Add(archetype.Id, archetype);
            foreach (BundleControl control in Controls)
                controls.Add(control.Key, control);
        }

        static T Find<T>(Dictionary<string, T> table, string name, string what)
        {
            T value;
            if (name != null && table.TryGetValue(name, out value))
                return value;
            throw new VcgException("bad_request", "unknown " + what + ": '" + name + "'", Names.Near(name ?? "", table.Keys));
        }

        /// <summary>The layer of that id. Throws <see cref="VcgException"/>.</summary>
        public BundleLayer Layer(string id)
        {
            return Find(layers, id, "layer");
        }

        /// <summary>The item of that layer. Throws <see cref="VcgException"/>.</summary>
        public BundleItem Item(string layer, string id)
        {
            return Find(Find(items, layer, "layer"), id, "item of layer '" + layer + "'");
        }

        /// <summary>All items of a layer, in the bundle's order. Throws <see cref="VcgException"/>.</summary>
        public IList<BundleItem> ItemsOf(string layer)
        {
            return Find(itemsOf, layer, "layer");
        }

        /// <summary>The animation of that id. Throws <see cref="VcgException"/>.</summary>
        public BundleAnimation Animation(string id)
        {
            return Find(animations, id, "animation");
        }

        /// <summary>The archetype of that id. Throws <see cref="VcgException"/>.</summary>
        public BundleArchetype Archetype(string id)
        {
            return Find(archetypes, id, "archetype");
        }

        /// <summary>The control of that key, "hair/length". Throws <see cref="VcgException"/>.</summary>
        public BundleControl Control(string key)
        {
            return Find(controls, key, "control");
        }

        /// <summary>The ramp of that kind. Throws <see cref="VcgException"/>.</summary>
        public BundleRamp Ramp(string kind, string id)
        {
            return Find(Find(ramps, kind, "kind of ramp"), id, kind + " ramp");
        }

        /// <summary>All ramps of a kind, in the bundle's order; none for an unknown kind.</summary>
        public IList<BundleRamp> RampsOf(string kind)
        {
            List<BundleRamp> list;
            return rampsOf.TryGetValue(kind, out list) ? list : new List<BundleRamp>();
        }

        internal bool HasLayer(string id)
        {
            return layers.ContainsKey(id);
        }

        internal bool HasItem(string layer, string id)
        {
            Dictionary<string, BundleItem> table;
            return items.TryGetValue(layer, out table) && table.ContainsKey(id);
        }

        internal bool HasRamp(string kind, string id)
        {
            Dictionary<string, BundleRamp> table;
            return ramps.TryGetValue(kind, out table) && table.ContainsKey(id);
        }

        internal bool HasArchetype(string id)
        {
            return archetypes.ContainsKey(id);
        }
    }
}
