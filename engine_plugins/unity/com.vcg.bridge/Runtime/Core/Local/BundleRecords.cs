using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>A colour of a ramp or a fixed slot.</summary>
    public struct Rgb
    {
        /// <summary>Red, 0 to 255.</summary>
        public readonly byte R;

        /// <summary>Green, 0 to 255.</summary>
        public readonly byte G;

        /// <summary>Blue, 0 to 255.</summary>
        public readonly byte B;

        /// <summary>A colour of three parts, each 0 to 255.</summary>
        public Rgb(byte r, byte g, byte b)
        {
            R = r;
            G = g;
            B = b;
        }
    }

    /// <summary>One animation of a bundle. Frames and directions hold for every layer.</summary>
    public sealed class BundleAnimation
    {
        /// <summary>Its id, "walk".</summary>
        public string Id;

        /// <summary>For people.</summary>
        public string Title;

        /// <summary>Frames for each direction.</summary>
        public int Frames;

        /// <summary>Frames a second.</summary>
        public double Fps;

        /// <summary>Whether it repeats.</summary>
        public bool Loop;

        /// <summary>Some of up, left, down, right, in this order.</summary>
        public string[] Directions;

        /// <summary>One for each frame where frames have names of their own (expressions), else none.</summary>
        public string[] FrameNames;
    }

    /// <summary>Shades of a layer that are coloured together by one ramp.</summary>
    public sealed class BundleMaterial
    {
        /// <summary>Colour group; layers that share it share the ramp.</summary>
        public string Group;

        /// <summary>Kind of ramp that it takes: "skin", "cloth".</summary>
        public string Kind;

        /// <summary>Number of shades, light to dark.</summary>
        public int Shades;
    }

    /// <summary>Where a part of a layer is drawn in one pose.</summary>
    internal struct Place
    {
        /// <summary>View of the network, -1 where the part shows nothing.</summary>
        public short View;

        /// <summary>Pixels from the left edge of the layer's frame; may be negative.</summary>
        public short X;

        /// <summary>Pixels from the top edge of the layer's frame; may be negative.</summary>
        public short Y;

        /// <summary>Mirrored from left to right.</summary>
        public bool Flip;
    }

    /// <summary>A part of a layer (front or behind the body): a network's views, placed in every pose.</summary>
    internal sealed class BundlePart
    {
        public string Part;

        /// <summary>Drawing order over all layers, low first.</summary>
        public int Z;

        public BundleNetwork Network;

        /// <summary>Animation -> place of [direction * frames + frame].</summary>
        public Dictionary<string, Place[]> Poses;

        /// <summary>Pixels of the unmirrored views that the rule leaves alone; null where the rule is not applied.</summary>
        public SparedPixels Specks;

        /// <summary>The same for pinholes.</summary>
        public SparedPixels Pinholes;

        /// <summary>Animations in which it shows anything.</summary>
        public HashSet<string> ShownIn;
    }

    /// <summary>Pixels of a network's views where the art itself has what a cleaning rule takes out.</summary>
    internal sealed class SparedPixels
    {
        readonly Dictionary<int, List<int>> byView = new Dictionary<int, List<int>>();

        /// <param name="pixel">y * width + x in the unmirrored view</param>
        public void Add(int view, int pixel)
        {
            List<int> pixels;
            if (!byView.TryGetValue(view, out pixels))
                byView.Add(view, pixels = new List<int>());
            pixels.Add(pixel);
        }

        public bool Has(int view, int pixel)
        {
            List<int> pixels;
            return byView.TryGetValue(view, out pixels) && pixels.Contains(pixel);
        }
    }

    /// <summary>One z-ordered part of a character: body, head, hair.</summary>
    public sealed class BundleLayer
    {
        /// <summary>Its id, "hair".</summary>
        public string Id;

        /// <summary>For people.</summary>
        public string Title;

        /// <summary>A character cannot be without.</summary>
        public bool Required;

        /// <summary>Pixels, square; larger than the bundle's for oversize layers (swords).</summary>
        public int FrameSize;

        /// <summary>What ramps colour.</summary>
        public BundleMaterial[] Materials;

        /// <summary>Number of slots with a fixed colour, which each item has its own of.</summary>
        public int Fixed;

        /// <summary>Palette slot of its class 1; class c above 0 is slot Slot + c - 1. The same for all of a bundle.</summary>
        public int Slot;

        internal BundlePart[] Parts;

        /// <summary>Its place among the layers.</summary>
        internal int Rank;

        /// <summary>Number of classes, transparent included.</summary>
        public int Classes
        {
            get
            {
                int classes = 1 + Fixed;
                foreach (BundleMaterial material in Materials)
                    classes += material.Shades;
                return classes;
            }
        }
    }

    /// <summary>One drawn variant of a layer.</summary>
    public sealed class BundleItem
    {
        /// <summary>Its id within the layer.</summary>
        public string Id;

        /// <summary>Id of its layer.</summary>
        public string Layer;

        /// <summary>For people.</summary>
        public string Title;

        /// <summary>Only items of one kind are mixed.</summary>
        public string Kind;

        /// <summary>"" fits every body, else the body that it is made for.</summary>
        public string Body;

        /// <summary>Layers that are not drawn when this is worn.</summary>
        public string[] Hides;

        /// <summary>Layers without which it is not drawn.</summary>
        public string[] Needs;

        /// <summary>Keys of the lines of CREDITS.csv.</summary>
        public string[] Credits;

        internal int[] Code;
        internal Dictionary<string, string> Ramps;
        internal Rgb[] FixedColours;
        internal int? Z;
        internal Dictionary<string, string[]> Allows;
        internal string[] Parts;
    }

    /// <summary>A direction in a layer's style space that means something: "Length", from "shorter" to "longer".</summary>
    public sealed class BundleControl
    {
        /// <summary>Its name among all controls, "hair/length".</summary>
        public string Key;

        /// <summary>Id of its layer.</summary>
        public string Layer;

        /// <summary>For people.</summary>
        public string Title;

        /// <summary>The word for -100.</summary>
        public string Low;

        /// <summary>The word for 100.</summary>
        public string High;

        /// <summary>Items that it works for.</summary>
        public string[] Items;

        internal int[] Direction;
    }

    /// <summary>
    /// One ONNX file: inputs code float32 [N, z_dim] and view int64 [N], output logits float32 [N, classes, height, width].
    /// </summary>
    public sealed class BundleNetwork
    {
        /// <summary>Its id.</summary>
        public string Id;

        /// <summary>Path of the .onnx file within the bundle.</summary>
        public string File;

        /// <summary>Views that it can draw: 0 to Views - 1.</summary>
        public int Views;

        /// <summary>At least those of every layer that uses it; the surplus is never chosen.</summary>
        public int Classes;

        /// <summary>Pixels of a view.</summary>
        public int Height;

        /// <summary>Pixels of a view.</summary>
        public int Width;

        /// <summary>Name of the input for style codes.</summary>
        public string CodeInput;

        /// <summary>Name of the input for view numbers.</summary>
        public string ViewInput;

        /// <summary>Name of the output.</summary>
        public string Output;
    }

    /// <summary>An ordered list of colours of one material, light to dark.</summary>
    public sealed class BundleRamp
    {
        /// <summary>Its id within the kind.</summary>
        public string Id;

        /// <summary>Kind of material: "skin", "hair".</summary>
        public string Kind;

        /// <summary>For people.</summary>
        public string Title;

        /// <summary>Light to dark.</summary>
        public Rgb[] Colours;
    }

    /// <summary>A named distribution over items and ramps.</summary>
    public sealed class BundleArchetype
    {
        /// <summary>Its id, "villager".</summary>
        public string Id;

        /// <summary>For people.</summary>
        public string Title;

        /// <summary>For people.</summary>
        public string Description;

        internal Dictionary<string, LayerOdds> Layers;
        internal Dictionary<string, Odds> Ramps;
    }

    /// <summary>How an archetype fills one layer.</summary>
    internal sealed class LayerOdds
    {
        public double Chance;
        public Odds Items;
    }

    /// <summary>Names and their weights, in the order of the manifest.</summary>
    internal sealed class Odds
    {
        public readonly List<string> Names = new List<string>();
        public readonly List<double> Weights = new List<double>();
    }
}
