using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>What a JSON value is.</summary>
    internal enum JsonKind : byte
    {
        Null,
        Bool,
        Integer,
        Real,
        Text,
        List,
        Table,
    }

    /// <summary>One parsed JSON value. Whole numbers of 64 bits are <see cref="JsonKind.Integer"/>, all others Real.</summary>
    internal sealed class JsonValue
    {
        readonly object content;
        readonly long bits;

        JsonValue(JsonKind kind, object content, long bits)
        {
            Kind = kind;
            this.content = content;
            this.bits = bits;
        }

        public static readonly JsonValue Null = new JsonValue(JsonKind.Null, null, 0);
        public static readonly JsonValue True = new JsonValue(JsonKind.Bool, null, 1);
        public static readonly JsonValue False = new JsonValue(JsonKind.Bool, null, 0);

        public static JsonValue Of(long value)
        {
            return new JsonValue(JsonKind.Integer, null, value);
        }

        public static JsonValue Of(double value)
        {
            return new JsonValue(JsonKind.Real, null, System.BitConverter.DoubleToInt64Bits(value));
        }

        public static JsonValue Of(string value)
        {
            return new JsonValue(JsonKind.Text, value, 0);
        }

        public static JsonValue Of(List<JsonValue> items)
        {
            return new JsonValue(JsonKind.List, items, 0);
        }

        public static JsonValue Of(JsonTable table)
        {
            return new JsonValue(JsonKind.Table, table, 0);
        }

        public JsonKind Kind { get; }

        public bool Bool
        {
            get { return bits != 0; }
        }

        public long Integer
        {
            get { return bits; }
        }

        public double Real
        {
            get { return Kind == JsonKind.Integer ? bits : System.BitConverter.Int64BitsToDouble(bits); }
        }

        public string Text
        {
            get { return (string)content; }
        }

        public List<JsonValue> List
        {
            get { return (List<JsonValue>)content; }
        }

        public JsonTable Table
        {
            get { return (JsonTable)content; }
        }
    }

    /// <summary>A JSON object: its keys in the order of the text, each once.</summary>
    internal sealed class JsonTable
    {
        readonly Dictionary<string, JsonValue> values = new Dictionary<string, JsonValue>(System.StringComparer.Ordinal);

        public List<string> Keys { get; } = new List<string>();

        public JsonValue this[string key]
        {
            get { return values[key]; }
        }

        public bool Has(string key)
        {
            return values.ContainsKey(key);
        }

        /// <summary>False where the key is there already.</summary>
        public bool Add(string key, JsonValue value)
        {
            if (values.ContainsKey(key))
                return false;
            values.Add(key, value);
            Keys.Add(key);
            return true;
        }
    }
}
