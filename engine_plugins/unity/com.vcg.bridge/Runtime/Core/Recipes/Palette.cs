using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Colours of r8 pictures: 256 x RGBA, slot -> colour. Changing them needs no server and no new pictures.</summary>
    public static class Palette
    {
        /// <summary>The palette of a character in other colours: the ramps' slots change, fixed colours stay.</summary>
        /// <param name="palette">of the character, 1024 bytes; is not changed</param>
        /// <param name="description">of its model</param>
        /// <param name="recipe">of the character: only layers that it wears are coloured</param>
        /// <param name="ramps">colour group -> ramp</param>
        /// <exception cref="VcgException">code "bad_request": there is no such group or ramp, or the palette is none</exception>
        public static byte[] Recoloured(
            byte[] palette, Description description, Recipe recipe, IEnumerable<KeyValuePair<string, string>> ramps)
        {
            if (palette == null || palette.Length != Vocabulary.PaletteBytes)
                throw VcgException.BadRequest("a palette has " + Vocabulary.PaletteBytes + " bytes");
            var changed = (byte[])palette.Clone();
            foreach (KeyValuePair<string, string> ramp in ramps)
            {
                byte[] colours = Ramp(description, ramp.Key, ramp.Value).Colours;
                foreach (LayerInfo layer in description.Layers)
                {
                    if (!recipe.Layers.ContainsKey(layer.Id))
                        continue;
                    foreach (MaterialInfo material in layer.Materials)
                    {
                        if (material.Group == ramp.Key)
                            Paint(changed, material, colours);
                    }
                }
            }
            return changed;
        }

        private static void Paint(byte[] palette, MaterialInfo material, byte[] colours)
        {
            int count = colours.Length / 3;
            for (int i = 0; i < material.Shades; i++)
            {
                int at = (material.Slot + i) * 4;
                if (count == 0 || at < 0 || at + 4 > palette.Length)
                    throw VcgException.BadRequest("the description names a slot or a ramp that cannot be");
                Buffer.BlockCopy(colours, Math.Min(i, count - 1) * 3, palette, at, 3);
                palette[at + 3] = 255;
            }
        }

        private static RampInfo Ramp(Description description, string group, string id)
        {
            string kind;
            if (!description.Groups.TryGetValue(group, out kind))
                throw VcgException.BadRequest(
                    "there is no colour group '" + group + "' in the model '" + description.Model + "'",
                    Local.Names.Near(group, description.Groups.Keys));
            var ids = new List<string>();
            IReadOnlyList<RampInfo> ramps;
            if (description.Ramps.TryGetValue(kind, out ramps))
            {
                foreach (RampInfo ramp in ramps)
                {
                    if (ramp.Id == id)
                        return ramp;
                    ids.Add(ramp.Id);
                }
            }
            throw VcgException.BadRequest("there is no " + kind + " ramp '" + id + "'", Local.Names.Near(id, ids));
        }
    }
}
