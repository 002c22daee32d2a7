using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Vcg.Bridge.Local;

namespace Vcg.Bridge
{
    /// <summary>Checks maps against <see cref="Vocabulary"/>, and fills in what was left out. Errors name the field.</summary>
    internal static class Schema
    {
        /// <summary>
        /// Checks a map that came, and gives it as the vocabulary describes it: every known field is there, unknown ones are
        /// not, recipes are read.
        /// </summary>
        /// <exception cref="VcgException">"protocol": a field is missing or of a wrong type; "bad_request": a value is not
        /// allowed; "recipe"</exception>
        internal static Dictionary<string, object> Read(
            Vocabulary.Record record, IReadOnlyDictionary<string, object> map, string where)
        {
            var fields = new Dictionary<string, object>(record.Fields.Count, StringComparer.Ordinal);
            foreach (Vocabulary.Field field in record.Fields)
            {
                object value;
                if (map.TryGetValue(field.Name, out value))
                    fields.Add(field.Name, Value(field.Shape, value, where, field.Name));
                else if (field.Required)
                    throw VcgException.Protocol(where + ": the field '" + field.Name + "' is missing");
                else if (field.Shape.Kind == Vocabulary.Kind.Record && field.Default != null)
                    fields.Add(field.Name, Read(Vocabulary.Records[field.Shape.Record], Empty, where + "." + field.Name));
                else
                    fields.Add(field.Name, field.Default);
            }
            return fields;
        }

        private static readonly IReadOnlyDictionary<string, object> Empty = new Dictionary<string, object>();

        private static object Value(Vocabulary.Shape shape, object value, string parent, string name)
        {
            if (value == null && (shape.Nullable || shape.Kind == Vocabulary.Kind.Scalar))
                return null;
            switch (shape.Kind)
            {
                case Vocabulary.Kind.Int:
                    return Whole(shape, value, parent, name);
                case Vocabulary.Kind.Str:
                    return Text(shape, value, parent, name);
                case Vocabulary.Kind.Bool:
                    if (!(value is bool))
                        throw Wrong(value, "a bool", parent, name);
                    return value;
                case Vocabulary.Kind.Float:
                    return Real(shape, value, parent, name);
                case Vocabulary.Kind.Bin:
                    return Octets(shape, value, parent, name);
                case Vocabulary.Kind.Scalar:
                    if (!(value is bool || value is long || value is double || value is string))
                        throw Wrong(value, "nil, bool, int, float or str", parent, name);
                    return value;
                case Vocabulary.Kind.Recipe:
                    return RecipeMap.Read(value, parent + "." + name);
                case Vocabulary.Kind.Record:
                    var inner = value as IReadOnlyDictionary<string, object>;
                    if (inner == null)
                        throw Wrong(value, "a map", parent, name);
                    return Read(Vocabulary.Records[shape.Record], inner, parent + "." + name);
                case Vocabulary.Kind.Array:
                    return Many(shape, value, parent, name);
                default:
                    return Table(shape, value, parent, name);
            }
        }

        private static object Whole(Vocabulary.Shape shape, object value, string parent, string name)
        {
            if (!(value is long))
                throw Wrong(value, "an int", parent, name);
            var number = (long)value;
            if (number < shape.Low || number > shape.High)
                throw VcgException.BadRequest(
                    parent + "." + name + ": " + number + " is outside " + shape.Low + " to " + shape.High);
            return value;
        }

        private static object Real(Vocabulary.Shape shape, object value, string parent, string name)
        {
            if (!(value is double || value is long))  // 3 is written for 3.0 by many languages
                throw Wrong(value, "a float", parent, name);
            double number = value is long ? (double)(long)value : (double)value;
            if (number < shape.LowReal || number > shape.HighReal)
            {
                CultureInfo plain = CultureInfo.InvariantCulture;
                throw VcgException.BadRequest(
                    parent + "." + name + ": " + number.ToString("G6", plain) + " is outside "
                    + shape.LowReal.ToString("G6", plain) + " to " + shape.HighReal.ToString("G6", plain));
            }
            return number;
        }

