using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>From a recipe's ramps to the 256 colours of its frames, as vcg_bridge/sprites/palette.py does it.</summary>
    internal static class PaletteMaker
    {
        /// <summary>256 x RGBA. Slots of layers that the recipe does not wear stay 0, 0, 0, 0.</summary>
        public static byte[] Palette(BundleManifest manifest, Recipe recipe)
        {
            var palette = new byte[Pixels.PaletteBytes];
            foreach (KeyValuePair<string, LayerChoice> worn in recipe.Layers)
            {
                BundleLayer layer = manifest.Layer(worn.Key);
                List<Rgb> colours = Colours(manifest, recipe, layer, manifest.Item(worn.Key, worn.Value.Item));
                for (int i = 0; i < colours.Count; i++)
                {
                    int at = (layer.Slot + i) * 4;
                    palette[at] = colours[i].R;
                    palette[at + 1] = colours[i].G;
                    palette[at + 2] = colours[i].B;
                    palette[at + 3] = 255;
                }
            }
            return palette;
        }

        static List<Rgb> Colours(BundleManifest manifest, Recipe recipe, BundleLayer layer, BundleItem item)
        {
            var colours = new List<Rgb>();
            foreach (BundleMaterial material in layer.Materials)
            {
                Rgb[] ramp = Ramp(manifest, recipe, item, material).Colours;
                for (int i = 0; i < material.Shades; i++)
                    colours.Add(ramp[i < ramp.Length ? i : ramp.Length - 1]);
            }
            // A fixed slot that the item does not use, where a drawing error may still put a pixel, takes its darkest colour.
            Rgb spare = Darkest(item.FixedColours.Length > 0 ? item.FixedColours : colours.ToArray());
            for (int i = 0; i < layer.Fixed; i++)
                colours.Add(i < item.FixedColours.Length ? item.FixedColours[i] : spare);
            return colours;
        }

        static BundleRamp Ramp(BundleManifest manifest, Recipe recipe, BundleItem item, BundleMaterial material)
        {
            string ramp;
            if (recipe.Ramps.TryGetValue(material.Group, out ramp) || item.Ramps.TryGetValue(material.Group, out ramp))
                return manifest.Ramp(material.Kind, ramp);
            IList<BundleRamp> ramps = manifest.RampsOf(material.Kind);
            if (ramps.Count == 0)
                throw new VcgException(
                    "bad_request", "the model '" + manifest.Name + "' has no " + material.Kind + " ramp");
            return ramps[0];
        }

        static Rgb Darkest(Rgb[] colours)
        {
            var darkest = new Rgb(0, 0, 0);
            int least = int.MaxValue;
            foreach (Rgb colour in colours)
            {
                int brightness = 299 * colour.R + 587 * colour.G + 114 * colour.B;
                if (brightness < least)
                {
                    least = brightness;
                    darkest = colour;
                }
            }
            return darkest;
        }
    }
}
