using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Typed access to a map that <see cref="Schema"/> has checked: the casts cannot fail.</summary>
    internal static class WireFields
    {
        internal static string Text(this IReadOnlyDictionary<string, object> map, string name)
        {
            return (string)map[name];
        }

        internal static long Long(this IReadOnlyDictionary<string, object> map, string name)
        {
            return (long)map[name];
        }

        /// <summary>An int that the vocabulary bounds to 32 bits, or a count that no one needs beyond.</summary>
        internal static int Int(this IReadOnlyDictionary<string, object> map, string name)
        {
            var value = (long)map[name];
            return value > int.MaxValue ? int.MaxValue : value < int.MinValue ? int.MinValue : (int)value;
        }

        internal static bool Flag(this IReadOnlyDictionary<string, object> map, string name)
        {
            return (bool)map[name];
        }

        internal static byte[] Bytes(this IReadOnlyDictionary<string, object> map, string name)
        {
            return (byte[])map[name];
        }

        internal static IReadOnlyDictionary<string, object> Map(this IReadOnlyDictionary<string, object> map, string name)
        {
            return (IReadOnlyDictionary<string, object>)map[name];
        }

        internal static IReadOnlyList<string> Texts(this IReadOnlyDictionary<string, object> map, string name)
        {
            return Texts(map[name]);
        }

        internal static IReadOnlyList<string> Texts(object list)
        {
            return Array.ConvertAll((object[])list, x => (string)x);
        }

        internal static IReadOnlyList<T> Records<T>(
            this IReadOnlyDictionary<string, object> map, string name, Func<IReadOnlyDictionary<string, object>, T> make)
        {
            return Array.ConvertAll((object[])map[name], x => make((IReadOnlyDictionary<string, object>)x));
        }

        /// <summary>The entries of a map, each made into something.</summary>
        internal static IReadOnlyDictionary<string, T> Table<T>(
            this IReadOnlyDictionary<string, object> map, string name, Func<object, T> make)
        {
            var table = new Dictionary<string, T>(StringComparer.Ordinal);
            foreach (KeyValuePair<string, object> entry in map.Map(name))
                table.Add(entry.Key, make(entry.Value));
            return table;
        }
    }
}
