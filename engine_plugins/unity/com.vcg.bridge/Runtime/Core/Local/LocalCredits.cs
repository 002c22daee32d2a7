using System;
using System.Collections.Generic;
using System.Text;

namespace Vcg.Bridge.Local
{
    /// <summary>Who drew what: the lines of a bundle's CREDITS.csv that a character, and a product with it, must show.</summary>
    public static class LocalCredits
    {
        /// <summary>Name of the file within a bundle.</summary>
        public const string File = "CREDITS.csv";

        static readonly string[] Columns = { "key", "item", "artists", "source", "licence", "details" };

        /// <summary>The credits of a character, a line each, no line twice: the same lines as a server's.</summary>
        /// <exception cref="VcgException">code "bundle": the file is missing or has no line for an item; code "recipe"</exception>
        public static IList<string> Lines(Bundle bundle, Recipe recipe)
        {
            RecipeCheck.Check(bundle.Manifest, recipe);
            return Lines(bundle, Keys(bundle.Manifest, recipe));
        }

        /// <summary>All credits of a bundle: what a game must show whose characters are only known as it runs.</summary>
        /// <exception cref="VcgException">code "bundle": the file is missing or has no line for an item</exception>
        public static IList<string> Lines(Bundle bundle)
        {
            var keys = new List<string>();
            foreach (BundleItem item in bundle.Manifest.Items)
                keys.AddRange(item.Credits);
            return Lines(bundle, keys);
        }

        /// <summary>Keys of everything a character shows: a mixture owes its look to both items, a free style code to every
        /// item of its layer and kind.</summary>
        static List<string> Keys(BundleManifest manifest, Recipe recipe)
        {
            var keys = new List<string>();
            foreach (BundleLayer layer in manifest.Layers)
            {
                LayerChoice choice;
                if (!recipe.Layers.TryGetValue(layer.Id, out choice))
                    continue;
                BundleItem item = manifest.Item(layer.Id, choice.Item);
                keys.AddRange(item.Credits);
                if (choice.Code != null)
                {
                    foreach (BundleItem other in manifest.ItemsOf(layer.Id))
                        if (other.Kind == item.Kind)
                            keys.AddRange(other.Credits);
                }
                else if (choice.Mix.Length > 0)
                {
                    keys.AddRange(manifest.Item(layer.Id, choice.Mix).Credits);
                }
            }
            return keys;
        }

        static IList<string> Lines(Bundle bundle, IEnumerable<string> keys)
        {
            Dictionary<string, string> known = Read(bundle);
            var lines = new List<string>();
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (string key in keys)
            {
                string line;
                if (!known.TryGetValue(key, out line))
                    throw Broken(bundle, "has no line '" + key + "'");
                if (seen.Add(line))
                    lines.Add(line);
            }
            return lines;
        }

        static VcgException Broken(Bundle bundle, string problem)
        {
            return new VcgException("bundle", bundle.Place + ": " + File + ": " + problem, "get the bundle again");
        }

        static Dictionary<string, string> Read(Bundle bundle)
        {
            List<List<string>> rows = Rows(new UTF8Encoding(false).GetString(bundle.Read(File)));
            var lines = new Dictionary<string, string>(StringComparer.Ordinal);
            int[] places = rows.Count > 0 ? Array.ConvertAll(Columns, x => rows[0].IndexOf(x)) : new int[0];
            foreach (int place in places)
                if (place < 0)
                    throw Broken(bundle, "a column is missing");
            for (int i = 1; i < rows.Count; i++)
            {
                List<string> row = rows[i];
                string[] cells = Array.ConvertAll(places, x => x < row.Count ? row[x].Trim() : "");
                lines[cells[0]] = Line(cells);
            }
            return lines;
        }

        /// <summary>`Adult Head: Eliza Wyatt. OGA-BY 3.0. Expressions added. https://...`</summary>
        static string Line(string[] cells)
        {
            string who = cells[2].Length > 0 ? cells[1] + ": " + cells[2] : cells[1];
            var line = new StringBuilder();
            foreach (string said in new[] { who, cells[4], cells[5] })
                if (said.Length > 0)
                    line.Append(said.TrimEnd('.')).Append(". ");
            return line.Append(cells[3]).ToString().Trim();
        }

        /// <summary>The cells of a text of comma-separated values (RFC 4180).</summary>
        internal static List<List<string>> Rows(string text)
        {
            var rows = new List<List<string>>();
            var row = new List<string>();
            var cell = new StringBuilder();
            bool quoted = false;
            for (int i = 0; i <= text.Length; i++)
            {
                char character = i < text.Length ? text[i] : '\n';
                if (quoted && i < text.Length)
                {
                    if (character != '"')
                        cell.Append(character);
                    else if (i + 1 < text.Length && text[i + 1] == '"')
                        cell.Append(text[i++]);
                    else
                        quoted = false;
                }
                else if (character == '"')
                {
                    quoted = true;
                }
                else if (character == ',' || character == '\n')
                {
                    row.Add(cell.ToString());
                    cell.Length = 0;
                    if (character == '\n' && (row.Count > 1 || row[0].Length > 0))
                        rows.Add(row);
                    if (character == '\n')
                        row = new List<string>();
                }
                else if (character != '\r')
                {
                    cell.Append(character);
                }
            }
            return rows;
        }
    }
}
