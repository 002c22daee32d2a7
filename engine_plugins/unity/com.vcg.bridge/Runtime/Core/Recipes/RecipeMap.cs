using System;
using System.Collections;
using System.Collections.Generic;
using Vcg.Bridge.Local;

namespace Vcg.Bridge
{
    /// <summary>Recipes to and from the maps of the wire: the same fields as in a recipe file.</summary>
    public static class RecipeMap
    {
        private static readonly string[] Fields =
            { "format", "model", "model_sha256", "seed", "archetype", "novelty", "layers", "ramps" };

        /// <summary>The map of a recipe. Fields that say nothing are left out.</summary>
        public static Dictionary<string, object> Write(Recipe recipe)
        {
            var layers = new Dictionary<string, object>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, LayerChoice> layer in recipe.Layers)
            {
                LayerChoice choice = layer.Value;
                var entry = new Dictionary<string, object>(StringComparer.Ordinal) { { "item", choice.Item } };
                if (choice.Mix.Length > 0)
                {
                    entry.Add("mix", choice.Mix);
                    entry.Add("amount", (long)choice.Amount);
                }
                if (choice.Code != null)
                    entry.Add("code", Array.ConvertAll(choice.Code, x => (object)(long)x));
                layers.Add(layer.Key, entry);
            }
            var ramps = new Dictionary<string, object>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, string> ramp in recipe.Ramps)
                ramps.Add(ramp.Key, ramp.Value);
            return new Dictionary<string, object>(StringComparer.Ordinal)
            {
                { "format", (long)RecipeJson.Format },
                { "model", recipe.Model },
                { "model_sha256", recipe.ModelSha256 },
                { "seed", recipe.Seed },
                { "archetype", recipe.Archetype },
                { "novelty", (long)recipe.Novelty },
                { "layers", layers },
                { "ramps", ramps },
            };
        }

        /// <summary>The recipe of a map. Unknown fields are refused: half understood it would be another character.</summary>
        /// <param name="value">the map</param>
        /// <param name="where">names it in messages</param>
        /// <exception cref="VcgException">code "recipe": what is wrong, and where</exception>
        public static Recipe Read(object value, string where = "recipe")
        {
            var root = new Place(where, "", value);
            if (root.Map != null && root.Map.ContainsKey("format") && root.Map["format"] is long
                && (long)root.Map["format"] > RecipeJson.Format)
                throw root["format"].Fault(
                    "the recipe has format " + root.Map["format"] + "; this VCG Bridge reads format " + RecipeJson.Format,
                    "update VCG Bridge to use this recipe");
            root.Has(Fields);
            root["format"].Whole(RecipeJson.Format, RecipeJson.Format);
            var layers = new Dictionary<string, LayerChoice>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, object> layer in root["layers"].Entries())
                layers.Add(layer.Key, Choice(root["layers"][layer.Key]));
            var ramps = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, object> ramp in root["ramps"].Entries())
                ramps.Add(ramp.Key, root["ramps"][ramp.Key].Slug());
            return new Recipe(
                root["model"].Slug(), root["model_sha256"].Sha256(), root["seed"].Whole(0, long.MaxValue),
                root.Map["archetype"] as string == "" ? "" : root["archetype"].Slug(), (int)root["novelty"].Whole(0, 100),
                layers, ramps);
        }

        private static LayerChoice Choice(Place place)
        {
            place.Has(new[] { "item" }, "mix", "amount", "code");
            string item = place["item"].Slug();
            bool mix = place.Map.ContainsKey("mix"), amount = place.Map.ContainsKey("amount");
            if (place.Map.ContainsKey("code"))
            {
                if (mix || amount)
                    throw place.Fault("a style code cannot be mixed: give `code`, or `mix` and `amount`");
                return new LayerChoice(item, place["code"].Code());
            }
            if (mix != amount)
                throw place.Fault("`mix` and `amount` belong together");
            return mix
                ? new LayerChoice(item, place["mix"].Slug(), (int)place["amount"].Whole(1, 100))
                : new LayerChoice(item);
        }

        /// <summary>A value inside of a recipe, and where it stands.</summary>
        private struct Place
        {
            private readonly string source;
            private readonly string path;
            private readonly object value;

            internal Place(string source, string path, object value)
            {
                this.source = source;
                this.path = path;
                this.value = value;
                Map = value as IReadOnlyDictionary<string, object>;
            }

            internal IReadOnlyDictionary<string, object> Map { get; }

            internal Place this[string key]
            {
                get { return new Place(source, path.Length > 0 ? path + "." + key : key, Map[key]); }
            }

            internal VcgException Fault(string problem, string hint = "use the recipe as VCG Bridge wrote it")
            {
                string place = path.Length > 0 ? source + ": " + path : source;
                return new VcgException(Vocabulary.ErrorCode.Recipe, place + ": " + problem, hint);
            }

            internal void Has(string[] required, params string[] optional)
            {
                if (Map == null)
                    throw Fault("expected an object");
                foreach (string key in required)
                {
                    if (!Map.ContainsKey(key))
                        throw Fault("the field '" + key + "' is missing");
                }
                foreach (string key in Map.Keys)
                {
                    if (Array.IndexOf(required, key) < 0 && Array.IndexOf(optional, key) < 0)
                        throw Fault("unknown field '" + key + "'");
                }
            }

            internal IReadOnlyDictionary<string, object> Entries()
            {
                if (Map == null)
                    throw Fault("expected an object");
                return Map;
            }

            internal long Whole(long low, long high)
            {
                if (!(value is long) || (long)value < low || (long)value > high)
                    throw Fault("expected an integer from " + low + " to " + high);
                return (long)value;
            }

            internal int[] Code()
            {
                var list = value as IList;
                if (list == null || value is byte[])
                    throw Fault("expected an array");
                if (list.Count < 1 || list.Count > 4096)
                    throw Fault("has " + list.Count + " elements; 1 to 4096 are possible");
                var code = new int[list.Count];
                for (int i = 0; i < code.Length; i++)
                    code[i] = (int)new Place(source, path + "[" + i + "]", list[i]).Whole(-128, 127);
                return code;
            }

            internal string Sha256()
            {
                var text = value as string;
                if (text == null || !Names.IsSha256(text))
                    throw Fault("expected a sha256 in 64 hex digits");
                return text;
            }

            internal string Slug()
            {
                var text = value as string;
                if (text == null || !Names.IsSlug(text))
                    throw Fault("expected an id of lower-case letters, digits, '-', '.' and '_' (at most 64 characters)");
                return text;
            }
        }
    }
}
