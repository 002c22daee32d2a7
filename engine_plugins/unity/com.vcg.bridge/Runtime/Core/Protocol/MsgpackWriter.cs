using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>
    /// Writes the one canonical msgpack form of protocol 1: keys in ascending order, the shortest form of each int, str, bin,
    /// array and map, every float in 64 bits. So every language writes the same bytes for the same message.
    /// </summary>
    public sealed class MsgpackWriter
    {
        private static readonly Encoding StrictUtf8 = new UTF8Encoding(false, true);

        private readonly MemoryStream bytes = new MemoryStream();

        private MsgpackWriter()
        {
        }

        /// <summary>The bytes of a map.</summary>
        /// <param name="map">null, bool, int, long, double, string, byte[], lists and maps of these</param>
        /// <exception cref="VcgException">code "protocol": something that cannot travel, and where it is</exception>
        public static byte[] WriteMap(IReadOnlyDictionary<string, object> map)
        {
            var writer = new MsgpackWriter();
            writer.Map(map, "message", 1);
            return writer.bytes.ToArray();
        }

        private void Value(object value, string where, int depth)
        {
            if (value == null)
                bytes.WriteByte(0xC0);
            else if (value is bool)
                bytes.WriteByte((bool)value ? (byte)0xC3 : (byte)0xC2);
            else if (value is long)
                Int((long)value);
            else if (value is int)
                Int((int)value);
            else if (value is double)
                Real((double)value, where);
            else if (value is string)
                Text((string)value, where);
            else if (value is byte[])
                Bin((byte[])value, where);
            else if (value is IReadOnlyDictionary<string, object>)
                Map((IReadOnlyDictionary<string, object>)value, where, depth);
            else if (value is IList)
                Array((IList)value, where, depth);
            else
                throw VcgException.Protocol(where + ": a " + value.GetType().Name + " cannot travel");
        }

        private void Int(long value)
        {
            if (value >= 0)
            {
                if (value < 0x80)
                    bytes.WriteByte((byte)value);
                else if (value <= 0xFF)
                    Head(0xCC, value, 1);
                else if (value <= 0xFFFF)
                    Head(0xCD, value, 2);
                else if (value <= 0xFFFFFFFF)
                    Head(0xCE, value, 4);
                else
                    Head(0xCF, value, 8);
            }
            else if (value >= -0x20)
                bytes.WriteByte((byte)value);
            else if (value >= sbyte.MinValue)
                Head(0xD0, value, 1);
            else if (value >= short.MinValue)
                Head(0xD1, value, 2);
            else if (value >= int.MinValue)
                Head(0xD2, value, 4);
            else
                Head(0xD3, value, 8);
        }

        private void Real(double value, string where)
        {
            if (double.IsNaN(value) || double.IsInfinity(value))
                throw VcgException.Protocol(where + ": not a finite number");
            Head(0xCB, BitConverter.DoubleToInt64Bits(value), 8);
        }

        private void Text(string text, string where)
        {
            byte[] encoded;
            try
            {
                encoded = StrictUtf8.GetBytes(text);
            }
            catch (ArgumentException)
            {
                throw VcgException.Protocol(where + ": text that is not valid Unicode");
            }
            Most(encoded.Length, Vocabulary.MaxTextBytes, where, "bytes of text");
            if (text.IndexOf('\0') >= 0)
                throw VcgException.Protocol(where + ": text with a NUL character");
            if (encoded.Length < 0x20)
                bytes.WriteByte((byte)(0xA0 | encoded.Length));
            else
                Sized(encoded.Length, 0xD9, 0xDA, 0xDB);
            bytes.Write(encoded, 0, encoded.Length);
        }

        private void Bin(byte[] bin, string where)
        {
            Most(bin.Length, Vocabulary.MaxBinBytes, where, "bytes");
            Sized(bin.Length, 0xC4, 0xC5, 0xC6);
            bytes.Write(bin, 0, bin.Length);
        }

        private void Array(IList values, string where, int depth)
        {
            Enter(values.Count, where, depth);
            if (values.Count < 0x10)
                bytes.WriteByte((byte)(0x90 | values.Count));
            else
                Sized(values.Count, 0, 0xDC, 0xDD);
            for (int i = 0; i < values.Count; i++)
                Value(values[i], where + "[" + i + "]", depth + 1);
        }

        private void Map(IReadOnlyDictionary<string, object> map, string where, int depth)
        {
            Enter(map.Count, where, depth);
            if (map.Count < 0x10)
                bytes.WriteByte((byte)(0x80 | map.Count));
            else
                Sized(map.Count, 0, 0xDE, 0xDF);
            var keys = new List<string>(map.Keys);
            keys.Sort(StringComparer.Ordinal);
            foreach (string key in keys)
            {
                if (!MsgpackReader.IsKey(key))
                    throw VcgException.Protocol(where + ": '" + key + "' is no key");
                Text(key, where);
                Value(map[key], where + "." + key, depth + 1);
            }
        }

        private static void Enter(int count, string where, int depth)
        {
            if (depth > Vocabulary.MaxDepth)
                throw VcgException.Protocol(where + ": nested deeper than " + Vocabulary.MaxDepth);
            Most(count, Vocabulary.MaxLength, where, "entries");
        }

        private static void Most(int count, int most, string where, string unit)
        {
            if (count > most)
                throw VcgException.Protocol(where + ": " + count + " " + unit + "; at most " + most + " are allowed");
        }

        /// <summary>The shortest head that holds the length; `small` 0: there is none of one byte.</summary>
        private void Sized(int length, byte small, byte medium, byte large)
        {
            if (length <= 0xFF && small != 0)
                Head(small, length, 1);
            else if (length <= 0xFFFF)
                Head(medium, length, 2);
            else
                Head(large, length, 4);
        }

        private void Head(byte kind, long number, int size)
        {
            bytes.WriteByte(kind);
            for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
                bytes.WriteByte((byte)(number >> shift));
        }
    }
}
