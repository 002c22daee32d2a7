using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Other colours for a character without drawing it again: its ramps are entries of its palette.</summary>
    public static class Recolour
    {
        /// <summary>The palette with the colours of these ramps.</summary>
        /// <param name="palette">256 x RGBA; is not changed</param>
        /// <param name="description">of the character's model</param>
        /// <param name="recipe">of the character: what it wears</param>
        /// <param name="ramps">colour group -> ramp; null: those of the recipe</param>
        /// <exception cref="VcgException">a ramp that the model does not have</exception>
        public static byte[] Apply(
            byte[] palette, Description description, Recipe recipe, IEnumerable<KeyValuePair<string, string>> ramps = null)
        {
            var changed = (byte[])palette.Clone();
            var wanted = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var ramp in ramps ?? recipe.Ramps)
                wanted[ramp.Key] = ramp.Value;
            foreach (var layer in description.Layers)
            {
                if (!recipe.Layers.ContainsKey(layer.Id))
                    continue;
                foreach (var material in layer.Materials)
                {
                    string ramp;
                    if (wanted.TryGetValue(material.Group, out ramp))
                        Put(changed, material, Find(description, material.Kind, ramp).Colours);
                }
            }
            return changed;
        }

        static void Put(byte[] palette, MaterialInfo material, byte[] colours)
        {
            for (var shade = 0; shade < material.Shades; shade++)
            {
                var colour = Math.Min(shade, colours.Length / 3 - 1) * 3;
                Buffer.BlockCopy(colours, colour, palette, (material.Slot + shade) * 4, 3);
            }
        }

        static RampInfo Find(Description description, string kind, string id)
        {
            IReadOnlyList<RampInfo> ramps;
            if (description.Ramps.TryGetValue(kind, out ramps))
                foreach (var ramp in ramps)
                    if (ramp.Id == id)
                        return ramp;
            throw new VcgException(
                Vocabulary.ErrorCode.BadRequest, "there is no " + kind + " ramp '" + id + "' in " + description.Title, "choose one of its ramps");
        }
    }
}
