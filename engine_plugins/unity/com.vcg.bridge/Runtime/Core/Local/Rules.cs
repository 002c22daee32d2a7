using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// What the items of one character do to each other, and the style codes they have: the twin of
    /// vcg_bridge/generators/rules.py.
    /// </summary>
    internal static class Rules
    {
        /// <summary>The style code in hundredths of an int8 step; of a mixture rounded to whole ones.</summary>
        /// <remarks>A mixture of a and b with weights 1 - t and t is ((1 - t) a + t b) / sqrt((1 - t)^2 + t^2), so that its
        /// code is as far from the middle of style space as items are (docs/adr/0008). Root and quotient of IEEE doubles are
        /// correctly rounded, so the result is the same on every machine.</remarks>
        public static int[] Hundredths(BundleManifest manifest, LayerChoice choice, string layer)
        {
            var result = new int[manifest.CodeLength];
            int[] code = choice.Code ?? manifest.Item(layer, choice.Item).Code;
            if (choice.Code != null || choice.Mix.Length == 0)
            {
                for (int i = 0; i < result.Length; i++)
                    result[i] = code[i] * 100;
                return result;
            }
            int[] other = manifest.Item(layer, choice.Mix).Code;
            int first = 100 - choice.Amount;
            int second = choice.Amount;
            double length = Math.Sqrt(first * first + second * second);
            for (int i = 0; i < result.Length; i++)
                result[i] = (int)Math.Round((code[i] * first + other[i] * second) * 100 / length, MidpointRounding.ToEven);
            return result;
        }

        /// <summary>The style code that a network reads.</summary>
        public static float[] Code(BundleManifest manifest, LayerChoice choice, string layer)
        {
            // Both numbers are exact in float32 (below 2^24), so the quotient is the correctly rounded one.
            return Array.ConvertAll(
                Hundredths(manifest, choice, layer), x => (float)((double)x / (100 * BundleManifest.CodeScale)));
        }

        /// <summary>How many of the layer's classes an item can show: its fixed colours come last, unused ones are never
        /// drawn.</summary>
        public static int Classes(BundleManifest manifest, BundleItem item)
        {
            BundleLayer layer = manifest.Layer(item.Layer);
            return layer.Classes - layer.Fixed + item.FixedColours.Length;
        }

        /// <summary>Layers that something worn hides, or that lack what they need.</summary>
        public static HashSet<string> Hidden(BundleManifest manifest, IReadOnlyDictionary<string, LayerChoice> layers)
        {
            var hidden = new HashSet<string>(StringComparer.Ordinal);
            var worn = new List<BundleItem>();
            foreach (KeyValuePair<string, LayerChoice> layer in layers)
                worn.Add(manifest.Item(layer.Key, layer.Value.Item));
            foreach (BundleItem item in worn)
                hidden.UnionWith(item.Hides);
            var lacking = new List<string>();
            foreach (BundleItem item in worn)
                if (Array.Exists(item.Needs, x => hidden.Contains(x) || !layers.ContainsKey(x)))
                    lacking.Add(item.Layer);
            hidden.UnionWith(lacking);
            return hidden;
        }
    }
}
