using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>A part that a character shows.</summary>
    internal sealed class PlannedPart
    {
        public BundleLayer Layer;
        public BundlePart Part;
        public StyleCode Code;

        /// <summary>Drawing order, low first.</summary>
        public int Z;

        /// <summary>Only the first ones may be chosen.</summary>
        public int Classes;

        public ViewKey Key(int view)
        {
            return new ViewKey(Part, Code, view, Classes);
        }
    }

    /// <summary>What is worn, in drawing order, and where each view goes: all of a character but its pixels.</summary>
    internal sealed class CharacterPlan
    {
        readonly BundleManifest manifest;
        readonly Recipe recipe;
        readonly BundleAnimation[] animations;
        readonly List<PlannedPart> parts = new List<PlannedPart>();

        /// <summary>Checks the recipe. Throws <see cref="VcgException"/>: it is not of this bundle, or there is no such
        /// animation.</summary>
        /// <param name="animations">ids; null for all</param>
        public CharacterPlan(BundleManifest manifest, Recipe recipe, IEnumerable<string> animations)
        {
            RecipeCheck.Check(manifest, recipe);
            this.manifest = manifest;
            this.recipe = recipe;
            var chosen = new List<BundleAnimation>();
            foreach (string id in animations ?? Array.ConvertAll(manifest.Animations, x => x.Id))
                if (!chosen.Contains(manifest.Animation(id)))
                    chosen.Add(manifest.Animation(id));
            this.animations = chosen.ToArray();
            HashSet<string> hidden = Rules.Hidden(manifest, recipe.Layers);
            foreach (BundleLayer layer in manifest.Layers)
                if (recipe.Layers.ContainsKey(layer.Id) && !hidden.Contains(layer.Id))
                    AddLayer(layer, recipe.Layers[layer.Id]);
            parts.Sort(Order);
        }

        void AddLayer(BundleLayer layer, LayerChoice choice)
        {
            BundleItem item = manifest.Item(layer.Id, choice.Item);
            var code = new StyleCode(Rules.Code(manifest, choice, layer.Id));
            foreach (BundlePart part in layer.Parts)
                if (Array.IndexOf(item.Parts, part.Part) >= 0)
                    parts.Add(new PlannedPart
                    {
                        Layer = layer,
                        Part = part,
                        Code = code,
                        Z = item.Z.HasValue && part.Part == "front" ? item.Z.Value : part.Z,
                        Classes = Rules.Classes(manifest, item),
                    });
        }

        static int Order(PlannedPart a, PlannedPart b)
        {
            if (a.Z != b.Z)
                return a.Z.CompareTo(b.Z);
            if (a.Layer.Rank != b.Layer.Rank)
                return a.Layer.Rank.CompareTo(b.Layer.Rank);
            return string.CompareOrdinal(a.Part.Part, b.Part.Part); // behind, then front
        }

        /// <summary>Every view that is needed, each once.</summary>
        public HashSet<ViewKey> Views()
        {
            var keys = new HashSet<ViewKey>();
            foreach (PlannedPart part in parts)
            {
                foreach (BundleAnimation animation in animations)
                {
                    Place[] places;
                    if (!part.Part.Poses.TryGetValue(animation.Id, out places))
                        continue;
                    foreach (Place place in places)
                        if (place.View >= 0)
                            keys.Add(part.Key(place.View));
                }
            }
            return keys;
        }

        /// <summary>All frames of all animations, parts over one another. A pose in which nothing shows is transparent.</summary>
        /// <param name="views">palette slots [height, width] of each view</param>
        public FrameSet Compose(IDictionary<ViewKey, byte[]> views)
        {
            var set = new FrameSet();
            foreach (BundleAnimation animation in animations)
            {
                int edge = Edge(animation);
                var frames = new List<Frame>();
                for (int row = 0; row < animation.Directions.Length; row++)
                    for (int index = 0; index < animation.Frames; index++)
                        frames.Add(new Frame(
                            animation.Id, animation.Directions[row], index, edge, edge,
                            Compose(views, animation, row * animation.Frames + index, edge)));
                set.Add(new AnimationTiming(animation.Id, animation.Fps, animation.Loop), frames);
            }
            return set;
        }

        /// <summary>Pixels of the square frames: the bundle's, or of the largest oversize part (a sword) that the character
        /// shows anywhere in the animation.</summary>
        int Edge(BundleAnimation animation)
        {
            int edge = manifest.FrameSize;
            foreach (PlannedPart part in parts)
                if (part.Part.ShownIn.Contains(animation.Id))
                    edge = Math.Max(edge, part.Layer.FrameSize);
            return edge;
        }

        byte[] Compose(IDictionary<ViewKey, byte[]> views, BundleAnimation animation, int pose, int edge)
        {
            var canvas = new byte[edge * edge];
            foreach (PlannedPart part in parts)
            {
                Place[] places;
                if (!part.Part.Poses.TryGetValue(animation.Id, out places) || places[pose].View < 0)
                    continue;
                int inset = (edge - part.Layer.FrameSize) / 2;
                Paste(canvas, edge, views[part.Key(places[pose].View)], part.Part.Network, places[pose], inset);
            }
            return canvas;
        }

        static void Paste(byte[] canvas, int edge, byte[] slots, BundleNetwork size, Place place, int inset)
        {
            for (int row = 0; row < size.Height; row++)
            {
                int y = place.Y + inset + row;
                if (y < 0 || y >= edge)
                    continue;
                for (int column = 0; column < size.Width; column++)
                {
                    byte slot = slots[row * size.Width + (place.Flip ? size.Width - 1 - column : column)];
                    int x = place.X + inset + column;
                    if (slot != 0 && x >= 0 && x < edge)
                        canvas[y * edge + x] = slot;
                }
            }
        }

        /// <summary>256 x RGBA.</summary>
        public byte[] Palette()
        {
            return PaletteMaker.Palette(manifest, recipe);
        }
    }
}
