using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Asks for characters: of one recipe, or drawn from a design. One of the two, never both.</summary>
    public sealed class GenerateRequest
    {
        /// <summary>Names the job; the same id with the same request gives the same answer. "": a random one.</summary>
        public string Id { get; set; } = "";

        /// <summary>Name of a bundle; "": that of the recipe or the base, else the server's default.</summary>
        public string Model { get; set; } = "";

        /// <summary>Exactly this character; or</summary>
        public Recipe Recipe { get; set; }

        /// <summary>draw recipes from this.</summary>
        public Design Design { get; set; }

        /// <summary>Characters, 1 to 1000. The next one has the next seed. 1 with a recipe.</summary>
        public int Count { get; set; } = 1;

        /// <summary>Ids of animations; none: all of the model.</summary>
        public IReadOnlyList<string> Animations { get; set; } = new string[0];

        /// <summary>A single frame of each character first.</summary>
        public bool Preview { get; set; } = true;

        /// <summary>What to send of each character.</summary>
        public Output Output { get; set; } = new Output();

        /// <summary>The job waits for those that are not: for what runs overnight.</summary>
        public bool Batch { get; set; }

        /// <summary>The fields of the message, without those that have their defaults.</summary>
        internal Dictionary<string, object> ToMap()
        {
            var map = new Dictionary<string, object>(StringComparer.Ordinal) { { "id", Id } };
            WireMap.Put(map, "model", Model, "");
            if (Recipe != null)
                map.Add("recipe", RecipeMap.Write(Recipe));
            if (Design != null)
                map.Add("design", Design.ToMap());
            WireMap.Put(map, "count", Count, 1);
            WireMap.Put(map, "animations", Animations);
            WireMap.Put(map, "preview", Preview, true);
            if (Output != null)
            {
                Dictionary<string, object> output = Output.ToMap();
                if (output.Count > 0)
                    map.Add("output", output);
            }
            if (Batch)
                map.Add("priority", "batch");
            return map;
        }
    }

    /// <summary>What to draw a recipe from. What is not said is chosen by the seed.</summary>
    public sealed class Design
    {
        /// <summary>Of the first character, 0 to 2^63 - 1; the next has seed + 1 ...</summary>
        public long Seed { get; set; }

        /// <summary>"": that of the base, else drawn.</summary>
        public string Archetype { get; set; } = "";

        /// <summary>Body type, one of <see cref="Description.Bodies"/>; "": as the items need it, else drawn.</summary>
        public string Body { get; set; } = "";

        /// <summary>
        /// Percent of the drawn layers that become mixtures, 0 (only items of the pack) to 100. Null: as in the base, else 0.
        /// </summary>
        public int? Novelty { get; set; }

        /// <summary>Layer -> item; null: not worn.</summary>
        public IDictionary<string, string> Items { get; set; } = new Dictionary<string, string>();

        /// <summary>Colour group -> ramp.</summary>
        public IDictionary<string, string> Ramps { get; set; } = new Dictionary<string, string>();

        /// <summary>A character to change: what is not asked for and not in <see cref="Reroll"/> stays as it is.</summary>
        public Recipe Base { get; set; }

        /// <summary>
        /// With a base: layers and colour groups to draw anew. A name that is both means both; "item:hair" and "ramp:hair"
        /// mean one.
        /// </summary>
        public IReadOnlyList<string> Reroll { get; set; } = new string[0];

        /// <summary>With a base, instead of reroll: these stay, all others are drawn anew.</summary>
        public IReadOnlyList<string> Keep { get; set; } = new string[0];

        /// <summary>"layer/control" -> percent, -100 to 100.</summary>
        public IDictionary<string, int> Controls { get; set; } = new Dictionary<string, int>();

        internal Dictionary<string, object> ToMap()
        {
            var map = new Dictionary<string, object>(StringComparer.Ordinal);
            WireMap.Put(map, "seed", Seed, 0);
            WireMap.Put(map, "archetype", Archetype, "");
            WireMap.Put(map, "body", Body, "");
            if (Novelty != null)
                map.Add("novelty", (long)Novelty.Value);
            WireMap.Put(map, "items", Items, x => x);
            WireMap.Put(map, "ramps", Ramps, x => x);
            if (Base != null)
                map.Add("base", RecipeMap.Write(Base));
            WireMap.Put(map, "reroll", Reroll);
            WireMap.Put(map, "keep", Keep);
            WireMap.Put(map, "controls", Controls, x => (long)x);
            return map;
        }
    }

    /// <summary>What to send of each character.</summary>
    public sealed class Output
    {
        /// <summary>"preview": nothing after the preview; "animations"; "sheet".</summary>
        public string Kind { get; set; } = "animations";

        /// <summary>"r8": palette slots; "rgba8"; "png".</summary>
        public string Format { get; set; } = "r8";

        /// <summary>Of a sheet: "lpc", "rows" or "packed".</summary>
        public string Layout { get; set; } = "lpc";

        /// <summary>1 to 16: every pixel becomes scale x scale.</summary>
        public int Scale { get; set; } = 1;

        /// <summary>R, G, B, A of a one-pixel outline (before scaling); null: none.</summary>
        public byte[] Outline { get; set; }

        /// <summary>R, G, B, A of a drop shadow; null: none.</summary>
        public byte[] Shadow { get; set; }

        /// <summary>Pixels right and down by which the silhouette's shadow lies; null: an ellipse on the ground.</summary>
        public int[] ShadowOffset { get; set; }

        /// <summary>A normal map follows each animation or sheet.</summary>
        public bool NormalMap { get; set; }

        /// <summary>Packed: empty pixels between two pictures, 0 to 64.</summary>
        public int Padding { get; set; } = 1;

        /// <summary>Packed: pixels by which a picture's edge is repeated around it, 0 to 16.</summary>
        public int Extrude { get; set; }

        /// <summary>Packed: width and height are powers of two.</summary>
        public bool PowerOfTwo { get; set; }

        /// <summary>Packed: "each" frame to its own picture, one box for all ("common"), or "none".</summary>
        public string Trim { get; set; } = "each";

        internal Dictionary<string, object> ToMap()
        {
            var map = new Dictionary<string, object>(StringComparer.Ordinal);
            WireMap.Put(map, "kind", Kind, "animations");
            WireMap.Put(map, "format", Format, "r8");
            WireMap.Put(map, "layout", Layout, "lpc");
            WireMap.Put(map, "scale", Scale, 1);
            if (Outline != null)
                map.Add("outline", Array.ConvertAll(Outline, x => (object)(long)x));
            if (Shadow != null)
                map.Add("shadow", Array.ConvertAll(Shadow, x => (object)(long)x));
            if (ShadowOffset != null)
                map.Add("shadow_offset", Array.ConvertAll(ShadowOffset, x => (object)(long)x));
            WireMap.Put(map, "normal_map", NormalMap, false);
            WireMap.Put(map, "padding", Padding, 1);
            WireMap.Put(map, "extrude", Extrude, 0);
            WireMap.Put(map, "power_of_two", PowerOfTwo, false);
            WireMap.Put(map, "trim", Trim, "each");
            return map;
        }
    }

    /// <summary>Puts fields into maps, but for those that have their defaults.</summary>
    internal static class WireMap
    {
        internal static void Put(Dictionary<string, object> map, string name, string value, string usual)
        {
            if (value != null && value != usual)
                map.Add(name, value);
        }

        internal static void Put(Dictionary<string, object> map, string name, long value, long usual)
        {
            if (value != usual)
                map.Add(name, value);
        }

        internal static void Put(Dictionary<string, object> map, string name, bool value, bool usual)
        {
            if (value != usual)
                map.Add(name, value);
        }

        internal static void Put(Dictionary<string, object> map, string name, IReadOnlyList<string> values)
        {
            if (values == null || values.Count == 0)
                return;
            var list = new object[values.Count];
            for (int i = 0; i < list.Length; i++)
                list[i] = values[i];
            map.Add(name, list);
        }

        internal static void Put<T>(
            Dictionary<string, object> map, string name, IDictionary<string, T> entries, Func<T, object> make)
        {
            if (entries == null || entries.Count == 0)
                return;
            var table = new Dictionary<string, object>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, T> entry in entries)
                table.Add(entry.Key, make(entry.Value));
            map.Add(name, table);
        }
    }
}
