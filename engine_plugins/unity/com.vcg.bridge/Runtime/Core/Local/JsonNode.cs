using System;
using System.Collections.Generic;
using System.Globalization;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// One JSON value with its path. The methods give checked values, or throw a <see cref="VcgException"/> that names the
    /// source and the path inside it ("manifest.json: layers[3].parts[0].poses.walk").
    /// </summary>
    internal sealed class JsonNode
    {
        /// <summary>Elements of an array, where nothing else is said.</summary>
        public const int MaxElements = 100000;

        readonly JsonSource source;

        public JsonNode(JsonSource source, string path, JsonValue value)
        {
            this.source = source;
            Path = path;
            Value = value;
        }

        public string Path { get; }

        public JsonValue Value { get; }

        public VcgException Fault(string problem, string hint = "")
        {
            return source.Fault(Path, problem, hint);
        }

        VcgException Expected(string what)
        {
            return Fault("expected " + what + ", found " + Shown(Value));
        }

        static string Shown(JsonValue value)
        {
            switch (value.Kind)
            {
                case JsonKind.Null:
                    return "null";
                case JsonKind.Bool:
                    return value.Bool ? "true" : "false";
                case JsonKind.Integer:
                    return value.Integer.ToString(CultureInfo.InvariantCulture);
                case JsonKind.Real:
                    return value.Real.ToString("R", CultureInfo.InvariantCulture);
                case JsonKind.Text:
                    return "'" + (value.Text.Length <= 60 ? value.Text : value.Text.Substring(0, 57) + "...") + "'";
                case JsonKind.List:
                    return "an array of " + value.List.Count;
                default:
                    return "an object";
            }
        }

        // objects

        /// <summary>This node, checked to be an object with all required keys and none that is in neither list.</summary>
        public JsonNode Object(string[] required, params string[] optional)
        {
            if (Value.Kind != JsonKind.Table)
                throw Expected("an object");
            foreach (string key in required)
            {
                if (!Value.Table.Has(key))
                    throw Fault("the field '" + key + "' is missing");
            }
            foreach (string key in Value.Table.Keys)
            {
                if (Array.IndexOf(required, key) < 0 && Array.IndexOf(optional, key) < 0)
                    throw Fault("unknown field '" + key + "'");
            }
            return this;
        }

        public bool Has(string key)
        {
            return Value.Table.Has(key);
        }

        public JsonNode this[string key]
        {
            get { return new JsonNode(source, Path.Length > 0 ? Path + "." + key : key, Value.Table[key]); }
        }

        /// <summary>Keys and nodes of an object whose keys are ids.</summary>
        public IEnumerable<KeyValuePair<string, JsonNode>> Entries()
        {
            if (Value.Kind != JsonKind.Table)
                throw Expected("an object");
            var entries = new List<KeyValuePair<string, JsonNode>>(Value.Table.Keys.Count);
            foreach (string key in Value.Table.Keys)
                entries.Add(new KeyValuePair<string, JsonNode>(key, this[key]));
            return entries;
        }

        // arrays

        /// <summary>The elements of an array of bounded length.</summary>
        public List<JsonNode> Elements(int least = 0, int most = MaxElements)
        {
            if (Value.Kind != JsonKind.List)
                throw Expected("an array");
            List<JsonValue> items = Value.List;
            if (items.Count < least || items.Count > most)
                throw Fault("has " + items.Count + " elements; " + least + " to " + most + " are possible");
            var nodes = new List<JsonNode>(items.Count);
            for (int i = 0; i < items.Count; i++)
                nodes.Add(new JsonNode(source, Path + "[" + i + "]", items[i]));
            return nodes;
        }

        public T[] Each<T>(Func<JsonNode, T> read, int least = 0, int most = MaxElements)
        {
            List<JsonNode> nodes = Elements(least, most);
            var result = new T[nodes.Count];
            for (int i = 0; i < result.Length; i++)
                result[i] = read(nodes[i]);
            return result;
        }

        /// <summary>The same, and no two are equal.</summary>
        public string[] Distinct(Func<JsonNode, string> read, int least = 0, int most = MaxElements)
        {
            string[] names = Each(read, least, most);
            if (new HashSet<string>(names, StringComparer.Ordinal).Count != names.Length)
                throw Fault("names something twice");
            return names;
        }

        /// <summary>An array of exactly so many integers within low..high.</summary>
        public int[] Ints(int low, int high, int length)
        {
            if (Value.Kind != JsonKind.List || Value.List.Count != length)
                throw Expected("an array of " + length + " integers");
            var result = new int[length];
            for (int i = 0; i < length; i++)
            {
                JsonValue item = Value.List[i];
                if (item.Kind != JsonKind.Integer || item.Integer < low || item.Integer > high)
                    throw Fault("holds something that is not an integer from " + low + " to " + high);
                result[i] = (int)item.Integer;
            }
            return result;
        }

        // scalars

        public int Int(int low, int high)
        {
            return (int)Long(low, high);
        }

        public long Long(long low, long high)
        {
            if (Value.Kind != JsonKind.Integer || Value.Integer < low || Value.Integer > high)
                throw Expected("an integer from " + low + " to " + high);
            return Value.Integer;
        }

        public double Number(double low, double high)
        {
            bool number = Value.Kind == JsonKind.Integer || Value.Kind == JsonKind.Real;
            if (!number || !(Value.Real >= low && Value.Real <= high))
            {
                throw Expected(string.Format(CultureInfo.InvariantCulture, "a number from {0} to {1}", low, high));
            }
            return Value.Real;
        }

        public bool Bool()
        {
            if (Value.Kind != JsonKind.Bool)
                throw Expected("true or false");
            return Value.Bool;
        }

        public string Text(int least = 0, int most = 1000)
        {
            if (Value.Kind != JsonKind.Text || Value.Text.Length < least || Value.Text.Length > most)
                throw Expected("a text of " + least + " to " + most + " characters");
            foreach (char character in Value.Text)
            {
                if (character < ' ' && character != '\n' && character != '\t')
                    throw Fault("the text holds control characters");
            }
            return Value.Text;
        }

        public bool IsText(string text)
        {
            return Value.Kind == JsonKind.Text && Value.Text == text;
        }

        public string Slug()
        {
            if (Value.Kind != JsonKind.Text || !Names.IsSlug(Value.Text))
                throw Expected("an id of lower-case letters, digits, '-', '.' and '_' (at most 64 characters)");
            return Value.Text;
        }

        public string Sha256()
        {
            if (Value.Kind != JsonKind.Text || !Names.IsSha256(Value.Text))
                throw Expected("a sha256 in 64 hex digits");
            return Value.Text;
        }

        /// <summary>A text that is one of those.</summary>
        public string OneOf(string[] names)
        {
            if (Value.Kind != JsonKind.Text || Array.IndexOf(names, Value.Text) < 0)
                throw Expected("one of " + string.Join(", ", names));
            return Value.Text;
        }

        /// <summary>The value that a text refers to; the complaint names what it should be.</summary>
        public T Known<T>(IDictionary<string, T> table, string what)
        {
            if (Value.Kind != JsonKind.Text)
                throw Expected("the id of a " + what);
            return KnownKey(Value.Text, table, what);
        }

        /// <summary>The value that a key of this object refers to.</summary>
        public T KnownKey<T>(string key, IDictionary<string, T> table, string what)
        {
            T value;
            if (!table.TryGetValue(key, out value))
                throw Fault("there is no " + what + " '" + key + "'", Names.Near(key, table.Keys));
            return value;
        }
    }

    /// <summary>Where JSON came from, and the error that is thrown for it.</summary>
    internal sealed class JsonSource
    {
        readonly string code;
        readonly string name;
        readonly string hint;

        /// <param name="code">error code of protocol.md: "bundle", "recipe"</param>
        /// <param name="name">file name for messages</param>
        /// <param name="hint">what to do, where nothing better is known</param>
        public JsonSource(string code, string name, string hint)
        {
            this.code = code;
            this.name = name;
            this.hint = hint;
        }

        public VcgException Fault(string path, string problem, string better = "")
        {
            string place = path.Length > 0 ? name + ": " + path : name;
            return new VcgException(code, place + ": " + problem, better.Length > 0 ? better : hint);
        }

        public JsonNode Parse(byte[] data)
        {
            try
            {
                return new JsonNode(this, "", JsonReader.Read(data));
            }
            catch (JsonException fault)
            {
                throw Fault("", "is not valid JSON: " + fault.Message);
            }
        }
    }
}