        private static object Text(Vocabulary.Shape shape, object value, string parent, string name)
        {
            var text = value as string;
            if (text == null)
                throw Wrong(value, "a str", parent, name);
            if (shape.Names == null)
            {
                // A character of UTF-16 has at most three bytes in UTF-8: most texts need not be counted.
                if (shape.Least > 0 || text.Length * 3 > shape.Most)
                    Size(shape, Encoding.UTF8.GetByteCount(text), "bytes", parent, name);
                return text;
            }
            for (int i = 0; i < shape.Names.Count; i++)
            {
                if (shape.Names[i] == text)
                    return shape.Names[i];
            }
            string near = Names.Near(text, shape.Names);
            throw VcgException.BadRequest(
                parent + "." + name + ": '" + (text.Length > 40 ? text.Substring(0, 40) : text) + "' is unknown",
                near.Length > 0 ? near : "possible are " + string.Join(", ", shape.Names));
        }

        private static object Octets(Vocabulary.Shape shape, object value, string parent, string name)
        {
            var bytes = value as byte[];
            if (bytes == null)
                throw Wrong(value, "a bin", parent, name);
            if (bytes.Length != shape.Also && (bytes.Length < shape.Least || bytes.Length > shape.Most))
                throw VcgException.BadRequest(
                    parent + "." + name + ": " + bytes.Length + " bytes; " + shape.Least + " to " + shape.Most + " are allowed");
            return bytes;
        }

        private static object Many(Vocabulary.Shape shape, object value, string parent, string name)
        {
            var list = value as IList;
            if (list == null || value is byte[])
                throw Wrong(value, "an array", parent, name);
            Size(shape, list.Count, "entries", parent, name);
            var values = new object[list.Count];
            for (int i = 0; i < values.Length; i++)
            {
                // Texts of places are made only where they are shown, or where records may show them.
                if (shape.Of.Kind == Vocabulary.Kind.Int && list[i] is long && Inside(shape.Of, (long)list[i]))
                    values[i] = list[i];
                else
                    values[i] = Value(shape.Of, list[i], parent, name + "[" + i + "]");
            }
            return values;
        }

        private static bool Inside(Vocabulary.Shape shape, long number)
        {
            return number >= shape.Low && number <= shape.High;
        }

        private static object Table(Vocabulary.Shape shape, object value, string parent, string name)
        {
            var map = value as IReadOnlyDictionary<string, object>;
            if (map == null)
                throw Wrong(value, "a map", parent, name);
            Size(shape, map.Count, "entries", parent, name);
            var values = new Dictionary<string, object>(map.Count, StringComparer.Ordinal);
            foreach (KeyValuePair<string, object> entry in map)
                values.Add(entry.Key, Value(shape.Of, entry.Value, parent + "." + name, entry.Key));
            return values;
        }

        private static void Size(Vocabulary.Shape shape, int size, string unit, string parent, string name)
        {
            if (size > shape.Most)
                throw VcgException.BadRequest(
                    parent + "." + name + ": " + size + " " + unit + "; at most " + shape.Most + " are allowed");
            if (size < shape.Least)
                throw VcgException.BadRequest(
                    parent + "." + name + ": " + size + " " + unit + "; at least " + shape.Least + " are needed");
        }

        private static VcgException Wrong(object value, string wanted, string parent, string name)
        {
            return VcgException.Protocol(parent + "." + name + ": " + wanted + " is wanted, not " + NameOf(value));
        }

        private static string NameOf(object value)
        {
            if (value == null)
                return "nil";
            if (value is string)
                return "str";
            if (value is bool)
                return "bool";
            if (value is long)
                return "int";
            if (value is double)
                return "float";
            if (value is byte[])
                return "bin";
            return value is IList ? "array" : "map";
        }
    }
}
