using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>What one layer of a character looks like: an item, a mixture of two items, or a free style code.</summary>
    public sealed class LayerChoice
    {
        /// <summary>An item as it is.</summary>
        public LayerChoice(string item)
        {
            Item = item;
        }

        /// <summary>A mixture.</summary>
        /// <param name="item">whose fixed colours, parts and rules are used</param>
        /// <param name="mix">second item of the same layer, kind and body</param>
        /// <param name="amount">percent of the second, 1 to 100</param>
        public LayerChoice(string item, string mix, int amount)
        {
            Item = item;
            Mix = mix;
            Amount = amount;
        }

        /// <summary>A free style code.</summary>
        /// <param name="item">whose fixed colours, parts and rules are used</param>
        /// <param name="code">-128 to 127 each, as many as the model's codes have</param>
        public LayerChoice(string item, int[] code)
        {
            Item = item;
            Code = code;
        }

        /// <summary>The item; of a mixture or a free code the one whose fixed colours, parts and rules are used.</summary>
        public string Item { get; }

        /// <summary>Second item of a mixture, "" for none.</summary>
        public string Mix { get; } = "";

        /// <summary>Percent of the second item, 0 without one.</summary>
        public int Amount { get; }

        /// <summary>A free style code, null for none. Not to be changed.</summary>
        public int[] Code { get; }
    }

    /// <summary>
    /// All that regenerates a character, byte for byte. Equal recipes give equal pictures. Cannot be changed; see
    /// <see cref="RecipeJson"/> for files, and docs/protocol.md for the fields.
    /// </summary>
    public sealed class Recipe
    {
        /// <summary>A recipe of these parts; whether it fits its model is checked where it is drawn.</summary>
        public Recipe(
            string model, string modelSha256, long seed, string archetype, int novelty,
            IDictionary<string, LayerChoice> layers, IDictionary<string, string> ramps)
        {
            Model = model;
            ModelSha256 = modelSha256;
            Seed = seed;
            Archetype = archetype;
            Novelty = novelty;
            Layers = new Dictionary<string, LayerChoice>(layers, StringComparer.Ordinal);
            Ramps = new Dictionary<string, string>(ramps, StringComparer.Ordinal);
        }

        /// <summary>Name of the bundle.</summary>
        public string Model { get; }

        /// <summary>64 hex digits: sha256 of the bundle's manifest.json.</summary>
        public string ModelSha256 { get; }

        /// <summary>0 to 2^63 - 1; what it was drawn from, kept for the record.</summary>
        public long Seed { get; }

        /// <summary>"" where there was none.</summary>
        public string Archetype { get; }

        /// <summary>Percent, 0 to 100.</summary>
        public int Novelty { get; }

        /// <summary>Layer -> choice; a layer that is missing is not worn.</summary>
        public IReadOnlyDictionary<string, LayerChoice> Layers { get; }

        /// <summary>Colour group -> ramp, one for every group worn.</summary>
        public IReadOnlyDictionary<string, string> Ramps { get; }

        /// <summary>The same character in other colours.</summary>
        /// <param name="ramps">colour group -> ramp; groups that are not named keep theirs</param>
        public Recipe Recoloured(IEnumerable<KeyValuePair<string, string>> ramps)
        {
            var layers = new Dictionary<string, LayerChoice>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, LayerChoice> layer in Layers)
                layers.Add(layer.Key, layer.Value);
            var colours = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, string> ramp in Ramps)
                colours.Add(ramp.Key, ramp.Value);
            foreach (KeyValuePair<string, string> ramp in ramps)
                colours[ramp.Key] = ramp.Value;
            return new Recipe(Model, ModelSha256, Seed, Archetype, Novelty, layers, colours);
        }
    }
}
