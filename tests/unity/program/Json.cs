using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Vcg.Bridge.Local;

namespace Vcg.Bridge.Tests
{
    /// <summary>JSON as the wire's values: maps, object[], string, long, double, bool, null; a bin is {"$bin": "hex"}.</summary>
    internal static class Json
    {
        public static Dictionary<string, object> ReadFile(string path)
        {
            return (Dictionary<string, object>)Read(File.ReadAllBytes(path), path);
        }

        public static object Read(byte[] data, string name)
        {
            return Plain(new JsonSource("bad_request", name, "").Parse(data).Value);
        }

        private static object Plain(JsonValue value)
        {
            switch (value.Kind)
            {
                case JsonKind.Null:
                    return null;
                case JsonKind.Bool:
                    return value.Bool;
                case JsonKind.Integer:
                    return value.Integer;
                case JsonKind.Real:
                    return value.Real;
                case JsonKind.Text:
                    return value.Text;
                case JsonKind.List:
                    return value.List.ConvertAll(x => Plain(x)).ToArray();
                default:
                    var map = new Dictionary<string, object>(StringComparer.Ordinal);
                    foreach (string key in value.Table.Keys)
                        map.Add(key, Plain(value.Table[key]));
                    object bin;
                    return map.Count == 1 && map.TryGetValue("$bin", out bin) ? Bytes((string)bin) : (object)map;
            }
        }

        public static byte[] Bytes(string hex)
        {
            var bytes = new byte[hex.Length / 2];
            for (int i = 0; i < bytes.Length; i++)
                bytes[i] = byte.Parse(hex.Substring(2 * i, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return bytes;
        }

        public static string Write(object value)
        {
            var text = new StringBuilder();
            Write(text, value);
            return text.ToString();
        }

        private static void Write(StringBuilder text, object value)
        {
            if (value == null)
                text.Append("null");
            else if (value is bool)
                text.Append((bool)value ? "true" : "false");
            else if (value is string)
                Quote(text, (string)value);
            else if (value is byte[])
                text.Append("{\"$bin\":\"").Append(CertificatePin.Hex((byte[])value)).Append("\"}");
            else if (value is double)
                text.Append(((double)value).ToString("R", CultureInfo.InvariantCulture));
            else if (value is IReadOnlyDictionary<string, object>)
            {
                text.Append('{');
                string comma = "";
                foreach (KeyValuePair<string, object> entry in (IReadOnlyDictionary<string, object>)value)
                {
                    text.Append(comma);
                    Quote(text, entry.Key);
                    text.Append(':');
                    Write(text, entry.Value);
                    comma = ",";
                }
                text.Append('}');
            }
            else if (value is IEnumerable)
            {
                text.Append('[');
                string comma = "";
                foreach (object entry in (IEnumerable)value)
                {
                    text.Append(comma);
                    Write(text, entry);
                    comma = ",";
                }
                text.Append(']');
            }
            else if (value is Recipe)
                Write(text, RecipeMap.Write((Recipe)value));
            else
                text.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
        }

        private static void Quote(StringBuilder text, string value)
        {
            text.Append('"');
            foreach (char character in value)
            {
                if (character < ' ' || character > '~' || character == '"' || character == '\\')
                    text.Append("\\u").Append(((int)character).ToString("x4"));
                else
                    text.Append(character);
            }
            text.Append('"');
        }
    }
}
