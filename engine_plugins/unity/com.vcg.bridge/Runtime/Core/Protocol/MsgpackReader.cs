using System;
using System.Collections.Generic;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>
    /// Reads the msgpack of protocol 1: null, bool, long, double, string, byte[], object[] and
    /// Dictionary&lt;string, object&gt;. Looks at each length before it reserves memory; whatever is outside the protocol's
    /// bounds is refused.
    /// </summary>
    public sealed class MsgpackReader
    {
        private static readonly Encoding StrictUtf8 = new UTF8Encoding(false, true);

        private readonly byte[] data;
        private int at;

        private MsgpackReader(byte[] data)
        {
            this.data = data;
        }

        /// <summary>The map that fills the bytes exactly.</summary>
        /// <exception cref="VcgException">code "protocol": anything else</exception>
        public static Dictionary<string, object> ReadMap(byte[] data)
        {
            var reader = new MsgpackReader(data);
            var map = reader.Value(1) as Dictionary<string, object>;
            if (map == null)
                throw VcgException.Protocol("a message is a map");
            if (reader.at != data.Length)
                throw VcgException.Protocol((data.Length - reader.at) + " bytes after the end of the message");
            return map;
        }

        private object Value(int depth)
        {
            byte first = Next();
            if (first < 0x80)
                return (long)first;
            if (first >= 0xE0)
                return (long)first - 0x100;
            if (first < 0x90)
                return Map(first & 0x0F, depth);
            if (first < 0xA0)
                return Array(first & 0x0F, depth);
            if (first < 0xC0)
                return Text(first & 0x1F);
            switch (first)
            {
                case 0xC0: return null;
                case 0xC2: return false;
                case 0xC3: return true;
                case 0xC4: return Bin(Number(1));
                case 0xC5: return Bin(Number(2));
                case 0xC6: return Bin(Number(4));
                case 0xCB: return Real();
                case 0xCC: return (long)Number(1);
                case 0xCD: return (long)Number(2);
                case 0xCE: return (long)Number(4);
                case 0xCF: return Unsigned();
                case 0xD0: return (long)(sbyte)Number(1);
                case 0xD1: return (long)(short)Number(2);
                case 0xD2: return (long)(int)Number(4);
                case 0xD3: return (long)Number(8);
                case 0xD9: return Text(Length(1));
                case 0xDA: return Text(Length(2));
                case 0xDB: return Text(Length(4));
                case 0xDC: return Array(Length(2), depth);
                case 0xDD: return Array(Length(4), depth);
                case 0xDE: return Map(Length(2), depth);
                case 0xDF: return Map(Length(4), depth);
                default: throw VcgException.Protocol("msgpack type 0x" + first.ToString("x2") + " is not allowed");
            }
        }

        private byte Next()
        {
            if (at >= data.Length)
                throw Early();
            return data[at++];
        }

        private ulong Number(int bytes)
        {
            if (bytes > data.Length - at)
                throw Early();
            ulong value = 0;
            for (int i = 0; i < bytes; i++)
                value = value << 8 | data[at++];
            return value;
        }

        private long Length(int bytes)
        {
            return (long)Number(bytes);
        }

        private long Unsigned()
        {
            ulong value = Number(8);
            if (value > long.MaxValue)
                throw VcgException.Protocol(value + " is no 64-bit integer");
            return (long)value;
        }

        private double Real()
        {
            double value = BitConverter.Int64BitsToDouble((long)Number(8));
            if (double.IsNaN(value) || double.IsInfinity(value))
                throw VcgException.Protocol("a float that is no finite number");
            return value;
        }

        private void CheckLength(long length, int most, string what)
        {
            if (length > most)
                throw VcgException.Protocol(what + " of length " + length + "; at most " + most + " is allowed");
            if (length > data.Length - at)  // an entry takes at least one byte
                throw Early();
        }

        private byte[] Bin(ulong length)
        {
            CheckLength((long)length, Vocabulary.MaxBinBytes, "a bin");
            var bytes = new byte[(int)length];
            Buffer.BlockCopy(data, at, bytes, 0, bytes.Length);
            at += bytes.Length;
            return bytes;
        }

        private string Text(long length)
        {
            CheckLength(length, Vocabulary.MaxTextBytes, "a str");
            string text;
            try
            {
                text = StrictUtf8.GetString(data, at, (int)length);
            }
            catch (ArgumentException)
            {
                throw VcgException.Protocol("a str that is not UTF-8");
            }
            if (text.IndexOf('\0') >= 0)
                throw VcgException.Protocol("a str with a NUL character");
            at += (int)length;
            return text;
        }

        private object[] Array(long length, int depth)
        {
            CheckDepth(depth);
            CheckLength(length, Vocabulary.MaxLength, "an array");
            var values = new object[(int)length];
            for (int i = 0; i < values.Length; i++)
                values[i] = Value(depth + 1);
            return values;
        }

        private Dictionary<string, object> Map(long length, int depth)
        {
            CheckDepth(depth);
            CheckLength(length, Vocabulary.MaxLength, "a map");
            // The length is a claim: what it may cost is bounded by the bytes that are there, two for each entry.
            var values = new Dictionary<string, object>((int)Math.Min(length, (data.Length - at) / 2), StringComparer.Ordinal);
            for (long i = 0; i < length; i++)
            {
                var key = Value(Vocabulary.MaxDepth + 1) as string;  // so deep that only a scalar passes
                if (key == null || !IsKey(key))
                    throw VcgException.Protocol("a map key that is none");
                if (values.ContainsKey(key))
                    throw VcgException.Protocol("the key '" + key + "' stands twice in one map");
                values.Add(key, Value(depth + 1));
            }
            return values;
        }

        private static void CheckDepth(int depth)
        {
            if (depth > Vocabulary.MaxDepth)
                throw VcgException.Protocol("nested deeper than " + Vocabulary.MaxDepth);
        }

        /// <summary>Printable ASCII without space, 1 to 128 characters.</summary>
        internal static bool IsKey(string text)
        {
            if (text.Length == 0 || text.Length > Vocabulary.MaxKeyBytes)
                return false;
            foreach (char character in text)
            {
                if (character < '!' || character > '~')
                    return false;
            }
            return true;
        }

        private static VcgException Early()
        {
            return VcgException.Protocol("the message ends early");
        }
    }
}
