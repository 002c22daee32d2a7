using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Vcg.Bridge.Local;

namespace Vcg.Bridge
{
    /// <summary>Recipes to and from JSON, the form of NAME.vcg.json files.</summary>
    public static class RecipeJson
    {
        /// <summary>Format written and read here; a reader refuses any other.</summary>
        public const int Format = 1;

        /// <summary>A larger file is refused.</summary>
        public const int MaxBytes = 1 << 20;

        /// <summary>A recipe from JSON, canonical or not. Unknown fields are refused: half understood it would be another
        /// character.</summary>
        /// <param name="data">UTF-8, with or without a byte order mark</param>
        /// <param name="name">where it is from, for messages</param>
        /// <exception cref="VcgException">code "recipe": what is wrong, and where</exception>
        public static Recipe Read(byte[] data, string name = "recipe")
        {
            var source = new JsonSource("recipe", name, "use the recipe as VCG Bridge wrote it");
            if (data.Length > MaxBytes)
                throw source.Fault("", "is larger than " + (MaxBytes >> 20) + " MiB");
            if (data.Length >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF)
            {
                var bare = new byte[data.Length - 3];
                Buffer.BlockCopy(data, 3, bare, 0, bare.Length);
                data = bare;
            }
            JsonNode root = source.Parse(data);
            if (root.Value.Kind == JsonKind.Table && root.Has("format"))
            {
                JsonValue format = root["format"].Value;
                if (format.Kind == JsonKind.Integer && format.Integer > Format)
                    throw root["format"].Fault(
                        "the recipe has format " + format.Integer + "; this VCG Bridge reads format " + Format,
                        "update VCG Bridge to use this recipe");
            }
            root.Object(new[] { "format", "model", "model_sha256", "seed", "archetype", "novelty", "layers", "ramps" });
            root["format"].Int(Format, Format);
            var layers = new Dictionary<string, LayerChoice>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, JsonNode> entry in root["layers"].Entries())
                layers.Add(entry.Key, Choice(entry.Value));
            var ramps = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, JsonNode> entry in root["ramps"].Entries())
                ramps.Add(entry.Key, entry.Value.Slug());
            return new Recipe(
                root["model"].Slug(), root["model_sha256"].Sha256(), root["seed"].Long(0, long.MaxValue),
                root["archetype"].IsText("") ? "" : root["archetype"].Slug(), root["novelty"].Int(0, 100), layers, ramps);
        }

        static LayerChoice Choice(JsonNode node)
        {
            node.Object(new[] { "item" }, "mix", "amount", "code");
            string item = node["item"].Slug();
            if (node.Has("code"))
            {
                if (node.Has("mix") || node.Has("amount"))
                    throw node.Fault("a style code cannot be mixed: give `code`, or `mix` and `amount`");
                return new LayerChoice(item, node["code"].Each(x => x.Int(-128, 127), 1, 4096));
            }
            if (node.Has("mix") != node.Has("amount"))
                throw node.Fault("`mix` and `amount` belong together");
            if (!node.Has("mix"))
                return new LayerChoice(item);
            return new LayerChoice(item, node["mix"].Slug(), node["amount"].Int(1, 100));
        }

        /// <summary>Canonical JSON in UTF-8: sorted keys, no spaces. Equal recipes give equal bytes, the same as those of the
        /// Python package.</summary>
        public static byte[] Write(Recipe recipe)
        {
            var text = new StringBuilder();
            text.Append("{\"archetype\":").Append(Quoted(recipe.Archetype));
            text.Append(",\"format\":").Append(Number(Format));
            text.Append(",\"layers\":{");
            bool first = true;
            foreach (string layer in Sorted(recipe.Layers.Keys))
            {
                LayerChoice choice = recipe.Layers[layer];
                text.Append(first ? "" : ",").Append(Quoted(layer)).Append(":{");
                first = false;
                if (choice.Mix.Length > 0)
                    text.Append("\"amount\":").Append(Number(choice.Amount)).Append(',');
                if (choice.Code != null)
                {
                    text.Append("\"code\":[").Append(string.Join(",", Array.ConvertAll(choice.Code, x => Number(x))));
                    text.Append("],");
                }
                text.Append("\"item\":").Append(Quoted(choice.Item));
                if (choice.Mix.Length > 0)
                    text.Append(",\"mix\":").Append(Quoted(choice.Mix));
                text.Append('}');
            }
            text.Append("},\"model\":").Append(Quoted(recipe.Model));
            text.Append(",\"model_sha256\":").Append(Quoted(recipe.ModelSha256));
            text.Append(",\"novelty\":").Append(Number(recipe.Novelty));
            text.Append(",\"ramps\":{");
            first = true;
            foreach (string group in Sorted(recipe.Ramps.Keys))
            {
                text.Append(first ? "" : ",").Append(Quoted(group)).Append(':').Append(Quoted(recipe.Ramps[group]));
                first = false;
            }
            text.Append("},\"seed\":").Append(Number(recipe.Seed)).Append('}');
            return new UTF8Encoding(false).GetBytes(text.ToString());
        }

        static List<string> Sorted(IEnumerable<string> keys)
        {
            var sorted = new List<string>(keys);
            sorted.Sort(StringComparer.Ordinal);
            return sorted;
        }

        static string Number(long value)
        {
            return value.ToString(CultureInfo.InvariantCulture);
        }

        static string Quoted(string text)
        {
            var quoted = new StringBuilder("\"");
            foreach (char character in text)
            {
                if (character == '"' || character == '\\')
                    quoted.Append('\\').Append(character);
                else if (character < ' ')
                    quoted.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture));
                else
                    quoted.Append(character);
            }
            return quoted.Append('"').ToString();
        }
    }
}
